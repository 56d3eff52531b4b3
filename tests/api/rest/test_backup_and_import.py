"""Backups and imports over REST, and on the command line."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from api.auth.api_keys import Scope
from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.settings import Settings
from engine.storage.migrate import migrate
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CreateTicket
from reconciler.backup import backup_lines
from tests.support.api_client import SECRET, Client
from tests.support.command import interlock, on
from tests.support.databases import EMPTY, new_database
from tests.support.personas import ANNA

KEYS = {scope: f"ik_{scope}" for scope in (Scope.EXPORT, Scope.RELOAD)}
DECLARED = """
ticketing:
  workflows:
    - name: hotfix
      transitions: [{from: OPEN, to: CLOSED, role: %s}]
"""


@pytest.fixture
async def machine(engine: EngineHandle, database_url: str) -> AsyncIterator[Client]:
    entries = " ".join(f"{scope}={sha256(key.encode()).hexdigest()}" for scope, key in KEYS.items())
    settings = Settings(database_url=SecretStr(database_url), jwt_secret=SECRET, api_keys=entries)
    async with (
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application)) as opened,
    ):
        yield opened


def key(scope: Scope) -> dict[str, str]:
    return {"X-API-Key": KEYS[scope]}


async def test_a_backup_can_be_exported(machine: Client, engine: EngineHandle) -> None:
    await TicketStore(engine.database).create(
        ANNA, CreateTicket.parse(title="Printer", workflow="service_request")
    )
    expected = "".join([each async for each in backup_lines(engine.database)])
    async with machine.get("/api/v1/templates/export", headers=key(Scope.EXPORT)) as response:
        assert response.status == 200
        assert response.content_type == "application/yaml"
        assert await response.text() == expected


async def test_an_export_requires_a_key_with_its_scope(machine: Client) -> None:
    async with machine.get("/api/v1/templates/export", headers=key(Scope.RELOAD)) as response:
        assert (response.status, (await response.json(content_type=None))["reason"]) == (
            403,
            "scope_required",
        )


async def import_values(machine: Client, text: str) -> tuple[int, dict[str, Any]]:
    path = "/api/v1/templates/import"
    headers = key(Scope.RELOAD) | {"Content-Type": "application/yaml"}
    async with machine.post(path, data=text.encode(), headers=headers) as response:
        return response.status, await response.json(content_type=None)


async def test_an_import_is_planned_and_applied(machine: Client) -> None:
    status, plan = await import_values(machine, DECLARED % "requester")
    assert (status, plan["summary"]["create"]) == (200, 1)
    status, problem = await import_values(machine, DECLARED % "any")
    assert (status, problem["code"]) == (403, "refused_by_guard")
    status, problem = await import_values(machine, DECLARED % "manager")
    assert (status, problem["code"]) == (400, "invalid_declaration")


async def test_the_command_line_copies_a_database(
    database_url: str, server: str, store: TicketStore, tmp_path: Path
) -> None:
    await store.create(ANNA, CreateTicket.parse(title="P", workflow="service_request"))
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    here = on(database_url)
    assert interlock("backup", str(first), env=here).returncode == 0
    async with new_database(server, EMPTY) as elsewhere:
        await migrate(elsewhere)
        there = on(elsewhere)
        restored = interlock("restore", str(first), env=there).stdout
        assert "Each ticket follows from its history." in restored
        assert interlock("backup", str(second), env=there).returncode == 0
        assert first.read_bytes() == second.read_bytes()
        assert "not empty" in interlock("restore", str(first), env=there).stderr
    assert json.loads(first.read_text("utf-8").splitlines()[-1].split(": ", 1)[1])["rows"] > 1


def test_a_backup_replaces_no_file_and_leaves_no_unfinished_one(
    database_url: str, tmp_path: Path
) -> None:
    file, unfinished = tmp_path / "b.yaml", tmp_path / "b.yaml.unfinished"
    unfinished.touch()
    done = interlock("backup", str(file), env=on(database_url))
    assert f"{unfinished}: can't be written: File exists" in done.stderr
    unfinished.unlink()
    file.write_text("mine")
    done = interlock("backup", str(file), env=on(database_url))
    assert f"{file}: can't be written: File exists" in done.stderr
    assert (file.read_text(), [*tmp_path.iterdir()]) == ("mine", [file])
    file.unlink()
    done = interlock("backup", str(file), env=on("postgresql://unknown@127.0.0.1:1/none"))
    assert (done.returncode, [*tmp_path.iterdir()]) == (1, [])
