"""Read tickets by id."""

import pytest

from engine.errors import NotFound
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_ticket
from engine.tickets.viewer import SYSTEM_VIEWER

INVALID_IDS = [
    "",
    "tk_",
    "tk_00000",
    "tk_4F8E29",
    "tk_4f8e29\n",
    "4f8e29",
    "\0",
    "tk_00000\0",
    "\ud83d",
]


@pytest.mark.parametrize("text", [*INVALID_IDS, "tk_4f8e29", "tk_" + "0" * 10_000], ids=repr)
async def test_no_ticket_is_found_for(database: Database, text: str) -> None:
    with pytest.raises(NotFound):
        await read_ticket(database, SYSTEM_VIEWER, text)
