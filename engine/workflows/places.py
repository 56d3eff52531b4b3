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
Part: TypeAlias = "Spot | ListNode | MappingNode"
"""What is kept of a value: of a scalar its spot alone, because there are so many of them."""

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
    spot: Spot
    parts: list[Part]

    def children(self) -> Iterator[tuple[int, Part]]:
        """Yield each part with the step that leads to it."""
        yield from enumerate(self.parts)

    def part(self, step: str | int) -> "Part | None":
        """Return the part that a step leads to; None if there is none."""
        inside = isinstance(step, int) and 0 <= step < len(self.parts)
        return self.parts[int(step)] if inside else None

    def moved(self, spot: Spot) -> "ListNode":
        """Return the same list as it is repeated elsewhere."""
        return ListNode(self.value, spot, self.parts)


@dataclass(slots=True)
class MappingNode:
    """A mapping, and where it and each of its keys and values was written."""

    value: dict[str, Value]
    spot: Spot
    parts: dict[str, Part]
    keys: dict[str, Spot]

    def children(self) -> Iterator[tuple[str, Part]]:
        """Yield each part with the step that leads to it."""
        yield from self.parts.items()

    def part(self, step: str | int) -> "Part | None":
        """Return the part that a step leads to; None if there is none."""
        return self.parts.get(step) if isinstance(step, str) else None

    def moved(self, spot: Spot) -> "MappingNode":
        """Return the same mapping as it is repeated elsewhere."""
        return MappingNode(self.value, spot, self.parts, self.keys)


def spot_of(part: Part) -> Spot:
    """Return where a part was written."""
    return part if isinstance(part, int) else part.spot


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
        holder = walk(self.root, path[:-1])
        if not path or not isinstance(holder, MappingNode):
            raise KeyError(path)
        return self.source.location(holder.keys[str(path[-1])])

    def __iter__(self) -> Iterator[Path]:
        for path, part in every_part(self.root):
            if isinstance(part, MappingNode):
                yield from ((*path, key) for key in part.keys)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def every_part(root: Part) -> Iterator[tuple[Path, Part]]:
    """Yield every part with its path, the outer before the inner."""
    waiting: list[tuple[Path, Part]] = [((), root)]
    for path, part in waiting:
        yield path, part
        if not isinstance(part, int):
            waiting += [((*path, step), inner) for step, inner in part.children()]
