"""Arguments of `--set` that have no effect are findings."""

import pytest

from engine.errors import InvalidDeclaration
from reconciler.desired import read_desired
from reconciler.values import ValuesInput

VALUES = [("values.yaml", "ticketing: {}\ninterlock: {ticketing: {}}\n")]

IGNORED = {
    "a misspelt section": ("", "tickting.visibility=involved", 1, "Did you mean 'ticketing'?"),
    "no section": ("", "visibility=involved", 1, "Did you mean 'ticketing.visibility'?"),
    "a leading blank": ("", " ticketing.visibility=a", 1, "Did you mean 'ticketing.visibility'?"),
    "an invisible character": (
        "",
        "\u200bticketing.visibility=a",
        1,
        "Did you mean 'ticketing.visibility'?",
    ),
    "no key of the chart": (
        "interlock",
        "ticketing.visibility=involved",
        1,
        "Did you mean 'interlock.ticketing.visibility'?",
    ),
    "a second assignment": ("", "ticketing.enabled=true,image.tag=1", 24, "'image.tag'"),
    "a path in brackets": ("", "items[0].name=x", 1, "'items[0].name' is not in ticketing"),
}


@pytest.mark.parametrize(("key", "argument", "column", "words"), IGNORED.values(), ids=IGNORED)
def test_an_argument_without_effect_is_a_finding(
    key: str, argument: str, column: int, words: str
) -> None:
    for values in (
        ValuesInput(VALUES, set_values=[argument], key=key),
        ValuesInput(VALUES, set_strings=[argument], key=key),
    ):
        with pytest.raises(InvalidDeclaration) as refused:
            read_desired(values)
        [finding] = [each for each in refused.value.findings if each.code == "ignored_assignment"]
        assert (finding.at.line, finding.at.column) == (1, column)
        assert words in finding.message


@pytest.mark.parametrize(
    ("key", "argument"),
    [
        ("", "ticketing.visibility=involved"),
        ("interlock", "interlock.ticketing.visibility=involved"),
        ("interlock", "interlock.ticketing.enabled=false"),
    ],
)
def test_an_argument_for_the_section_is_accepted(key: str, argument: str) -> None:
    read_desired(ValuesInput(VALUES, set_values=[argument], key=key))
