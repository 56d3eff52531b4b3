"""Plain YAML scalars as Helm's reader resolves them, where YAML 1.2 agrees; a refusal where not.

Source: `resolve.go` of go-yaml v2, which Helm reads values with, and the core schema of YAML 1.2.
"""

import json
import re
from typing import Final, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None

SHOWN_CHARACTERS: Final = 60

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS: Final = {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
BOOLEANS_OF_HELM_ONLY: Final = {
    spelling: word in ("y", "yes", "on")
    for word in ("y", "n", "yes", "no", "on", "off")
    for spelling in (word, word.capitalize(), word.upper())
}
DECIMAL: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
OCTAL: Final = re.compile(r"0o[0-7]+")
FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NUMBER_TO_SOME_READER: Final = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+"
    r"|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)"
)
"""Looked for after `_` was taken out, as Helm does: `1_000`; but `1.2.3` is text to everybody."""
NOT_A_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
EXACT_INTEGERS: Final = 2**53
EXACT_CHARACTERS: Final = len(oct(EXACT_INTEGERS))
"""The longest spelling of an exact integer; more characters are not worth the parsing."""
FIRST_CHARACTERS_OF_NUMBERS: Final = frozenset("-+.0123456789")


class AmbiguousScalar(ValueError):
    """A scalar that two readers read differently, or that Helm can't carry."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def resolve_scalar(text: str) -> Scalar:
    """Return the value of a plain scalar.

    Raises:
        Doubtful: Helm and YAML 1.2 differ on it, or Helm can't carry it exactly.

    """
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if text in BOOLEANS_OF_HELM_ONLY:
        meaning = "true" if BOOLEANS_OF_HELM_ONLY[text] else "false"
        message = f"{text} is {meaning} to Helm and text to YAML 1.2; write {meaning} or {text!r}."
        raise AmbiguousScalar("ambiguous_scalar", message)
    return number_or_text(text) if text[0] in FIRST_CHARACTERS_OF_NUMBERS else text


def number_or_text(text: str) -> Scalar:
    """Return a number if every reader sees the same number in `text`, the text if none does."""
    if DECIMAL.fullmatch(text):
        return exact_integer(text, 10)
    if FLOAT.fullmatch(text):
        return finite(text)
    if HEXADECIMAL.fullmatch(text):
        return exact_integer(text, 16)
    if OCTAL.fullmatch(text):
        return exact_integer(text, 8)
    if NOT_A_NUMBER.fullmatch(text):
        raise AmbiguousScalar("unsupported_number", f"{text} is no number that JSON can carry.")
    if NUMBER_TO_SOME_READER.fullmatch(text.replace("_", "")):
        begun, quoted = text[:SHOWN_CHARACTERS], describe_value(text)
        message = f"{begun} is a number to some readers only; write it in decimal, or {quoted}."
        raise AmbiguousScalar("ambiguous_scalar", message)
    return text


def exact_integer(text: str, base: int) -> int:
    """Return an integer that survives Helm's way through float64."""
    number = int(text, base) if len(text) <= EXACT_CHARACTERS else EXACT_INTEGERS + 1
    if abs(number) > EXACT_INTEGERS:
        begun, quoted = text[:SHOWN_CHARACTERS], describe_value(text)
        message = f"{begun} is too large for Helm to carry exactly; write {quoted}."
        raise AmbiguousScalar("unsupported_number", message)
    return number


def finite(text: str) -> float:
    """Return a float that is finite."""
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise AmbiguousScalar(
            "unsupported_number", f"{text[:SHOWN_CHARACTERS]} is too large for a number."
        )
    return number


def describe_value(value: object) -> str:
    """Return a value as a message shows it: on one line, cut short, or only what kind it is."""
    match value:
        case str():
            return repr(value[:SHOWN_CHARACTERS])
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return json.dumps(value)
