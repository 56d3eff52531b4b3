"""A running server keeps the mounted file in force, and goes on with the old set if it can't."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import Engine
from api.runtime.values_file import ValuesFile
from api.runtime.values_watcher import ValuesWatcher
from api.settings import Settings
from engine.resources.resource import Resource
from engine.storage.postgres.database import Database, connect, open_database
from engine.storage.postgres.pool import ConnectionPool
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import reconciliations
from engine.storage.resources.read import read_resources
from engine.storage.resources.reconciliations import reconciliation_session
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import desired_in
from reconciler.hazards import Allowances
from tests.support.declared_resources import DEFAULTS, put
from tests.support.lock_gates import PATIENCE_SECONDS, observing
from tests.support.values_mount import (
    ALL_DEFAULTS,
    CHANGED,
    INVALID,
    NARROWED,
    NOTHING,
    WIDENED,
    Mount,
)

EVERYTHING = Allowances(1_000, widening=True, many_retired=True)
AT_ONCE = 0.001
LEDGER = Statement.of(select(func.count().label("rows")).select_from(reconciliations))

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def watch(database: Database, mount: Mount) -> ValuesWatcher:
    return ValuesWatcher(ValuesFile(database, mount.file))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return what is logged while the test runs."""
    with capture_logs() as captured:
        yield captured


async def in_force(database: Database) -> Resource:
    """Return the workflow that the files of these tests change."""
    return (await read_resources(database)).resources[CHANGED]


async def recorded(database: Database) -> int:
    [row] = await database.rows(LEDGER)
    rows: int = row["rows"]
    return rows


def gauge(watch: ValuesWatcher) -> float:
    """Return whether the file is in force, as Prometheus is told."""
    families = (family for each in watch.values.metrics.collectors for family in each.collect())
    [value] = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "interlock_values_applied"
    ]
    return value


