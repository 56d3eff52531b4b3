"""What pydantic's models find wrong, in the words of this product: what would be right.

Their own words speak to programmers, of strings and of inputs.
"""

from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

NAME_PATTERN: Final = r"^[a-z][a-z0-9_]*$"
LINE_PATTERN: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
TEXT_PATTERN: Final = r"^[^\x00]*$"
PATH_PATTERN: Final = r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"
FILE_NAME_PATTERN: Final = r"^[a-z0-9]+([.-]+[a-z0-9]+)*$"
PATTERN_DESCRIPTIONS: Final = {
    NAME_PATTERN: "lower-case letters, digits and _, beginning with a letter",
    LINE_PATTERN: "one line of text, not blank and without control characters",
    TEXT_PATTERN: "text without NUL characters",
    PATH_PATTERN: "letters, digits and . _ - in parts divided by /, such as acme/shop/payment-api",
    FILE_NAME_PATTERN: "lower-case letters and digits, and between them . and -",
}
"""What the text must be, by the pattern that it must match."""

A_MOMENT: Final = "must be a moment such as 2026-01-31T12:00:00Z"
MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "none_required": "must be null",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt:,}",
    "greater_than_equal": "must be at least {ge:,}",
    "less_than": "must be less than {lt:,}",
    "less_than_equal": "must be at most {le:,}",
    "string_type": "must be text",
    "string_unicode": "must be text in valid Unicode",
    "string_too_short": "must have at least {min_length:,} characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "datetime_type": A_MOMENT,
    "datetime_parsing": A_MOMENT,
    "datetime_from_date_parsing": A_MOMENT,
    "timezone_aware": A_MOMENT,
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must have at least {min_length:,} entries",
    "too_long": "must have at most {max_length:,} entries",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "union_tag_invalid": "has {tag!r} as {discriminator}, which must be one of {expected_tags}",
    "union_tag_not_found": "must have {discriminator}",
    "json_invalid": "is not JSON: {error}",
}
"""By the type of the error; our own checks bring sentences of their own."""

EMPTY: Final = "must not be empty"


def describe_error(error: ErrorDetails) -> str:
    """Return what is wrong with a value, without naming it: to follow its name and a colon."""
    known = error.get("ctx", {})
    if known.get("min_length") == 1:
        return EMPTY
    if known.get("pattern") in PATTERN_DESCRIPTIONS:
        return f"must be {PATTERN_DESCRIPTIONS[known['pattern']]}"
    sentence = MESSAGES.get(error["type"])
    if sentence is None:
        return error["msg"].removeprefix("Value error, ").rstrip(".")
    return sentence.format(**known)


def describe_error_at(error: ErrorDetails, *, skipping: int = 0) -> str:
    """Return the same with the place in the whole: `payload.query: must be text`, `it must be …`.

    Args:
        error: what is wrong.
        skipping: how many steps of the place to leave out, which the models add to it.

    """
    place = ".".join(map(str, error["loc"][skipping:]))
    return f"{place}: {describe_error(error)}" if place else f"it {describe_error(error)}"
