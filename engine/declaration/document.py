"""One YAML text, or several layered over one another, with the location of each value."""

from dataclasses import dataclass, replace

from engine.declaration.source_map import (
    Node,
    Path,
    Sources,
    Value,
    find_node,
    key_offset,
    value_at,
    value_offset,
)
from engine.findings import Finding, Location


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """The value of one or more texts.

    Attributes:
        draft: the value as far as it could be read, so that it can be checked further even if
            there are findings; None if reading had to stop.
        root: the positions of all values in the draft.
        findings: errors. Without errors, the draft is exactly what Helm reads.
        key: the keys under which the values of this chart are; empty for the top level.

    """

    draft: Value
    root: Node
    sources: Sources
    findings: tuple[Finding, ...]
    key: tuple[str, ...] = ()

    @property
    def value(self) -> Value:
        """Exactly what Helm reads; None if there are findings."""
        return None if self.findings else self.draft

    def contains(self, path: Path) -> bool:
        """Return whether there is a value at `path`."""
        return not find_node(self.root, path)[1]

    def location(self, path: Path) -> Location:
        """Return the location of the value at `path`, or of its nearest ancestor that exists."""
        return self.sources.location(value_offset(find_node(self.root, path)[0]))

    def key_location(self, path: Path) -> Location:
        """Return the location of the key in which `path` ends; raise KeyError if it is missing."""
        node, missing = find_node(self.root, path)
        if missing or not path or isinstance(path[-1], int):
            raise KeyError(path)
        return self.sources.location(key_offset(node))

    def at(self, path: tuple[str, ...]) -> "YamlDocument":
        """Return the part of the document at `path`, which must exist."""
        root, missing = find_node(self.root, path)
        if missing:
            raise KeyError(path)
        return replace(self, draft=value_at(self.draft, path), root=root, key=())
