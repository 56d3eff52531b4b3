"""Resolves plain YAML scalars as Helm does, and rejects those that YAML 1.2 resolves differently.

Sources: `resolve.go` of go-yaml v2, by which Helm reads values, and the core schema of YAML 1.2.
"""

import json
import math
import re
from typing import Final, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None

SHOWN_CHARACTERS: Final = 60

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_HELM_BOOLEANS: Final = {
    spelling: word in ("y", "yes", "on")
    for word in ("y", "n", "yes", "no", "on", "off")
    for spelling in (word, word.capitalize(), word.upper())
}
_DECIMAL: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMBER_OF_SOME_PARSERS: Final = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+"
    r"|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)"
)
"""Matched without `_`, because Helm ignores it in numbers such as `1_000`."""
_NOT_A_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MAX_EXACT_INTEGER: Final = 2**53
_MAX_CHARACTERS: Final = len(oct(_MAX_EXACT_INTEGER))
"""The length of the longest exact integer. Longer texts need not be parsed."""
_FIRST_CHARACTERS_OF_NUMBERS: Final = frozenset("-+.0123456789")


class AmbiguousScalar(ValueError):
    """A scalar that parsers resolve differently, or that Helm cannot represent."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def resolve_scalar(text: str) -> Scalar:
    """Return the value of a plain scalar.

    Raises:
        AmbiguousScalar: Helm and YAML 1.2 resolve it differently, or Helm cannot represent it.

    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _HELM_BOOLEANS:
        meaning = "true" if _HELM_BOOLEANS[text] else "false"
        message = f"Helm reads {text} as {meaning}, YAML 1.2 as text; write {meaning} or {text!r}."
        raise AmbiguousScalar("ambiguous_scalar", message)
    return _number_or_text(text) if text[0] in _FIRST_CHARACTERS_OF_NUMBERS else text


def _number_or_text(text: str) -> Scalar:
    """Return the number that all parsers read, or the text if none of them reads a number."""
    if _DECIMAL.fullmatch(text):
        return exact_integer(text, 10)
    shown = text[:SHOWN_CHARACTERS]
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise AmbiguousScalar("unsupported_number", f"The number {shown} is too large.")
        return number
    if _HEXADECIMAL.fullmatch(text):
        return exact_integer(text, 16)
    if _OCTAL.fullmatch(text):
        return exact_integer(text, 8)
    if _NOT_A_NUMBER.fullmatch(text):
        raise AmbiguousScalar("unsupported_number", f"JSON cannot represent the number {text}.")
    if _NUMBER_OF_SOME_PARSERS.fullmatch(text.replace("_", "")):
        message = f"Only some parsers read {shown} as a number; write it in decimal, or {shown!r}."
        raise AmbiguousScalar("ambiguous_scalar", message)
    return text


def exact_integer(text: str, base: int) -> int:
    """Return an integer; raise AmbiguousScalar if Helm, which uses float64, cannot represent it."""
    number = int(text, base) if len(text) <= _MAX_CHARACTERS else _MAX_EXACT_INTEGER + 1
    if abs(number) > _MAX_EXACT_INTEGER:
        shown = text[:SHOWN_CHARACTERS]
        message = f"Helm cannot represent {shown} exactly; write {shown!r}."
        raise AmbiguousScalar("unsupported_number", message)
    return number


def describe_value(value: object) -> str:
    """Return a value for a message: on one line and shortened; only the type of a container."""
    match value:
        case str():
            return repr(value[:SHOWN_CHARACTERS])
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return json.dumps(value)
