"""The users of recent requests, so that each user is stored once and not with every request."""

from collections import OrderedDict

from api.limits import KNOWN_USERS
from engine.errors import Overloaded
from engine.storage.postgres.database import Database
from engine.storage.postgres.slots import KeyedSlots, NoFreeSlot, WaitBounds
from engine.storage.tickets.users import save_user
from engine.tickets.actor import Actor


class KnownUsers:
    """Stores name and groups of users, as their tokens state them.

    Args:
        database: where the users are stored.
        waiting: bounds the requests of one user that wait until the user is stored.

    """

    def __init__(self, database: Database, waiting: WaitBounds) -> None:
        self._database = database
        self._known: OrderedDict[str, Actor] = OrderedDict()
        self._storing = KeyedSlots(1, waiting)

    async def remember(self, actor: Actor) -> None:
        """Store a user, unless this process stored the same name and groups before.

        Raises:
            Overloaded: other requests of the user have waited for that for too long.

        """
        if self._known.get(actor.id) == actor:
            return
        try:
            await self._storing.acquire(actor.id)  # so that a user locks one connection at most
        except NoFreeSlot:
            bound = self._storing.bounds.seconds
            text = f"The request waited {bound:g} s until your name and groups were stored."
            raise Overloaded(text, limit="wait_seconds", bound=bound) from None
        try:
            await self._store(actor)
        finally:
            self._storing.release(actor.id)

    async def _store(self, actor: Actor) -> None:
        if self._known.get(actor.id) == actor:
            return  # a request that came first has stored the user
        await save_user(self._database, actor)
        self._known[actor.id] = actor
        self._known.move_to_end(actor.id)
        if len(self._known) > KNOWN_USERS:
            self._known.popitem(last=False)
