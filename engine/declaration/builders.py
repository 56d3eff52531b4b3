"""Lists and mappings under construction, while the reader is inside them."""

from typing import ClassVar

from engine.declaration.source_map import (
    OFFSET_BITS,
    ListNode,
    MappingNode,
    Node,
    Offset,
    Span,
    Value,
    value_offset,
    with_span,
)


class OpenList(ListNode):
    """A list under construction.

    Attributes:
        key_span: the key's part of the span of the next item; 0, because items have no key.
        anchor: the name of its anchor, if it has one.
        nodes_before: the number of nodes in the document before it.

    """

    __slots__ = ("anchor", "nodes_before")

    key_span: ClassVar[Span] = 0

    def __init__(self, span: Span, anchor: str | None, nodes_before: int) -> None:
        self.value = []
        self.span = span
        self.children = []
        self.anchor = anchor
        self.nodes_before = nodes_before

    def add(self, value: Value, node: Node) -> None:
        """Append a value."""
        self.value.append(value)
        self.children.append(node)


class OpenMapping(MappingNode):
    """A mapping under construction.

    Attributes:
        anchor, nodes_before: as for `OpenList`.
        key: the key of the current entry, or of the last one if `key_is_due`.
        key_span: the key's part of the span of the current entry's value.
        merging: whether the key of the current entry is a plain `<<`.
        merged: the keys that exist only because of a `<<`; None before the first `<<`.

    """

    __slots__ = (
        *("anchor", "nodes_before"),
        *("key", "key_is_due", "key_span", "merged", "merging"),
    )

    def __init__(self, span: Span, anchor: str | None, nodes_before: int) -> None:
        self.value = {}
        self.span = span
        self.children = {}
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.key = ""
        self.key_span = 0
        self.key_is_due = True
        self.merging = False
        self.merged: set[str] | None = None

    def start_entry(self, key: str, offset: Offset, *, merging: bool) -> None:
        """Set the key of the entry whose value comes next."""
        self.key = key
        self.key_span = offset << OFFSET_BITS
        self.key_is_due = False
        self.merging = merging

    def add(self, value: Value, node: Node) -> None:
        """Set the value of the current entry."""
        self.value[self.key] = value
        self.children[self.key] = node
        self.key_is_due = True

    def merge(self, sources: list[MappingNode]) -> None:
        """Set every entry of the sources, replacing earlier entries; the first source wins."""
        merged = self.merged = self.merged or set()
        for source in reversed(sources):
            merged.update(key for key in source.value if key not in self.value)
            self.value.update(source.value)
            for key, node in source.children.items():
                self.children[key] = with_span(node, self.key_span | value_offset(node))
        self.key_is_due = True
        self.merging = False
