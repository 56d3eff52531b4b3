"""What users set in the web UI: settings, and saved views of the list of tickets."""

import re
from enum import StrEnum
from functools import cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, StrictBool
from pydantic_core import PydanticCustomError

from engine import limits
from engine.tickets.commands import InputModel, check_name, text_length

_REGION: Final = re.compile(
    "(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/.+|UTC"
)
"""The time zones that browsers know too; the other names are older ones for the same zones."""


class Theme(StrEnum):
    """The colours of pages; `AUTO` is the theme of the browser."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@cache
def time_zone_names() -> tuple[str, ...]:
    """Return the names of the time zones that users can choose, in order."""
    return tuple(sorted(filter(_REGION.fullmatch, available_timezones())))


def _check_time_zone(text: str) -> str:
    if text not in time_zone_names():
        raise PydanticCustomError(
            "unknown_time_zone", "must be an IANA time zone such as Europe/Budapest"
        )
    return text


class UserSettings(InputModel):
    """The settings of a user.

    Attributes:
        time_zone: None for that of the browser.
        shortcuts: whether single keys are shortcuts.
        start_path: the path of the page to which the home page leads; None for the default.

    """

    theme: Theme = Theme.AUTO
    time_zone: Annotated[str, AfterValidator(_check_time_zone)] | None = None
    shortcuts: StrictBool = True
    start_path: Annotated[str, text_length(limits.PAGE_PATH_CHARACTERS)] | None = None

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone; None for that of the browser, or if this server does not know it."""
        try:
            return None if self.time_zone is None else ZoneInfo(self.time_zone)
        except ZoneInfoNotFoundError:
            return None


DEFAULT_SETTINGS: Final = UserSettings()
"""The settings of a user who has never changed them."""


class SavedView(InputModel):
    """A name of a user for a filter of the list of tickets.

    Attributes:
        query: the filter and the order, as the URL of the list has them.

    """

    name: Annotated[
        str,
        text_length(limits.VIEW_NAME_CHARACTERS, strip=True),
        AfterValidator(check_name),
    ]
    query: Annotated[str, text_length(limits.PAGE_PATH_CHARACTERS, least=0)]
