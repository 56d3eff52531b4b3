"""People are remembered from their tokens, so that tickets can show names."""

from collections import OrderedDict
from dataclasses import dataclass, field

from api.limits import REMEMBERED_PEOPLE
from engine.storage.postgres.database import Database
from engine.storage.tickets.users import remember_user
from engine.tickets.actor import Actor


@dataclass(frozen=True, slots=True)
class KnownUsers:
    """Writes down who signs in, once for what their token says."""

    database: Database
    _known: OrderedDict[str, Actor] = field(default_factory=OrderedDict)

    async def remember(self, actor: Actor) -> None:
        """Write down a person, unless this process did so with the same name and groups."""
        if self._known.get(actor.id) == actor:
            return
        await remember_user(self.database, actor)
        self._known[actor.id] = actor
        self._known.move_to_end(actor.id)
        if len(self._known) > REMEMBERED_PEOPLE:
            self._known.popitem(last=False)
