"""The lists and mappings of a text while they are being read."""

from engine.workflows.places import ListNode, MappingNode, Part, Spot, Value


class OpenList(ListNode):
    """A list that is being read.

    Attributes:
        anchor: by which it can be repeated when it is finished, if it has one.
        nodes_before: how many nodes the text had when it began.

    """

    __slots__ = ("anchor", "nodes_before")

    def __init__(self, spot: Spot, anchor: str | None, nodes_before: int) -> None:
        self.value = []
        self.spot = spot
        self.parts = []
        self.anchor = anchor
        self.nodes_before = nodes_before

    def add(self, value: Value, part: Part) -> None:
        """Append a value."""
        self.value.append(value)
        self.parts.append(part)


class OpenMapping(MappingNode):
    """A mapping that is being read.

    Attributes:
        anchor: by which it can be repeated when it is finished, if it has one.
        nodes_before: how many nodes the text had when it began.
        key: of the entry that is being read; of the last one if `key_is_due`.
        merging: the entry is a plain `<<`.
        merged: the keys that stand here because of a `<<` only; None before there is one.

    """

    __slots__ = (
        *("anchor", "nodes_before"),
        *("key", "key_is_due", "key_spot", "merged", "merging"),
    )

    def __init__(self, spot: Spot, anchor: str | None, nodes_before: int) -> None:
        self.value = {}
        self.spot = spot
        self.parts = {}
        self.keys = {}
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.key = ""
        self.key_spot = spot
        self.key_is_due = True
        self.merging = False
        self.merged: set[str] | None = None

    def start_entry(self, key: str, spot: Spot, *, merging: bool) -> None:
        """Take the key of an entry whose value comes next."""
        self.key = key
        self.key_spot = spot
        self.key_is_due = False
        self.merging = merging

    def add(self, value: Value, part: Part) -> None:
        """Set the value of the entry that was started."""
        key = self.key
        self.value[key] = value
        self.parts[key] = part
        self.keys[key] = self.key_spot
        self.key_is_due = True

    def merge(self, sources: list[MappingNode]) -> None:
        """Set every entry of the sources, of which the first wins, over what was written before."""
        merged = self.merged = self.merged or set()
        for source in reversed(sources):
            merged.update(key for key in source.keys if key not in self.keys)
            self.value.update(source.value)
            self.parts.update(source.parts)
            self.keys.update(dict.fromkeys(source.keys, self.key_spot))
        self.key_is_due = True
        self.merging = False
