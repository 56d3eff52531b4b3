"""`interlock sign-out` ends the sessions of one user."""

from engine.storage.postgres.database import Database
from tests.support.command import interlock, on
from tests.support.personas import ANNA, MARTON
from tests.support.web_client import store_of


async def test_all_sessions_of_the_user_end(database: Database, database_url: str) -> None:
    sessions = store_of(database)
    first, second = [await sessions.create(ANNA) for _ in range(2)]
    other = await sessions.create(MARTON)
    for expected in ("2 sessions have ended.\n", "0 sessions have ended.\n"):
        assert interlock("sign-out", ANNA.id, env=on(database_url)).stdout == expected
    assert await sessions.read(first) is None
    assert await sessions.read(second) is None
    assert await sessions.read(other)
    done = interlock("sign-out", MARTON.id, env=on(database_url))
    assert done.stdout == "1 session has ended.\n"


def test_a_user_is_required() -> None:
    assert interlock("sign-out").returncode == 64
