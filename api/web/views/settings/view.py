"""The view model of the settings of a user. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.web.views.tickets.view import BUILT_IN_VIEWS, PATH, path_of
from engine.errors import InvalidInput
from engine.user_settings import SavedView, Theme, UserSettings, time_zone_names

_OTHER_PAGES: Final = {"/new": "New ticket", "/workflows": "Workflows"}
_CHECKED: Final = "true"


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """The page.

    Attributes:
        settings: those of the reader.
        saved_views: of the reader.
        is_saved: whether the reader has just changed the settings.
        problem: why they were not changed; empty otherwise.

    """

    settings: UserSettings
    saved_views: Sequence[SavedView] = ()
    is_saved: bool = False
    problem: str = ""

    @property
    def themes(self) -> Mapping[Theme, str]:
        """All themes with their labels."""
        return {Theme.AUTO: "As in the browser", Theme.LIGHT: "Light", Theme.DARK: "Dark"}

    @property
    def zones(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """The time zones with their labels, by region; those without a region are before them."""
        regions: dict[str, list[tuple[str, str]]] = {}
        for name in time_zone_names():
            region, _, city = name.rpartition("/")
            regions.setdefault(region, []).append((name, city.replace("_", " ")))
        return {region: regions[region] for region in sorted(regions)}

    @property
    def start_path(self) -> str:
        """The page to which the home page leads."""
        return self.settings.start_path or PATH

    @property
    def start_pages(self) -> Mapping[str, str]:
        """The labels of the pages to which the home page can lead, by path."""
        pages = {path_of(query): f"Tickets: {label}" for label, query in BUILT_IN_VIEWS}
        saved = {f"{PATH}?{each.query}": f"Tickets: {each.name}" for each in self.saved_views}
        current = {} if self.start_path in pages else {self.start_path: "The present one"}
        return pages | current | saved | _OTHER_PAGES


def parse_settings(fields: Mapping[str, str], start_pages: Mapping[str, str]) -> UserSettings:
    """Return the settings in a form.

    Args:
        fields: of the form.
        start_pages: the pages to which the home page can lead, by path.

    Raises:
        InvalidInput: a field is invalid.

    """
    start_path = fields.get("startPath") or None
    if start_path and start_path not in start_pages:
        raise InvalidInput("startPath: must be one of the pages in the list.")
    return UserSettings.parse(
        theme=fields.get("theme", ""),
        time_zone=fields.get("timeZone") or None,
        shortcuts=fields.get("shortcuts") == _CHECKED,
        start_path=start_path,
    )
