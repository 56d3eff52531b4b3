"""The positions of all values in the texts of a document, stored compactly."""

import re
from bisect import bisect_right
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

    def find_before(self, words: str, offset: Offset) -> Offset | None:
        """Return where a text is at an offset, or before it in the same or the previous line."""
        index = offset - self.start
        line = bisect_right(self._line_starts, index)
        start = self._line_starts[max(0, line - 2)]
        found = self.text.rfind(words, start, index + len(words))
        return None if found < 0 else self.start + found

    def location(self, offset: Offset) -> Location:
        """Return the file, line and column of an offset."""
        index = offset - self.start
        line = bisect_right(self._line_starts, index)
        return Location(self.file, line, index - self._line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Return a line, counted from 1, without its line break; empty after the last line."""
        starts = [*self._line_starts, len(self.text)][number - 1 : number + 1]
        return _LINE_BREAK.sub("", self.text[slice(*starts)]) if len(starts) > 1 else ""


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


@dataclass(slots=True)
class MappingNode:
    """A mapping, its position and those of its keys and values."""

    value: dict[str, Value]
    span: Span
    children: dict[str, Node]


def value_offset(node: Node) -> Offset:
    """Return the offset of a value."""
    return (node if isinstance(node, int) else node.span) & _OFFSET_MASK


def key_offset(node: Node) -> Offset:
    """Return the offset of the key of a value; 0 for an item of a list."""
    return (node if isinstance(node, int) else node.span) >> OFFSET_BITS


def with_span(node: Node, span: Span) -> Node:
    """Return a node at another position, such as that of an alias."""
    match node:
        case ListNode():
            return ListNode(node.value, span, node.children)
        case MappingNode():
            return MappingNode(node.value, span, node.children)
        case _:
            return span


def find_node(root: Node, path: Path) -> tuple[Node, Path]:
    """Follow `path` as far as it exists; return the last node and the missing steps."""
    node = root
    for index, step in enumerate(path):
        child: Node | None = None
        if isinstance(node, MappingNode):
            child = node.children.get(step) if isinstance(step, str) else None
        elif isinstance(node, ListNode) and isinstance(step, int):
            child = node.children[step] if 0 <= step < len(node.children) else None
        if child is None:
            return node, path[index:]
        node = child
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
