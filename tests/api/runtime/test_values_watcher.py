"""A server applies the mounted file, and keeps the active declaration if it cannot."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.runtime.background_tasks import Supervisor
from api.runtime.values_file import ValuesFile
from api.runtime.values_watcher import ValuesWatcher
from api.settings import Settings
from engine.resources.resource import Resource
from engine.storage.postgres.connection import connect
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.pool import ConnectionPool
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations
from engine.storage.resources.read import read_resources
from engine.storage.resources.reconciliations import reconciliation_session
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import read_desired
from reconciler.values import ValuesInput
from tests.support.declared_resources import DEFAULTS, put_resources
from tests.support.lock_gates import TIMEOUT_SECONDS, Observer
from tests.support.plans import EVERYTHING
from tests.support.values_mount import (
    ALL_DEFAULTS,
    CHANGED,
    INVALID,
    NARROWED,
    NOTHING,
    WIDENED,
    Mount,
)

POLL_SECONDS = 0.001
COUNT_RECONCILIATIONS = Statement.of(
    select(func.count().label("rows")).select_from(reconciliations)
)

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def watcher(database: Database, mount: Mount) -> ValuesWatcher:
    return ValuesWatcher(ValuesFile(database, mount.file))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return the log lines of the test."""
    with capture_logs() as captured:
        yield captured


async def read_workflow(database: Database) -> Resource:
    """Return the workflow that the values files of these tests change."""
    return (await read_resources(database)).resources[CHANGED]


async def count_reconciliations(database: Database) -> int:
    [row] = await database.rows(COUNT_RECONCILIATIONS)
    rows: int = row["rows"]
    return rows


def gauge(watcher: ValuesWatcher) -> float:
    """Return the metric that shows whether the file is applied."""
    families = (family for each in watcher.values.metrics.collectors for family in each.collect())
    [value] = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "interlock_values_applied"
    ]
    return value


@asynccontextmanager
async def followed(watcher: ValuesWatcher) -> AsyncIterator[None]:
    async with Supervisor().run([watcher.task(POLL_SECONDS)]):
        yield


