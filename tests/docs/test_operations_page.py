"""docs/operations.md lists every background task."""

import re

from tests.support.background_work import WORK
from tests.support.paths import DOCS

SECTION = (DOCS / "operations.md").read_text("utf-8").partition("### Background tasks\n")[2]
TABLE = SECTION.partition("| --- | --- | --- |\n")[2].partition("\n\n")[0]


def test_the_page_lists_every_background_task() -> None:
    names = [
        each for row in TABLE.splitlines() for each in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert sorted(names) == sorted([*WORK, "embedded_database"])
