"""Joins values files that declare pieces of one section, such as those of several teams. Pure.

Layers override one another; pieces do not. Lists of pieces are concatenated in the order of the
pieces, mappings are joined, and a value that two pieces declare is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.declaration.diagnostics import dotted
from engine.declaration.document import YamlDocument
from engine.declaration.source_map import (
    ListNode,
    MappingNode,
    Node,
    Sources,
    Value,
    key_offset,
)
from engine.findings import Finding


@dataclass(frozen=True, slots=True)
class Pieces:
    """Values files that declare pieces of one section.

    Attributes:
        name: of their folder.
        files: the name and the text of each file, in the order of the names.

    """

    name: str
    files: tuple[tuple[str, str], ...]


def join_pieces(pieces: Sequence[YamlDocument], section: tuple[str, ...]) -> YamlDocument:
    """Return pieces as one document.

    Args:
        pieces: the files, at least one.
        section: the path of the section. Other values belong to other charts, so they are ignored.

    """
    sources = Sources(tuple(source for piece in pieces for source in piece.sources.texts))
    join = _Join(section, sources)
    roots = [piece.root for piece in pieces if isinstance(piece.root, MappingNode)]
    root = MappingNode({}, pieces[0].sources.texts[0].start, {})
    for each in roots:
        root = join.mappings(root, each, ())
    findings = [each for piece in pieces for each in piece.findings]
    draft = root.value if len(roots) == len(pieces) else None
    return YamlDocument(draft, root, sources, (*findings, *join.findings))


@dataclass(slots=True)
class _Join:
    """Joins values, and finds those that two pieces declare."""

    section: tuple[str, ...]
    sources: Sources
    findings: list[Finding] = field(default_factory=list)

    def mappings(
        self, lower: MappingNode, upper: MappingNode, path: tuple[str, ...]
    ) -> MappingNode:
        """Join two mappings at a path."""
        value, children = {**lower.value}, {**lower.children}
        for key, above in upper.children.items():
            here = (*path, key)
            if here[: len(self.section)] != self.section[: len(here)]:
                continue
            if value.get(key) is None:
                value[key], children[key] = upper.value[key], above
            elif upper.value[key] is not None:
                value[key], children[key] = self._join(children[key], above, here)
        return MappingNode(value, lower.span, children)

    def _join(self, below: Node, above: Node, path: tuple[str, ...]) -> tuple[Value, Node]:
        match below, above:
            case MappingNode(), MappingNode():
                joined = self.mappings(below, above, path)
                return joined.value, joined
            case ListNode(), ListNode():
                values, children = below.value + above.value, below.children + above.children
                return values, ListNode(values, below.span, children)
            case _:
                self._report(below, above, path)
                return None, below

    def _report(self, below: Node, above: Node, path: tuple[str, ...]) -> None:
        first = self.sources.location(key_offset(below))
        message = f"{dotted(path)} is already declared at {first}. Declare it in one piece only."
        at = self.sources.location(key_offset(above))
        self.findings.append(Finding("declared_twice", message, at))