async def wait_until(database: Database, condition: Callable[[], bool]) -> None:
    """Wait until a condition is true; fail if it takes too long."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():
            await database.check()


async def test_a_swapped_link_is_detected(
    watcher: ValuesWatcher, mount: Mount, database: Database, lines: Lines
) -> None:
    before = await read_workflow(database)
    async with followed(watcher):
        mount.put(NARROWED)
        await wait_until(database, lambda: any(line.get("changes") for line in lines))
        narrowed = await read_workflow(database)
        mount.put(ALL_DEFAULTS)
        await wait_until(database, lambda: lines[-1]["log_level"] == "error")
    assert narrowed != before
    assert await read_workflow(database) == narrowed


async def test_a_content_is_applied_once_and_later_manual_changes_stay(
    watcher: ValuesWatcher, mount: Mount, database: Database
) -> None:
    mount.put(NARROWED)
    await watcher.catch_up()
    manual = [each for each in DEFAULTS if each.key == CHANGED]
    await put_resources(database, manual)
    mount.put(NARROWED)
    await watcher.catch_up()
    assert await read_workflow(database) == manual[0]


async def test_only_one_of_several_servers_applies_the_file(
    database_url: str, mount: Mount, database: Database
) -> None:
    before = await count_reconciliations(database)
    mount.put(NARROWED)
    async with AsyncExitStack() as stack:
        servers = [
            ValuesWatcher(
                ValuesFile(await stack.enter_async_context(open_database(database_url)), mount.file)
            )
            for _ in range(5)
        ]
        await asyncio.gather(*(server.catch_up(wait=True) for server in servers))
        assert [gauge(server) for server in servers] == [1] * 5
    assert await count_reconciliations(database) == before + 1


async def test_a_file_is_left_to_another_reconciliation_and_tried_again(
    watcher: ValuesWatcher, mount: Mount, database: Database, lines: Lines
) -> None:
    mount.put(NARROWED)
    async with reconciliation_session(database, "u_a0", wait=True):
        await watcher.catch_up()
    [line] = lines
    assert line["log_level"] == "info"
    assert "started by u_a0" in line["reason"]
    await watcher.catch_up()
    assert gauge(watcher) == 1


async def test_a_server_that_starts_waits_for_another_reconciliation(
    watcher: ValuesWatcher, mount: Mount, database: Database, observer: Observer
) -> None:
    mount.put(NARROWED)
    async with reconciliation_session(database, "u_a0", wait=True):
        waiting = asyncio.create_task(watcher.catch_up(wait=True))
        await observer.wait_for(1, "state = 'idle' AND query = 'COMMIT'")
    await waiting
    assert gauge(watcher) == 1


REFUSED = {
    "a file that retires all workflows": (
        NOTHING,
        "refused",
        [
            "were not acknowledged",
            "--allow-empty: The values declare nothing",
            "--allow-many-retired: The plan retires 5 of 5 active",
            "To apply it, add: --allow-empty --allow-many-retired",
        ],
    ),
    "a file that widens rights": (
        WIDENED,
        "refused",
        [
            "were not acknowledged",
            "--allow-widening: Under workflow service_request",
            "To apply it, add: --allow-widening",
        ],
    ),
    "an invalid file": (INVALID, "invalid", [":2:14: error:", ":3:30: error:"]),
}


@pytest.mark.parametrize(("text", "outcome", "messages"), REFUSED.values(), ids=REFUSED)
async def test_a_refused_file_is_logged_once_and_changes_nothing(
    text: str,
    outcome: str,
    messages: list[str],
    watcher: ValuesWatcher,
    mount: Mount,
    database: Database,
    lines: Lines,
) -> None:
    before = await read_resources(database)
    mount.put(text)
    for _ in range(3):
        await watcher.catch_up()
    [line] = lines
    assert (line["log_level"], line["outcome"], line["file"]) == ("error", outcome, str(mount.file))
    assert ("interlock apply" in line.get("hint", "")) is (outcome == "refused")
    for message, expected in zip(line["errors"], messages, strict=True):
        assert expected in message
    assert await read_resources(database) == before
    assert gauge(watcher) == 0
    mount.put(NARROWED)
    await watcher.catch_up()
    assert (lines[-1]["event"], gauge(watcher)) == ("values file applied", 1)


@pytest.mark.parametrize(
    "text", ["ticketing:\n", "ticketing: {}\n", "ticketing: {enabled: true}\n"]
)
async def test_a_file_that_lost_its_content_changes_nothing(
    text: str, watcher: ValuesWatcher, mount: Mount, database: Database, lines: Lines
) -> None:
    mount.put(NARROWED)
    await watcher.catch_up()
    before = await read_resources(database)
    mount.put(text)
    await watcher.catch_up()
    assert (lines[-1]["outcome"], gauge(watcher), watcher.refused) == ("refused", 0, True)
    assert any("--allow-empty: The values declare nothing" in each for each in lines[-1]["errors"])
    assert await read_resources(database) == before


async def test_a_missing_file_is_logged_once(
    watcher: ValuesWatcher, mount: Mount, lines: Lines
) -> None:
    mount.file.unlink()
    for _ in range(3):
        await watcher.catch_up()
    [line] = lines
    assert line["errors"] == [f"{mount.file}: can't be read: No such file or directory."]
    mount.put(ALL_DEFAULTS)
    await watcher.catch_up()
    assert gauge(watcher) == 1


async def test_a_user_can_apply_a_refused_file(
    watcher: ValuesWatcher, mount: Mount, database: Database, lines: Lines
) -> None:
    mount.put(NOTHING)
    async with followed(watcher):
        await wait_until(database, lambda: watcher.refused)
        request = ApplyRequest("u_a0", EVERYTHING, wait=True)
        await reconcile(
            database, read_desired(ValuesInput([("manual", NOTHING)])), request, "manual"
        )
        await wait_until(database, lambda: gauge(watcher) == 1)
    assert [line["event"] for line in lines] == [
        "values file not applied",
        "values file applied",
    ]


async def test_the_watcher_retries_after_a_database_failure(
    watcher: ValuesWatcher, database: Database, lines: Lines
) -> None:
    unavailable = Database(
        ConnectionPool(1, partial(connect, "postgresql://user@127.0.0.1:1/none"))
    )
    watcher.values = replace(watcher.values, database=unavailable)
    await watcher.catch_up()
    assert (lines[-1]["outcome"], watcher.fingerprint) == ("failed", "")
    watcher.values = replace(watcher.values, database=database)
    await watcher.catch_up()
    assert gauge(watcher) == 1


# --- at start-up --------------------------------------------------------------------------------


async def test_a_server_applies_the_file_before_it_serves(
    engine: EngineHandle, settings: Settings, mount: Mount
) -> None:
    mount.put(NARROWED)
    before = await read_workflow(engine.database)
    async with open_application_on(engine, settings.model_copy(update={"values_file": mount.file})):
        assert await read_workflow(engine.database) != before


async def test_a_server_starts_with_the_active_declaration_if_the_file_is_invalid(
    engine: EngineHandle, settings: Settings, mount: Mount, lines: Lines
) -> None:
    mount.put(INVALID)
    before = await read_resources(engine.database)
    async with open_application_on(engine, settings.model_copy(update={"values_file": mount.file})):
        assert await read_resources(engine.database) == before
    assert [line["log_level"] for line in lines] == ["error"]


async def test_the_values_of_the_chart_can_be_below_a_key(
    engine: EngineHandle, settings: Settings, mount: Mount
) -> None:
    mount.put("interlock:\n" + "".join(f"  {line}\n" for line in NARROWED.splitlines()))
    before = await read_workflow(engine.database)
    mounted = {"values_file": mount.file, "values_key": "interlock"}
    async with open_application_on(engine, settings.model_copy(update=mounted)):
        assert await read_workflow(engine.database) != before


async def test_a_mounted_folder_is_applied_whenever_one_of_its_files_changes(
    database: Database, tmp_path: Path, lines: Lines
) -> None:
    (tmp_path / "team.yaml").write_text(NARROWED, "utf-8")
    (tmp_path / ".hidden.yaml").write_text("no declaration", "utf-8")
    watcher = ValuesWatcher(ValuesFile(database, tmp_path))
    await watcher.catch_up()
    narrowed = await read_workflow(database)
    (tmp_path / "other.yaml").write_text("ticketing: {groups: [other]}", "utf-8")
    await watcher.catch_up()
    (tmp_path / "third.yaml").write_text(NARROWED, "utf-8")
    await watcher.catch_up()
    assert [(line["event"], line.get("changes")) for line in lines] == [
        ("values file applied", 1),
        ("values file applied", 1),
        ("values file not applied", None),
    ]
    assert await read_workflow(database) == narrowed
