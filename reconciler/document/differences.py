"""Where two JSON values differ, each place with its JSON path. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import JsonValue

PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHOWN_CHARACTERS: Final = 80

Path = tuple[str | int, ...]


def differences(expected: JsonValue, found: JsonValue, path: Path = ()) -> Iterator[str]:
    """Yield a complaint for every place at which `found` is not as expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}):
            yield from differences(expected.get(key), found.get(key), (*path, key))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, pair in enumerate(zip(expected, found, strict=True)):
            yield from differences(*pair, (*path, index))
    elif expected != found:
        right = f"by the rest of the plan it is {shown(expected)}"
        yield f"{path_of(path)}: is {shown(found)}; {right}."


def path_of(path: Iterable[str | int]) -> str:
    """Return a JSON path such as `$.changes[0].after`."""
    return "$" + "".join(map(step, path))


def step(part: str | int) -> str:
    """Return one step of a JSON path; a key that is no plain word in quotes."""
    if isinstance(part, str) and PLAIN_KEY.fullmatch(part):
        return f".{part}"
    return f"[{json.dumps(part)}]"


def shown(value: JsonValue) -> str:
    """Return a value in ASCII, so much of it that it can be told apart."""
    text = json.dumps(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def common_length(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    shorter = min(len(one), len(other))
    return next((at for at, (left, right) in enumerate(pairs) if left != right), shorter)
