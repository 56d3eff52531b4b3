"""The forms of what YAML may say: of a mapping, and of each text that stands in it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from engine import limits
from engine.declaration.durations import DURATION_PATTERN, parse_duration
from engine.declaration.shifts import (
    DATE_FORM,
    SHIFT_FORM,
    ZONE_FORM,
    parse_date,
    parse_shift,
    parse_time_zone,
)
from engine.validation_messages import (
    FILE_NAME_PATTERN,
    LINE_PATTERN,
    NAME_PATTERN,
    PATH_PATTERN,
    TEXT_PATTERN,
)
from engine.webhook_urls import URL_PATTERN, parse_webhook_url

NEVER: Final = "never"
NO_DELAY: Final = "0s"
"""The delay that is none."""

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=limits.NAME_CHARACTERS)]
DisplayName = Annotated[str, Field(pattern=LINE_PATTERN, max_length=limits.DISPLAY_NAME_CHARACTERS)]
Icon = Annotated[str, Field(pattern=LINE_PATTERN, max_length=limits.ICON_CHARACTERS)]
Group = Annotated[str, Field(pattern=LINE_PATTERN, max_length=limits.GROUP_CHARACTERS)]
Description = Annotated[str, Field(pattern=TEXT_PATTERN, max_length=limits.DESCRIPTION_CHARACTERS)]
ServicePath = Annotated[str, Field(pattern=PATH_PATTERN, max_length=limits.SERVICE_PATH_CHARACTERS)]
SecretName = Annotated[
    str, Field(pattern=FILE_NAME_PATTERN, max_length=limits.SECRET_NAME_CHARACTERS)
]


class Declared(BaseModel):
    """The base of every model: camelCase in YAML, immutable, and no unknown key."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=False,
        strict=True,
        use_attribute_docstrings=True,
    )


def checked_by(read: Callable[[str], object], code: str) -> BeforeValidator:
    """Return the check that a function, which raises ValueError with why not, can read a text."""

    def check(text: object) -> object:
        try:
            read(text if isinstance(text, str) else "")
        except ValueError as error:
            raise PydanticCustomError(code, "{why}", {"why": str(error)}) from None
        return text

    return BeforeValidator(check)


def parse_grace_period(text: str) -> timedelta | None:
    """Return a duration, or None for `never`; raise as `parse_duration` does."""
    return None if text == NEVER else parse_duration(text)


def parse_delay(text: str) -> timedelta:
    """Return a duration that may be nothing at all, `0s`; raise as `parse_duration` does."""
    return timedelta() if text == NO_DELAY else parse_duration(text)


def text_of_form(form: str) -> WithJsonSchema:
    """Return what an editor is told of text that a function checks."""
    return WithJsonSchema({"type": "string", "minLength": 1, "pattern": f"^({form})$"})


Duration = Annotated[
    str, checked_by(parse_duration, "wrong_duration"), text_of_form(DURATION_PATTERN)
]
GracePeriod = Annotated[
    str,
    checked_by(parse_grace_period, "wrong_duration"),
    text_of_form(f"{NEVER}|{DURATION_PATTERN}"),
]
Delay = Annotated[str, checked_by(parse_delay, "wrong_duration"), text_of_form(DURATION_PATTERN)]
TimeZone = Annotated[
    str, checked_by(parse_time_zone, "unknown_time_zone"), text_of_form(ZONE_FORM.pattern)
]
Hours = Annotated[str, checked_by(parse_shift, "wrong_hours"), text_of_form(SHIFT_FORM.pattern)]
Holiday = Annotated[str, checked_by(parse_date, "wrong_date"), text_of_form(DATE_FORM.pattern)]
WebhookUrl = Annotated[str, checked_by(parse_webhook_url, "wrong_url"), text_of_form(URL_PATTERN)]
