"""Write the file with which `interlock history verify` compares the schema of a database.

Usage: python -m tools.write_schema_objects

Run it after each change of the migrations. It creates the schema in an embedded PostgreSQL.
"""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.storage.migrate import migrate
from engine.storage.postgres.database import open_database
from engine.storage.postgres.embedded import embedded_server
from engine.storage.postgres.schema_audit import EXPECTED_OBJECTS, read_schema_objects


async def _write(url: str) -> None:
    await migrate(url)
    async with open_database(url) as database, database.snapshot() as session:
        objects = await read_schema_objects(session)
    EXPECTED_OBJECTS.write_text(json.dumps(objects, indent=1, sort_keys=True) + "\n", "utf-8")


def main() -> None:
    """Write the file."""
    with TemporaryDirectory() as folder, embedded_server(Path(folder)) as embedded:
        asyncio.run(_write(embedded.url))


if __name__ == "__main__":
    main()
