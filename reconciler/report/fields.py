"""What differs in a declaration, field by field. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from engine.resources.resource import Resource
from reconciler.diff import Action, Change
from reconciler.document.differences import common_length

UNSET: Final = "unset"
SHOWN_CHARACTERS: Final = 100
LEADING_CHARACTERS: Final = 20
"""How much is shown of what two long values have in common, before they differ."""

EMPTY: Final = (None, "")

TOLD_OTHERWISE: Final = frozenset({"name", "path", "transitions"})
"""A name is the same before and after, and transitions are told one by one."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field with another value than before, the values as JSON and shortened.

    Attributes:
        path: such as `defaults.priority`.
        before: `unset` where the field had none; None of a new resource.
        after: `unset` where the field has none any more.

    """

    path: str
    before: str | None
    after: str


def fields_changed(change: Change) -> tuple[FieldChange, ...]:
    """Return the fields that differ, of a new resource all that are set; none of a retired one."""
    if change.action is Action.RETIRE:
        return ()
    after = fields_of(change.after)
    if change.before is None:
        return tuple(
            FieldChange(path, None, shortened(json_of(after[path]), 0))
            for path in sorted(after)
            if after[path] not in EMPTY
        )
    before = fields_of(change.before)
    return tuple(
        FieldChange(path, *shown(before.get(path), after.get(path)))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )


def fields_of(resource: Resource) -> dict[str, JsonValue]:
    """Return the fields of a declaration by their paths."""
    declared = json.loads(resource.declaration)
    return {path: value for path, value in leaves(declared) if path not in TOLD_OTHERWISE}


def leaves(declared: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Yield every value of nested mappings with its path."""
    for key, value in declared.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def shown(before: JsonValue, after: JsonValue) -> tuple[str, str]:
    """Return two values as JSON; of long ones the part in which they begin to differ."""
    texts = json_of(before), json_of(after)
    start = max(common_length(*texts) - LEADING_CHARACTERS, 0)
    return shortened(texts[0], start), shortened(texts[1], start)


def json_of(value: JsonValue) -> str:
    """Return a value as JSON."""
    return UNSET if value is None else json.dumps(value, ensure_ascii=False)


def shortened(text: str, start: int) -> str:
    """Return a text, or so much of a long one from a place on, with how long it is."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    part = text[start : start + SHOWN_CHARACTERS]
    return f"{'…' if start else ''}{part}… ({len(text):,} characters)"
