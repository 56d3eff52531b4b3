"""The fields of a declaration that a change modifies. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from engine.resources.derived_columns import DerivedColumn
from engine.resources.resource import Resource
from reconciler.diff import Action, Change

UNSET: Final = "unset"
_SHOWN_CHARACTERS: Final = 100
_LEADING_CHARACTERS: Final = 20
"""Characters that are shown before the first difference of two long values."""
_EMPTY: Final = (None, "")
_POLICIES: Final = frozenset({DerivedColumn.POLICY, DerivedColumn.REVISION_POLICY})
_DIFFERS: Final = "differs"
_AS_DECLARED: Final = "as declared"
_REPORTED_ELSEWHERE: Final = frozenset({"name", "path", "transitions"})
"""A change does not modify a name or a path; reports list transitions one by one."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with its values as JSON, truncated if they are long.

    Attributes:
        path: such as `defaults.priority`.
        before: `unset` if the field had no value; None for a new resource.
        after: `unset` if the field has no value.

    """

    path: str
    before: str | None
    after: str


def changed_fields(change: Change) -> tuple[FieldChange, ...]:
    """Return the fields that differ: of a new resource all with a value, of a retired one none."""
    if change.action is Action.RETIRE:
        return ()
    after = _fields_of(change.after)
    if change.before is None:
        return tuple(
            FieldChange(path, None, _shortened(_to_json(after[path]), 0))
            for path in sorted(after)
            if after[path] not in _EMPTY
        )
    before = _fields_of(change.before)
    return tuple(
        FieldChange(path, *_shortened_pair(before.get(path), after.get(path)))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )


def repaired_values(change: Change) -> Iterator[FieldChange]:
    """Yield the stored values that a change repairs; a policy is shown as its transitions."""
    for each in change.repairs:
        if each.column in _POLICIES:
            yield FieldChange(each.column, _DIFFERS, _AS_DECLARED)
        else:
            yield FieldChange(each.column, *_shortened_pair(each.stored, each.declared))


def _fields_of(resource: Resource) -> dict[str, JsonValue]:
    """Return the fields of a declaration by their paths."""
    declared = json.loads(resource.declaration)
    return {path: value for path, value in _leaves(declared) if path not in _REPORTED_ELSEWHERE}


def _leaves(declared: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Yield every value in nested mappings with its path."""
    for key, value in declared.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _shortened_pair(before: JsonValue, after: JsonValue) -> tuple[str, str]:
    """Return two values as JSON; of long ones the part where they start to differ."""
    texts = _to_json(before), _to_json(after)
    pairs = enumerate(zip(*texts, strict=False))
    shorter = min(map(len, texts))
    difference = next((index for index, (one, other) in pairs if one != other), shorter)
    start = max(difference - _LEADING_CHARACTERS, 0)
    return _shortened(texts[0], start), _shortened(texts[1], start)


def _to_json(value: JsonValue) -> str:
    return UNSET if value is None else json.dumps(value, ensure_ascii=False)


def _shortened(text: str, start: int) -> str:
    """Return a text; of a long one the part after `start`, and its length."""
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    part = text[start : start + _SHOWN_CHARACTERS]
    return f"{'…' if start else ''}{part}… ({len(text):,} characters)"
