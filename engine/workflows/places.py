"""Where everything in a text stands, kept small and worked out when somebody asks."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from engine.findings import Location
from engine.workflows.scalars import Scalar

Value: TypeAlias = Scalar | list["Value"] | dict[str, "Value"]
Path: TypeAlias = tuple[str | int, ...]
Spot: TypeAlias = int
"""The index of a character in the text: one small integer for everything that was written."""
Mark: TypeAlias = int
"""Two spots in one integer: where a value stands and, above `SPOT_BITS`, where its key does."""
Part: TypeAlias = "Mark | ListNode | MappingNode"
"""What is kept of a value: of a scalar its mark alone, because there are so many of them."""

SPOT_BITS: Final = 32
SPOT_MASK: Final = (1 << SPOT_BITS) - 1

LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line in YAML 1.1, which the parser counts lines by."""


@dataclass(frozen=True)
class Source:
    """A text and the file it came from."""

    text: str
    file: str

    @cached_property
    def line_starts(self) -> list[Spot]:
        """The spot at which each line begins."""
        return [0, *(found.end() for found in LINE_BREAK.finditer(self.text))]

    def location(self, spot: Spot) -> Location:
        """Return a spot as line and column."""
        line = bisect_right(self.line_starts, spot)
        return Location(self.file, line, spot - self.line_starts[line - 1] + 1)


@dataclass(slots=True)
class ListNode:
    """A list, and where it and each of its items was written."""

    value: list[Value]
    mark: Mark
    parts: list[Part]

    def children(self) -> Iterator[tuple[int, Part]]:
        """Yield each part with the step that leads to it."""
        yield from enumerate(self.parts)

    def part(self, step: str | int) -> "Part | None":
        """Return the part that a step leads to; None if there is none."""
        inside = isinstance(step, int) and 0 <= step < len(self.parts)
        return self.parts[int(step)] if inside else None

    def moved(self, mark: Mark) -> "ListNode":
        """Return the same list as it is repeated elsewhere."""
        return ListNode(self.value, mark, self.parts)


@dataclass(slots=True)
class MappingNode:
    """A mapping, and where it and each of its keys and values was written."""

    value: dict[str, Value]
    mark: Mark
    parts: dict[str, Part]

    def children(self) -> Iterator[tuple[str, Part]]:
        """Yield each part with the step that leads to it."""
        yield from self.parts.items()

    def part(self, step: str | int) -> "Part | None":
        """Return the part that a step leads to; None if there is none."""
        return self.parts.get(step) if isinstance(step, str) else None

    def moved(self, mark: Mark) -> "MappingNode":
        """Return the same mapping as it is repeated elsewhere."""
        return MappingNode(self.value, mark, self.parts)


def mark_of(part: Part) -> Mark:
    """Return where a part and its key were written."""
    return part if isinstance(part, int) else part.mark


def spot_of(part: Part) -> Spot:
    """Return where a part was written."""
    return mark_of(part) & SPOT_MASK


def key_spot_of(part: Part) -> Spot:
    """Return where the key of a part was written; 0 for an item of a list."""
    return mark_of(part) >> SPOT_BITS


def moved(part: Part, mark: Mark) -> Part:
    """Return a part as it is repeated elsewhere."""
    return mark if isinstance(part, int) else part.moved(mark)


def walk(part: Part, path: Path) -> Part:
    """Return the part that `path` leads to from `part`; KeyError if there is none."""
    for step in path:
        inner = None if isinstance(part, int) else part.part(step)
        if inner is None:
            raise KeyError(path)
        part = inner
    return part


@dataclass(frozen=True, slots=True)
class ValuePlaces(Mapping[Path, Location]):
    """Where each value stands; the root's path is empty."""

    root: Part
    source: Source

    def __getitem__(self, path: Path) -> Location:
        return self.source.location(spot_of(walk(self.root, path)))

    def __iter__(self) -> Iterator[Path]:
        yield from (path for path, _ in every_part(self.root))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class KeyPlaces(Mapping[Path, Location]):
    """Where each key of a mapping stands; the path ends in that key."""

    root: Part
    source: Source

    def __getitem__(self, path: Path) -> Location:
        part = walk(self.root, path)
        if not is_key(path):
            raise KeyError(path)
        return self.source.location(key_spot_of(part))

    def __iter__(self) -> Iterator[Path]:
        yield from (path for path, _ in every_part(self.root) if is_key(path))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def is_key(path: Path) -> bool:
    """Tell whether a path ends in the key of a mapping, not in the position of an item."""
    return bool(path) and isinstance(path[-1], str)


def every_part(root: Part) -> Iterator[tuple[Path, Part]]:
    """Yield every part with its path, the outer before the inner."""
    waiting: list[tuple[Path, Part]] = [((), root)]
    for path, part in waiting:
        yield path, part
        if not isinstance(part, int):
            waiting += [((*path, step), inner) for step, inner in part.children()]
