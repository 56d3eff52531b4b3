"""Read the groups whose members can open tickets for other users."""

from engine.declaration.models import OnBehalf
from engine.resources.resource import ON_BEHALF
from engine.storage.postgres.database import Database, Session
from engine.storage.resources.settings import read_setting


async def read_on_behalf_groups(source: Database | Session) -> frozenset[str]:
    """Return the groups of `ticketing.onBehalf`; by default an empty set."""
    declared = await read_setting(source, ON_BEHALF, OnBehalf) or OnBehalf()
    return frozenset(declared.groups)
