"""Read the declared terms of SLA targets."""

from typing import Final

from sqlalchemy import bindparam, select

from engine.declaration.models import CatalogItem
from engine.declaration.sla_models import ALWAYS, PrioritySla, WorkingCalendar
from engine.resources.resource import SLA
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import calendars
from engine.storage.resources.settings import read_setting
from engine.tickets.sla_targets import DEFAULT_SLA, SlaTerms
from engine.vocabulary import Priority

_CALENDAR: Final = Statement.of(
    select(calendars.c.declaration).where(calendars.c.name == bindparam("calendar"))
)


async def read_terms(session: Session, source: CatalogItem | Priority) -> SlaTerms:
    """Return the terms that the SLA targets of a catalog item or a priority depend on."""
    sla = await read_setting(session, SLA, PrioritySla) or DEFAULT_SLA
    name = SlaTerms(sla).calendar_name(source)
    row = None if name == ALWAYS else await session.row(_CALENDAR, calendar=name)
    if row is None:
        return SlaTerms(sla)
    return SlaTerms(sla, {name: WorkingCalendar.model_validate_json(row["declaration"])})
