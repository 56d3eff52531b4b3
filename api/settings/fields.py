"""What the groups of settings share."""

from collections.abc import Callable
from typing import Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

from api.auth.api_keys import SEPARATORS

PREFIX: Final = "INTERLOCK_"
"""Of the variables of all settings."""


def split_list(text: str) -> tuple[str, ...]:
    """Return the items of a list, which commas or spaces separate."""
    return tuple(filter(None, SEPARATORS.split(text)))


def from_text(parse: Callable[[str], object]) -> BeforeValidator:
    """Return a validator that parses text, and accepts values that are parsed already."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def environment_variable(field: str) -> str:
    """Return the name of the environment variable of a field."""
    return PREFIX + field.upper()


class SettingsGroup(BaseModel):
    """Settings of one subject. The variable of a field is `INTERLOCK_` and its name in capitals.

    Error messages use the descriptions of the fields. Secrets are printed as asterisks;
    `get_secret_value()` returns their text.
    """

    model_config = ConfigDict(
        alias_generator=environment_variable,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_by_name=True,
    )
