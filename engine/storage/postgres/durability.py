"""What a crash or a fail-over of the database can lose, as its settings say."""

from typing import Final, NamedTuple

from sqlalchemy import text

from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement

_SETTINGS: Final = Statement.of(
    text(
        "SELECT current_setting('fsync') AS fsync,"
        " current_setting('full_page_writes') AS full_page_writes,"
        " current_setting('synchronous_standby_names') AS synchronous_standbys,"
        " (SELECT count(*) FROM pg_stat_replication) AS standbys"
    )
)


class DurabilityRisk(NamedTuple):
    """A setting of the database, and the loss that it permits."""

    setting: str
    loss: str


_NO_FSYNC: Final = DurabilityRisk(
    "fsync=off", "a crash of the machine can lose or corrupt the whole database"
)
_NO_FULL_PAGES: Final = DurabilityRisk(
    "full_page_writes=off",
    "a crash of the machine can corrupt pages, unless the file system writes them atomically",
)
_ASYNCHRONOUS: Final = DurabilityRisk(
    "synchronous_standby_names=''",
    "a fail-over to a standby can lose the last acknowledged changes",
)


async def read_durability_risks(database: Database) -> list[DurabilityRisk]:
    """Return the settings of a database with which acknowledged changes can be lost."""
    [row] = await database.rows(_SETTINGS)
    is_asynchronous = row["standbys"] > 0 and not row["synchronous_standbys"].strip()
    risks = (
        (_NO_FSYNC, row["fsync"] == "off"),
        (_NO_FULL_PAGES, row["full_page_writes"] == "off"),
        (_ASYNCHRONOUS, is_asynchronous),
    )
    return [risk for risk, is_present in risks if is_present]
