"""The types of the fields of a declaration."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from engine import limits
from engine.declaration.contrast import COLOR_PATTERN, Color
from engine.declaration.durations import DURATION_PATTERN, parse_duration
from engine.declaration.shifts import (
    DATE_PATTERN,
    SHIFT_PATTERN,
    ZONE_PATTERN,
    parse_date,
    parse_shift,
    parse_time_zone,
)
from engine.declaration.times import TIME_PATTERN, parse_time
from engine.invisible_characters import (
    describe_character,
    describe_invisible,
    find_bidirectional_control,
    strip_invisible,
)
from engine.validation_messages import (
    APPROVAL_PATTERN,
    FILE_NAME_PATTERN,
    LINE_PATTERN,
    NAME_PATTERN,
    PATH_PATTERN,
    TEXT_PATTERN,
)
from engine.webhook_urls import HTTPS, URL_PATTERN, parse_webhook_url

NEVER: Final = "never"
NO_DELAY: Final = "0s"


def _check_invisible(text: str) -> str:
    """Refuse invisible characters at the edges, and those that change the direction of writing."""
    if strip_invisible(text) != text:
        message = "must not begin or end with the invisible character {character}; remove it"
        character = describe_invisible(text)
        raise PydanticCustomError("invisible_character", message, {"character": character})
    if (index := find_bidirectional_control(text)) is not None:
        message = "must not contain {character}, which changes the direction of writing; remove it"
        character = describe_character(text[index])
        raise PydanticCustomError("invisible_character", message, {"character": character})
    return text


_VISIBLE_EDGES: Final = AfterValidator(_check_invisible)

Approval = Annotated[str, Field(pattern=APPROVAL_PATTERN)]
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=limits.NAME_CHARACTERS)]
DisplayName = Annotated[
    str,
    Field(pattern=LINE_PATTERN, max_length=limits.DISPLAY_NAME_CHARACTERS),
    _VISIBLE_EDGES,
]
Icon = Annotated[
    str, Field(pattern=LINE_PATTERN, max_length=limits.ICON_CHARACTERS), _VISIBLE_EDGES
]
Group = Annotated[
    str, Field(pattern=LINE_PATTERN, max_length=limits.GROUP_CHARACTERS), _VISIBLE_EDGES
]
PublicLine = Annotated[
    str, Field(pattern=LINE_PATTERN, max_length=limits.PUBLIC_TEXT_CHARACTERS), _VISIBLE_EDGES
]
Description = Annotated[str, Field(pattern=TEXT_PATTERN, max_length=limits.DESCRIPTION_CHARACTERS)]
ServicePath = Annotated[str, Field(pattern=PATH_PATTERN, max_length=limits.SERVICE_PATH_CHARACTERS)]
SecretName = Annotated[
    str, Field(pattern=FILE_NAME_PATTERN, max_length=limits.SECRET_NAME_CHARACTERS)
]


class Declared(BaseModel):
    """The base of the models: immutable, camelCase in YAML, unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=False,
        strict=True,
        use_attribute_docstrings=True,
    )


def parse_grace_period(text: str) -> timedelta | None:
    """Parse a duration, or `never` as None; raise ValueError as `parse_duration` does."""
    return None if text == NEVER else parse_duration(text)


def parse_delay(text: str) -> timedelta:
    """Parse a duration that can also be `0s`; raise ValueError as `parse_duration` does."""
    return timedelta() if text == NO_DELAY else parse_duration(text)


def _parsed_by(parse: Callable[[str], object], code: str) -> BeforeValidator:
    """Return a validator that accepts the texts that `parse` accepts, without changing them."""

    def check(text: object) -> object:
        try:
            parse(text if isinstance(text, str) else "")
        except ValueError as error:
            raise PydanticCustomError(code, "{why}", {"why": str(error)}) from None
        return text

    return BeforeValidator(check)


def _parse_color(text: str) -> Color:
    """Return a colour; raise ValueError if the text is not one."""
    if not re.fullmatch(COLOR_PATTERN, text):
        raise ValueError("must be a colour of six hexadecimal digits, such as #1b6a57")
    return Color.parse(text)


def _check_logo_url(text: str) -> None:
    """Raise ValueError if a text is neither empty nor the URL of a picture for browsers."""
    if not text:
        return
    if not text.startswith(f"{HTTPS}://"):
        raise ValueError("must be an https URL, such as https://example.com/logo.svg")
    parse_webhook_url(text)


def _schema(pattern: str) -> WithJsonSchema:
    """Return the JSON Schema of a text that a function validates."""
    return WithJsonSchema({"type": "string", "minLength": 1, "pattern": f"^({pattern})$"})


Duration = Annotated[str, _parsed_by(parse_duration, "wrong_duration"), _schema(DURATION_PATTERN)]
GracePeriod = Annotated[
    str, _parsed_by(parse_grace_period, "wrong_duration"), _schema(f"{NEVER}|{DURATION_PATTERN}")
]
Delay = Annotated[str, _parsed_by(parse_delay, "wrong_duration"), _schema(DURATION_PATTERN)]
TimeZone = Annotated[str, _parsed_by(parse_time_zone, "unknown_time_zone"), _schema(ZONE_PATTERN)]
Hours = Annotated[str, _parsed_by(parse_shift, "wrong_hours"), _schema(SHIFT_PATTERN)]
Holiday = Annotated[str, _parsed_by(parse_date, "wrong_date"), _schema(DATE_PATTERN)]
DeclaredTime = Annotated[str, _parsed_by(parse_time, "wrong_time"), _schema(TIME_PATTERN)]
HexColor = Annotated[str, _parsed_by(_parse_color, "wrong_color"), _schema(COLOR_PATTERN)]
LogoUrl = Annotated[
    str,
    _parsed_by(_check_logo_url, "wrong_url"),
    WithJsonSchema({"type": "string", "pattern": r"^(https://[^\s\\]+)?$"}),
]
WebhookUrl = Annotated[str, _parsed_by(parse_webhook_url, "wrong_url"), _schema(URL_PATTERN)]
