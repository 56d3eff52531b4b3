"""What users can set in the web UI."""

from zoneinfo import ZoneInfo

import pytest

from engine.errors import InvalidInput
from engine.user_settings import DEFAULT_SETTINGS, SavedView, Theme, UserSettings, time_zone_names


def test_the_defaults_are_those_of_the_browser() -> None:
    assert UserSettings.parse() == DEFAULT_SETTINGS
    assert (DEFAULT_SETTINGS.theme, DEFAULT_SETTINGS.zone) == (Theme.AUTO, None)


@pytest.mark.parametrize(
    "values",
    [
        {"theme": "blue"},
        {"theme": ""},
        {"time_zone": "Mars/Olympus_Mons"},
        {"time_zone": "posixrules"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": ""},
        {"shortcuts": "maybe"},
        {"start_path": ""},
        {"start_path": f"/{'x' * 2_000}"},
        {"language": "hu"},
    ],
)
def test_other_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        UserSettings.parse(**values)


def test_each_time_zone_can_be_chosen_and_exists() -> None:
    names = time_zone_names()
    assert {"UTC", "Europe/Budapest", "America/Argentina/Ushuaia"} <= set(names)
    for name in names:
        assert UserSettings.parse(time_zone=name).zone == ZoneInfo(name)


def test_a_zone_that_this_server_does_not_know_is_that_of_the_browser() -> None:
    assert UserSettings.model_construct(time_zone="Mars/Olympus_Mons").zone is None


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 61, "\u200b"])
def test_a_view_needs_a_visible_name(name: str) -> None:
    with pytest.raises(InvalidInput):
        SavedView.parse(name=name, query="status=OPEN")
    assert SavedView.parse(name=" Printers ", query="").name == "Printers"
