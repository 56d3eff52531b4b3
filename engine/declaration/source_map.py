"""The positions of all values in the texts of a document, stored compactly."""

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
"""The index of a character in the texts of a document, as if they were concatenated."""
Span: TypeAlias = int
"""Two offsets in one integer: that of a value and, above `OFFSET_BITS`, that of its key."""
Node: TypeAlias = "Span | ListNode | MappingNode"
"""The position of a value. For a scalar it is only the span, because there are so many of them."""

OFFSET_BITS: Final = 32
_OFFSET_MASK: Final = (1 << OFFSET_BITS) - 1
_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The line breaks of YAML 1.1, by which the parser counts lines."""


@dataclass(frozen=True)
class Source:
    """A text and the file that it comes from.

    Attributes:
        start: the offset of its first character.

    """

    text: str
    file: str
    start: Offset = 0

    @property
    def end(self) -> Offset:
        """The offset at which the next text starts; the end of this text is an offset in it."""
        return self.start + len(self.text) + 1

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]

    def location(self, offset: Offset) -> Location:
        """Return the file, line and column of an offset."""
        index = offset - self.start
        line = bisect_right(self._line_starts, index)
        return Location(self.file, line, index - self._line_starts[line - 1] + 1)


@dataclass(frozen=True, slots=True)
class Sources:
    """The texts of a document, in the order of their offsets."""

    texts: tuple[Source, ...]

    @property
    def end(self) -> Offset:
        """The offset at which the next text can start."""
        return self.texts[-1].end if self.texts else 0

    def location(self, offset: Offset) -> Location:
        """Return the file, line and column of an offset."""
        index = bisect_right(self.texts, offset, key=attrgetter("start")) - 1
        return self.texts[index].location(offset)


@dataclass(slots=True)
class ListNode:
    """A list, its position and those of its items."""

    value: list[Value]
    span: Span
    children: list[Node]

    def items(self) -> Iterator[tuple[int, Node]]:
        """Yield each index with its child."""
        yield from enumerate(self.children)

    def child(self, step: str | int) -> "Node | None":
        """Return the child at an index, or None."""
        inside = isinstance(step, int) and 0 <= step < len(self.children)
        return self.children[int(step)] if inside else None

    def with_span(self, span: Span) -> "ListNode":
        """Return the same list at another position."""
        return ListNode(self.value, span, self.children)


@dataclass(slots=True)
class MappingNode:
    """A mapping, its position and those of its keys and values."""

    value: dict[str, Value]
    span: Span
    children: dict[str, Node]

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield each key with its child."""
        yield from self.children.items()

    def child(self, step: str | int) -> "Node | None":
        """Return the child at a key, or None."""
        return self.children.get(step) if isinstance(step, str) else None

    def with_span(self, span: Span) -> "MappingNode":
        """Return the same mapping at another position."""
        return MappingNode(self.value, span, self.children)


def value_offset(node: Node) -> Offset:
    """Return the offset of a value."""
    return (node if isinstance(node, int) else node.span) & _OFFSET_MASK


def key_offset(node: Node) -> Offset:
    """Return the offset of the key of a value; 0 for an item of a list."""
    return (node if isinstance(node, int) else node.span) >> OFFSET_BITS


def with_span(node: Node, span: Span) -> Node:
    """Return a node at another position, such as that of an alias."""
    return span if isinstance(node, int) else node.with_span(span)


def node_at(root: Node, path: Path) -> Node:
    """Return the node at `path`; raise KeyError if the path does not exist."""
    node, missing = _descend(root, path)
    if missing:
        raise KeyError(path)
    return node


def nearest_node(root: Node, path: Path) -> Node:
    """Return the node at `path`, or its nearest ancestor that exists."""
    return _descend(root, path)[0]


def _descend(node: Node, path: Path) -> tuple[Node, Path]:
    """Follow `path` as far as it exists; return the last node and the missing steps."""
    for index, step in enumerate(path):
        inner = None if isinstance(node, int) else node.child(step)
        if inner is None:
            return node, path[index:]
        node = inner
    return node, ()


def value_at(value: Value, path: Path) -> Value:
    """Return the value at `path` through mappings; None if the path does not exist."""
    for key in path:
        value = value.get(str(key)) if isinstance(value, dict) else None
    return value


def items_at(value: Value, path: Path) -> list[Value]:
    """Return the items of the list at `path`; an empty list if there is no list."""
    items = value_at(value, path)
    return items if isinstance(items, list) else []


@dataclass(frozen=True, slots=True)
class ValueLocations(Mapping[Path, Location]):
    """The location of each value by its path; that of the root is empty."""

    root: Node
    sources: Sources

    def __getitem__(self, path: Path) -> Location:
        return self.sources.location(value_offset(node_at(self.root, path)))

    def __iter__(self) -> Iterator[Path]:
        yield from (path for path, _ in _all_nodes(self.root))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class KeyLocations(ValueLocations):
    """The location of each key of a mapping, by the path that ends in it."""

    __slots__ = ()

    def __getitem__(self, path: Path) -> Location:
        node = node_at(self.root, path)
        if not _ends_in_key(path):
            raise KeyError(path)
        return self.sources.location(key_offset(node))

    def __iter__(self) -> Iterator[Path]:
        yield from (path for path, _ in _all_nodes(self.root) if _ends_in_key(path))


def _ends_in_key(path: Path) -> bool:
    return bool(path) and isinstance(path[-1], str)


def _all_nodes(root: Node) -> Iterator[tuple[Path, Node]]:
    """Yield every node with its path, breadth first."""
    nodes: list[tuple[Path, Node]] = [((), root)]
    for path, node in nodes:
        yield path, node
        if not isinstance(node, int):
            nodes += [((*path, step), child) for step, child in node.items()]
