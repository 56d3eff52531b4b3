"""What one text says, or several laid over one another, and where it says it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.declaration.source_map import (
    KeyPlaces,
    Node,
    Path,
    Sources,
    Value,
    ValuePlaces,
    spot_of,
    value_at,
    walk,
    walk_as_far_as_written,
)
from engine.findings import Finding, Location


@dataclass(frozen=True, slots=True)
class Reading:
    """What texts say.

    Attributes:
        draft: what could be made of the texts, good for further complaints even if there are
            findings; None where reading had to stop.
        root: where everything in the draft was written.
        sources: the texts.
        findings: errors; none means that the draft is exactly what Helm reads.
        key: the keys below which the texts are of interest; empty for all of them.

    """

    draft: Value
    root: Node
    sources: Sources
    findings: tuple[Finding, ...]
    key: tuple[str, ...] = ()

    @property
    def value(self) -> Value:
        """Exactly what Helm reads; None where the findings made it unreadable."""
        return None if self.findings else self.draft

    @property
    def value_places(self) -> Mapping[Path, Location]:
        """Where each value stands; the root's path is empty."""
        return ValuePlaces(self.root, self.sources)

    @property
    def key_places(self) -> Mapping[Path, Location]:
        """Where each key of a mapping stands; the path ends in that key."""
        return KeyPlaces(self.root, self.sources)

    def place(self, path: Path) -> Location:
        """Return where the value at `path` stands, or its nearest parent that was written."""
        return self.sources.location(spot_of(walk_as_far_as_written(self.root, path)))

    def below_key(self) -> "Reading":
        """Return what stands below `key`; KeyError if nothing does."""
        inner = walk(self.root, self.key)
        return replace(self, draft=value_at(self.draft, self.key), root=inner, key=())
