"""Where everything in the texts of a reading stands, kept small and worked out when asked for."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Final, TypeAlias

from engine.declaration.scalars import Scalar
from engine.findings import Location

Value: TypeAlias = Scalar | list["Value"] | dict[str, "Value"]
Path: TypeAlias = tuple[str | int, ...]
Offset: TypeAlias = int
"""The index of a character in the text: one small integer for everything that was written.

The texts of a reading follow one another, so that a spot tells which of them it is in.
"""
Span: TypeAlias = int
"""Two spots in one integer: where a value stands and, above `SPOT_BITS`, where its key does."""
Node: TypeAlias = "Span | ListNode | MappingNode"
"""What is kept of a value: of a scalar its mark alone, because there are so many of them."""

SPOT_BITS: Final = 32
SPOT_MASK: Final = (1 << SPOT_BITS) - 1

LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line in YAML 1.1, which the parser counts lines by."""


@dataclass(frozen=True)
class Source:
    """A text and the file it came from.

    Attributes:
        start: the spot of its first character.

    """

    text: str
    file: str
    start: Offset = 0

    @property
    def end(self) -> Offset:
        """The spot after it: that of its end belongs to it too."""
        return self.start + len(self.text) + 1

    @cached_property
    def line_starts(self) -> list[Offset]:
        """The index of the character with which each line begins."""
        return [0, *(found.end() for found in LINE_BREAK.finditer(self.text))]

    def location(self, spot: Offset) -> Location:
        """Return a spot as line and column."""
        index = spot - self.start
        line = bisect_right(self.line_starts, index)
        return Location(self.file, line, index - self.line_starts[line - 1] + 1)


@dataclass(frozen=True, slots=True)
class Sources:
    """The texts of a reading in the order of their spots."""

    texts: tuple[Source, ...]

    @property
    def end(self) -> Offset:
        """The spot after them, at which the next text may start; 0 if there is none."""
        return self.texts[-1].end if self.texts else 0

    def location(self, spot: Offset) -> Location:
        """Return a spot as file, line and column."""
        index = bisect_right(self.texts, spot, key=attrgetter("start")) - 1
        return self.texts[index].location(spot)


@dataclass(slots=True)
class ListNode:
    """A list, and where it and each of its items was written."""

    value: list[Value]
    mark: Span
    parts: list[Node]

    def children(self) -> Iterator[tuple[int, Node]]:
        """Yield each part with the step that leads to it."""
        yield from enumerate(self.parts)

    def part(self, step: str | int) -> "Node | None":
        """Return the part that a step leads to; None if there is none."""
        inside = isinstance(step, int) and 0 <= step < len(self.parts)
        return self.parts[int(step)] if inside else None

    def moved(self, mark: Span) -> "ListNode":
        """Return the same list as it is repeated elsewhere."""
        return ListNode(self.value, mark, self.parts)


@dataclass(slots=True)
class MappingNode:
    """A mapping, and where it and each of its keys and values was written."""

    value: dict[str, Value]
    mark: Span
    parts: dict[str, Node]

    def children(self) -> Iterator[tuple[str, Node]]:
        """Yield each part with the step that leads to it."""
        yield from self.parts.items()

    def part(self, step: str | int) -> "Node | None":
        """Return the part that a step leads to; None if there is none."""
        return self.parts.get(step) if isinstance(step, str) else None

    def moved(self, mark: Span) -> "MappingNode":
        """Return the same mapping as it is repeated elsewhere."""
        return MappingNode(self.value, mark, self.parts)


def mark_of(part: Node) -> Span:
    """Return where a part and its key were written."""
    return part if isinstance(part, int) else part.mark


def spot_of(part: Node) -> Offset:
    """Return where a part was written."""
    return mark_of(part) & SPOT_MASK


def key_spot_of(part: Node) -> Offset:
    """Return where the key of a part was written; 0 for an item of a list."""
    return mark_of(part) >> SPOT_BITS


def moved(part: Node, mark: Span) -> Node:
    """Return a part as it is repeated elsewhere."""
    return mark if isinstance(part, int) else part.moved(mark)


def child(part: Node, step: str | int) -> "Node | None":
    """Return the part that one step leads to; None if there is none."""
    return None if isinstance(part, int) else part.part(step)


def walk(part: Node, path: Path) -> Node:
    """Return the part that `path` leads to from `part`; KeyError if there is none."""
    for step in path:
        inner = child(part, step)
        if inner is None:
            raise KeyError(path)
        part = inner
    return part


def walk_as_far_as_written(part: Node, path: Path) -> Node:
    """Return the part that `path` leads to from `part`, or the last one on the way."""
    for step in path:
        inner = child(part, step)
        if inner is None:
            break
        part = inner
    return part


def value_at(value: Value, path: Path) -> Value:
    """Return what stands at `path` in a value of whatever form; None if nothing does."""
    for key in path:
        value = value.get(str(key)) if isinstance(value, dict) else None
    return value


def items_at(value: Value, path: Path) -> list[Value]:
    """Return the items of the list at `path`; none if there is no list."""
    found = value_at(value, path)
    return found if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class ValuePlaces(Mapping[Path, Location]):
    """Where each value stands; the root's path is empty."""

    root: Node
    sources: Sources

    def __getitem__(self, path: Path) -> Location:
        return self.sources.location(spot_of(walk(self.root, path)))

    def __iter__(self) -> Iterator[Path]:
        yield from (path for path, _ in every_part(self.root))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class KeyPlaces(Mapping[Path, Location]):
    """Where each key of a mapping stands; the path ends in that key."""

    root: Node
    sources: Sources

    def __getitem__(self, path: Path) -> Location:
        part = walk(self.root, path)
        if not is_key(path):
            raise KeyError(path)
        return self.sources.location(key_spot_of(part))

    def __iter__(self) -> Iterator[Path]:
        yield from (path for path, _ in every_part(self.root) if is_key(path))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def is_key(path: Path) -> bool:
    """Tell whether a path ends in the key of a mapping, not in the position of an item."""
    return bool(path) and isinstance(path[-1], str)


def every_part(root: Node) -> Iterator[tuple[Path, Node]]:
    """Yield every part with its path, the outer before the inner."""
    waiting: list[tuple[Path, Node]] = [((), root)]
    for path, part in waiting:
        yield path, part
        if not isinstance(part, int):
            waiting += [((*path, step), inner) for step, inner in part.children()]
