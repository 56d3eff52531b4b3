"""The lists and mappings of a text while they are being read."""

from engine.workflows.places import ListNode, MappingNode, Part, Spot, Value


class OpenList:
    """A list that is being read.

    Attributes:
        anchor: by which it can be repeated when it is finished, if it has one.
        nodes_before: how many nodes the text had when it began.

    """

    __slots__ = ("anchor", "node", "nodes_before")

    def __init__(self, spot: Spot, anchor: str | None, nodes_before: int) -> None:
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.node = ListNode([], spot, [])

    def add(self, value: Value, part: Part) -> None:
        """Append a value."""
        self.node.value.append(value)
        self.node.parts.append(part)


class OpenMapping:
    """A mapping that is being read.

    Attributes:
        anchor: by which it can be repeated when it is finished, if it has one.
        nodes_before: how many nodes the text had when it began.
        key: of the entry that is being read; of the last one if `key_is_due`.
        merging: the entry is a plain `<<`.
        merged: the keys that stand here because of a `<<` only.

    """

    __slots__ = (
        *("anchor", "node", "nodes_before"),
        *("key", "key_is_due", "key_spot", "merged", "merging"),
    )

    def __init__(self, spot: Spot, anchor: str | None, nodes_before: int) -> None:
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.node = MappingNode({}, spot, {}, {})
        self.key = ""
        self.key_spot = spot
        self.key_is_due = True
        self.merging = False
        self.merged: set[str] = set()

    def start_entry(self, key: str, spot: Spot, *, merging: bool) -> None:
        """Take the key of an entry whose value comes next."""
        self.key = key
        self.key_spot = spot
        self.key_is_due = False
        self.merging = merging

    def add(self, value: Value, part: Part) -> None:
        """Set the value of the entry that was started."""
        node, key = self.node, self.key
        node.value[key] = value
        node.parts[key] = part
        node.keys[key] = self.key_spot
        self.key_is_due = True

    def merge(self, sources: list[MappingNode]) -> None:
        """Set every entry of the sources, of which the first wins, over what was written before."""
        node = self.node
        for source in reversed(sources):
            self.merged.update(key for key in source.keys if key not in node.keys)
            node.value.update(source.value)
            node.parts.update(source.parts)
            node.keys.update(dict.fromkeys(source.keys, self.key_spot))
        self.key_is_due = True
