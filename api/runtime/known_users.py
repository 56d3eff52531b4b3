"""The users of recent requests, so that each user is stored once and not with every request."""

import time
from collections import OrderedDict
from collections.abc import Callable

from api.limits import KNOWN_USER_SECONDS, KNOWN_USERS
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
        clock: a monotonic clock in seconds.

    """

    def __init__(
        self,
        database: Database,
        waiting: WaitBounds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._known: OrderedDict[str, tuple[Actor, float]] = OrderedDict()
        self._storing = KeyedSlots(1, waiting)

    async def remember(self, actor: Actor) -> None:
        """Store a user, unless this process stored the same name and groups not long ago.

        Raises:
            Overloaded: other requests of the user have waited for that for too long.

        """
        if self._is_known(actor):
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

    def _is_known(self, actor: Actor) -> bool:
        known, until = self._known.get(actor.id, (None, 0))
        return known == actor and self._clock() < until

    async def _store(self, actor: Actor) -> None:
        if self._is_known(actor):
            return  # a request that came first has stored the user
        await save_user(self._database, actor)
        self._known[actor.id] = actor, self._clock() + KNOWN_USER_SECONDS
        self._known.move_to_end(actor.id)
        if len(self._known) > KNOWN_USERS:
            self._known.popitem(last=False)
