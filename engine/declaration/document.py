"""One YAML text, or several layered over one another, with the location of each value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.declaration.source_map import (
    KeyLocations,
    Node,
    Path,
    Sources,
    Value,
    ValueLocations,
    nearest_node,
    node_at,
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

    @property
    def value_locations(self) -> Mapping[Path, Location]:
        """The location of each value by its path; that of the root is empty."""
        return ValueLocations(self.root, self.sources)

    @property
    def key_locations(self) -> Mapping[Path, Location]:
        """The location of each key of a mapping, by the path that ends in it."""
        return KeyLocations(self.root, self.sources)

    def location(self, path: Path) -> Location:
        """Return the location of the value at `path`, or of its nearest ancestor that exists."""
        return self.sources.location(value_offset(nearest_node(self.root, path)))

    def at(self, path: tuple[str, ...]) -> "YamlDocument":
        """Return the part of the document at `path`; raise KeyError if it does not exist."""
        root = node_at(self.root, path)
        return replace(self, draft=value_at(self.draft, path), root=root, key=())
