"""The users of the tests."""

from engine.storage.postgres.database import Database
from engine.storage.tickets.users import save_user
from engine.tickets.actor import Actor

ANNA = Actor("u_b1", "Anna K.")
MARTON = Actor("u_c4", "Marton P.", frozenset({"payment-team"}))
ADA = Actor("u_a0", "Ada L.", is_admin=True)
OUTSIDER = Actor("u_z9", "Zoe R.")
CILI = Actor("u_e3", "Cili V.", frozenset({"network-team"}))
ALL_USERS = (ANNA, MARTON, ADA, OUTSIDER)


async def sign_in(database: Database, *actors: Actor) -> None:
    """Store users as their tokens describe them, so that tickets can be assigned to them."""
    for actor in actors:
        await save_user(database, actor)
