"""The text of a position, which clients store."""

import pytest

from engine.errors import InvalidInput
from engine.storage.history.position import LOG_START, Position

LARGEST = 2**63 - 1
ENTRY = "9f86d081884c"


@pytest.mark.parametrize(
    "position",
    [LOG_START, Position(4821, 17, 3, ENTRY), Position(LARGEST, LARGEST, LARGEST, ENTRY)],
)
def test_the_text_of_a_position_can_be_parsed(position: Position) -> None:
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "1-2", "1-2-3", f"1-2-3-{ENTRY}-4", f"1-2-3-{ENTRY}\n", f"1-2-3-{ENTRY}0"),
        *("1-2-3-", "1-2-3-9f86d081884", f"1-2-3-{ENTRY.upper()}", "1-2-3-9f86d081884g"),
        *(f"{each}-{ENTRY}" for each in ("01-2-3", "1-02-3", "1-2-03", "+1-2-3", "1 -2-3", "1--2")),
        *(f"{each}-{ENTRY}" for each in ("1-2-x", "-1-2-3", "\u0661-2-3", "9" * 5_000 + "-1-1")),
        *(f"{each}-{ENTRY}" for each in (f"{2**63}-1-1", f"1-{2**63}-1", f"1-1-{2**63}")),
    ],
)
def test_an_invalid_position_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="The position is invalid"):
        Position.parse(text)
