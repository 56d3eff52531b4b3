"""The lists and mappings of a text while they are being read."""

from typing import ClassVar

from engine.declaration.source_map import (
    SPOT_BITS,
    ListNode,
    MappingNode,
    Node,
    Offset,
    Span,
    Value,
    moved,
    spot_of,
)


class OpenList(ListNode):
    """A list that is being read.

    Attributes:
        key_mark: what the mark of the next item begins with; an item has no key.
        anchor: by which it can be repeated when it is finished, if it has one.
        nodes_before: how many nodes the text had when it began.

    """

    __slots__ = ("anchor", "nodes_before")

    key_mark: ClassVar[Span] = 0

    def __init__(self, mark: Span, anchor: str | None, nodes_before: int) -> None:
        self.value = []
        self.mark = mark
        self.parts = []
        self.anchor = anchor
        self.nodes_before = nodes_before

    def add(self, value: Value, part: Node) -> None:
        """Append a value."""
        self.value.append(value)
        self.parts.append(part)


class OpenMapping(MappingNode):
    """A mapping that is being read.

    Attributes:
        anchor: by which it can be repeated when it is finished, if it has one.
        nodes_before: how many nodes the text had when it began.
        key: of the entry that is being read; of the last one if `key_is_due`.
        key_mark: what the mark of that entry's value begins with.
        merging: the entry is a plain `<<`.
        merged: the keys that stand here because of a `<<` only; None before there is one.

    """

    __slots__ = (
        *("anchor", "nodes_before"),
        *("key", "key_is_due", "key_mark", "merged", "merging"),
    )

    def __init__(self, mark: Span, anchor: str | None, nodes_before: int) -> None:
        self.value = {}
        self.mark = mark
        self.parts = {}
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.key = ""
        self.key_mark = 0
        self.key_is_due = True
        self.merging = False
        self.merged: set[str] | None = None

    def start_entry(self, key: str, spot: Offset, *, merging: bool) -> None:
        """Take the key of an entry whose value comes next."""
        self.key = key
        self.key_mark = spot << SPOT_BITS
        self.key_is_due = False
        self.merging = merging

    def add(self, value: Value, part: Node) -> None:
        """Set the value of the entry that was started."""
        self.value[self.key] = value
        self.parts[self.key] = part
        self.key_is_due = True

    def merge(self, sources: list[MappingNode]) -> None:
        """Set every entry of the sources, of which the first wins, over what was written before."""
        merged = self.merged = self.merged or set()
        for source in reversed(sources):
            merged.update(key for key in source.value if key not in self.value)
            self.value.update(source.value)
            for key, part in source.parts.items():
                self.parts[key] = moved(part, self.key_mark | spot_of(part))
        self.key_is_due = True
        self.merging = False
