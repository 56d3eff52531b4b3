"""A server stores each user once, and again after some time."""

from api.limits import KNOWN_USER_SECONDS
from api.runtime.known_users import KnownUsers
from engine.storage.postgres.database import Database
from engine.storage.postgres.slots import WaitBounds
from engine.storage.tickets.users import read_user_names
from tests.support.personas import ANNA
from tests.support.webhook_deliveries import run_sql


async def test_a_lost_record_is_stored_again(database: Database) -> None:
    now = 0.0
    users = KnownUsers(database, WaitBounds(1, 1), lambda: now)
    forget = f"UPDATE users SET name = NULL WHERE id = '{ANNA.id}'"  # noqa: S608 - a constant
    await users.remember(ANNA)
    await run_sql(database, forget)
    await users.remember(ANNA)
    assert await read_user_names(database, [ANNA.id]) == {ANNA.id: ANNA.id}, "stored once"
    now += KNOWN_USER_SECONDS
    await users.remember(ANNA)
    assert await read_user_names(database, [ANNA.id]) == {ANNA.id: ANNA.name}