@asynccontextmanager
async def followed(watch: ValuesWatcher) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.follow(every=AT_ONCE))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(database: Database, is_so: Callable[[], bool]) -> None:
    """Return when something is so; the test fails if that does not come about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():
            await database.check()


async def test_a_swapped_link_is_noticed(
    watch: ValuesWatcher, mount: Mount, database: Database, lines: Lines
) -> None:
    before = await in_force(database)
    async with followed(watch):
        mount.put(NARROWED)
        await until(database, lambda: any(line.get("changes") for line in lines))
        narrowed = await in_force(database)
        mount.put(ALL_DEFAULTS)
        await until(database, lambda: lines[-1]["log_level"] == "error")
    assert narrowed != before
    assert await in_force(database) == narrowed


async def test_a_content_is_applied_once_and_what_is_done_by_hand_later_stays(
    watch: ValuesWatcher, mount: Mount, database: Database
) -> None:
    mount.put(NARROWED)
    await watch.catch_up()
    by_hand = [each for each in DEFAULTS if each.key == CHANGED]
    await put(database, by_hand)
    mount.put(NARROWED)
    await watch.catch_up()
    assert await in_force(database) == by_hand[0]


async def test_of_several_servers_one_applies_it(
    database_url: str, mount: Mount, database: Database
) -> None:
    before = await recorded(database)
    mount.put(NARROWED)
    async with AsyncExitStack() as stack:
        servers = [
            ValuesWatcher(
                ValuesFile(await stack.enter_async_context(open_database(database_url)), mount.file)
            )
            for _ in range(5)
        ]
        await asyncio.gather(*(server.catch_up() for server in servers))
        assert [gauge(server) for server in servers] == [1] * 5
    assert await recorded(database) == before + 1


async def test_whoever_reconciles_is_waited_for(
    watch: ValuesWatcher, mount: Mount, database: Database, database_url: str
) -> None:
    mount.put(NARROWED)
    async with observing(database_url) as observer:
        async with reconciliation_session(database, "u_a0", wait=True):
            waiting = asyncio.create_task(watch.catch_up())
            await observer.see_waiting(1)
        await waiting
    assert gauge(watch) == 1


REFUSED = {
    "what retires workflows": (NOTHING, "refused", ["5 of 5 workflows are retired at once"]),
    "what widens rights": (WIDENED, "refused", ["service_request lets more people do more"]),
    "what is no declaration": (INVALID, "invalid", [":2:14: error:", ":3:30: error:"]),
}


@pytest.mark.parametrize(("text", "outcome", "complaints"), REFUSED.values(), ids=REFUSED)
async def test_a_file_that_does_not_do_is_told_of_once_and_changes_nothing(
    text: str,
    outcome: str,
    complaints: list[str],
    watch: ValuesWatcher,
    mount: Mount,
    database: Database,
    lines: Lines,
) -> None:
    before = await read_resources(database)
    mount.put(text)
    for _ in range(3):
        await watch.catch_up()
    [line] = lines
    assert (line["log_level"], line["outcome"], line["file"]) == ("error", outcome, str(mount.file))
    assert ("interlock apply" in line.get("hint", "")) is (outcome == "refused")
    for said, expected in zip(line["complaints"], complaints, strict=True):
        assert expected in said
    assert await read_resources(database) == before
    assert gauge(watch) == 0
    mount.put(NARROWED)
    await watch.catch_up()
    assert (lines[-1]["event"], gauge(watch)) == ("the values file is in force", 1)


async def test_a_file_that_is_away_is_told_of_once(
    watch: ValuesWatcher, mount: Mount, lines: Lines
) -> None:
    mount.file.unlink()
    for _ in range(3):
        await watch.catch_up()
    [line] = lines
    assert line["complaints"] == [f"{mount.file}: can't be read: No such file or directory."]
    mount.put(ALL_DEFAULTS)
    await watch.catch_up()
    assert gauge(watch) == 1


async def test_what_is_refused_here_may_be_applied_by_hand(
    watch: ValuesWatcher, mount: Mount, database: Database, lines: Lines
) -> None:
    mount.put(NOTHING)
    async with followed(watch):
        await until(database, lambda: watch.refused)
        meant = ApplyRequest("u_a0", EVERYTHING, wait=True)
        await reconcile(database, desired_in([("by hand", NOTHING)]), meant, "by hand")
        await until(database, lambda: gauge(watch) == 1)
    assert [line["event"] for line in lines] == [
        "the values file is not in force",
        "the values file is in force",
    ]


async def test_a_database_that_is_away_is_tried_again(
    watch: ValuesWatcher, database: Database, lines: Lines
) -> None:
    nobody = Database(ConnectionPool(1, partial(connect, "postgresql://nobody@127.0.0.1:1/none")))
    watch.values = replace(watch.values, database=nobody)
    await watch.catch_up()
    assert (lines[-1]["outcome"], watch.settled) == ("failed", "")
    watch.values = replace(watch.values, database=database)
    await watch.catch_up()
    assert gauge(watch) == 1


# --- at start-up --------------------------------------------------------------------------------


async def test_a_server_reconciles_before_it_serves(
    engine: Engine, settings: Settings, mount: Mount
) -> None:
    mount.put(NARROWED)
    before = await in_force(engine.database)
    async with open_application_on(engine, settings.model_copy(update={"values_file": mount.file})):
        assert await in_force(engine.database) != before


async def test_a_server_serves_the_old_set_if_the_file_does_not_do(
    engine: Engine, settings: Settings, mount: Mount, lines: Lines
) -> None:
    mount.put(INVALID)
    before = await read_resources(engine.database)
    async with open_application_on(engine, settings.model_copy(update={"values_file": mount.file})):
        assert await read_resources(engine.database) == before
    assert [line["log_level"] for line in lines] == ["error"]


async def test_the_chart_may_sit_below_a_key(
    engine: Engine, settings: Settings, mount: Mount
) -> None:
    mount.put("interlock:\n" + "".join(f"  {line}\n" for line in NARROWED.splitlines()))
    before = await in_force(engine.database)
    mounted = {"values_file": mount.file, "values_key": "interlock"}
    async with open_application_on(engine, settings.model_copy(update=mounted)):
        assert await in_force(engine.database) != before
