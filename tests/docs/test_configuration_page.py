"""docs/configuration.md describes every setting as the server reads it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from api.settings import Settings, environment_variable
from tests.support.paths import DOCS

PAGE = (DOCS / "configuration.md").read_text("utf-8")
ROW = re.compile(r"^\| `(INTERLOCK_\w+)` \| (.*?) \| (.*?) \| (.*?) \| .* \|$", re.MULTILINE)
SETTING = re.compile(r"`([^`]*)`")


class Row(NamedTuple):
    """A row of the page."""

    variable: str
    value: str
    default: str
    example: str


ROWS = [Row(*groups) for groups in ROW.findall(PAGE)]
FIELDS = {environment_variable(name): name for name in Settings.model_fields}


def settings_with(row: Row) -> Iterator[tuple[str, str]]:
    """Yield the example and the default of a row, unless they are words."""
    for cell in (row.example, row.default):
        if text := SETTING.fullmatch(cell):
            yield row.variable, text[1]


def test_the_page_lists_every_setting_once() -> None:
    assert sorted(row.variable for row in ROWS) == sorted(FIELDS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.variable)
def test_the_page_describes_the_value_as_messages_do(row: Row) -> None:
    description = Settings.model_fields[FIELDS[row.variable]].description
    assert description is not None
    assert row.value.replace("`", "") == description.replace("`", "")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.variable)
def test_examples_are_valid_and_defaults_are_the_defaults(row: Row) -> None:
    field = FIELDS[row.variable]
    default = getattr(Settings(), field)
    for name, text in settings_with(row):
        value = getattr(Settings.from_env({name: text}), field)
        assert (value == default) == (f"`{text}`" == row.default)
    if row.default == "none":
        assert default == type(default)()


def test_the_settings_of_a_server_in_production_are_valid() -> None:
    [block] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    env = dict(line.split("=", 1) for line in block.splitlines())
    Settings.from_env(env).require_key_source()
