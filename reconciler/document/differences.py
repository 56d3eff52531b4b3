"""The differences between two JSON values, with their JSON paths. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import JsonValue

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN_CHARACTERS: Final = 80

_Path = tuple[str | int, ...]


def differences(expected: JsonValue, actual: JsonValue, path: _Path = ()) -> Iterator[str]:
    """Yield a message for every place where `actual` differs from `expected`."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted({*expected, *actual}):
            yield from differences(expected.get(key), actual.get(key), (*path, key))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, pair in enumerate(zip(expected, actual, strict=True)):
            yield from differences(*pair, (*path, index))
    elif expected != actual:
        implied = f"the rest of the plan implies {_shortened(expected)}"
        yield f"{path_of(path)}: is {_shortened(actual)}; {implied}."


def path_of(path: Iterable[str | int]) -> str:
    """Return a JSON path such as `$.changes[0].after`."""
    return "$" + "".join(map(_step, path))


def _step(part: str | int) -> str:
    """Return one step of a JSON path; a key that is not an identifier is quoted."""
    if isinstance(part, str) and _PLAIN_KEY.fullmatch(part):
        return f".{part}"
    return f"[{json.dumps(part)}]"


def _shortened(value: JsonValue) -> str:
    """Return a value as JSON in ASCII, truncated if it is long."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
