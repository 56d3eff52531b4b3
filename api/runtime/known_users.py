"""The users of recent requests, so that each user is stored once and not with every request."""

from collections import OrderedDict
from dataclasses import dataclass, field

from api.limits import KNOWN_USERS
from engine.storage.postgres.database import Database
from engine.storage.tickets.users import save_user
from engine.tickets.actor import Actor


@dataclass(frozen=True, slots=True)
class KnownUsers:
    """Stores name and groups of users, as their tokens state them."""

    database: Database
    _known: OrderedDict[str, Actor] = field(default_factory=OrderedDict)

    async def remember(self, actor: Actor) -> None:
        """Store a user, unless this process stored the same name and groups before."""
        if self._known.get(actor.id) == actor:
            return
        await save_user(self.database, actor)
        self._known[actor.id] = actor
        self._known.move_to_end(actor.id)
        if len(self._known) > KNOWN_USERS:
            self._known.popitem(last=False)
