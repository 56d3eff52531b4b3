"""Messages for the validation errors of pydantic: what the value must be, in plain English.

Pydantic's own messages use the terms of Python programmers.
"""

from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

NAME_PATTERN: Final = r"^[a-z][a-z0-9_]*$"
LINE_PATTERN: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
TEXT_PATTERN: Final = r"^[^\x00]*$"
PATH_PATTERN: Final = r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"
FILE_NAME_PATTERN: Final = r"^[a-z0-9]+([.-]+[a-z0-9]+)*$"
APPROVAL_PATTERN: Final = r"^(sha256:[0-9a-f]{64})?$"
_PATTERN_DESCRIPTIONS: Final = {
    NAME_PATTERN: "lower-case letters, digits and _, starting with a letter",
    LINE_PATTERN: "one line of text that is not blank and has no control characters",
    TEXT_PATTERN: "text without NUL characters",
    PATH_PATTERN: "letters, digits and . _ - in parts separated by /, as in acme/shop/payment-api",
    FILE_NAME_PATTERN: "lower-case letters and digits, separated by . or -",
    APPROVAL_PATTERN: "sha256: and 64 hexadecimal digits, as a plan shows its approval",
}
"""What a text must consist of to match each pattern."""

_JSON_WORDS: Final = {"True": "true", "False": "false", "None": "null"}
_TIMESTAMP: Final = "must be a timestamp such as 2026-01-31T12:00:00Z"
MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
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
    "string_unicode": "must be valid Unicode text",
    "string_too_short": "must have at least {min_length:,} characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "datetime_type": _TIMESTAMP,
    "datetime_parsing": _TIMESTAMP,
    "datetime_from_date_parsing": _TIMESTAMP,
    "timezone_aware": _TIMESTAMP,
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
    "json_invalid": "is not valid JSON: {error}",
}
"""The message for each type of error. Our own validators raise errors with their own messages."""


def describe_error(error: ErrorDetails) -> str:
    """Return the message for an error, without the name of the field."""
    context = error.get("ctx", {})
    if context.get("min_length") == 1:
        return "must not be empty"
    if context.get("pattern") in _PATTERN_DESCRIPTIONS:
        return f"must be {_PATTERN_DESCRIPTIONS[context['pattern']]}"
    message = MESSAGES.get(error["type"])
    if message is None:
        return error["msg"].removeprefix("Value error, ").rstrip(".")
    expected = context.get("expected")
    return message.format(**context | {"expected": _JSON_WORDS.get(str(expected), expected)})


def describe_error_at(error: ErrorDetails, *, skip: int = 0) -> str:
    """Return the message with the path of the field: `payload.query: must be text`.

    Args:
        error: the error; for the whole body, the message starts with `it`.
        skip: how many leading steps of the path to omit, because the models add them.

    """
    path = ".".join(map(str, error["loc"][skip:]))
    return f"{path}: {describe_error(error)}" if path else f"it {describe_error(error)}"
