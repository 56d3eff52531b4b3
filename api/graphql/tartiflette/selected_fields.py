"""Which fields a document selects below the field that is resolved."""

from collections.abc import Collection, Iterator, Mapping
from typing import cast

from tartiflette.execution.types import ResolveInfo
from tartiflette.language.ast import FieldNode, FragmentSpreadNode

from api.graphql.tartiflette.ast import TartifletteNode


def selects(info: object, names: Collection[str]) -> bool:
    """Return whether a resolver's field has one of the named fields at any level below it.

    Conditions (`@skip`, `@include`) are not evaluated.
    """
    resolved = cast(ResolveInfo, info)
    nodes = [node.selection_set for node in resolved.field_nodes]
    return any(name in names for name in _names_below(nodes, resolved.fragments))


def _names_below(
    selection_sets: list[TartifletteNode], fragments: Mapping[str, TartifletteNode]
) -> Iterator[str]:
    """Yield the names of the selected fields; a valid document has no cycle of fragments."""
    for selection in (each for one in selection_sets if one for each in one.selections):
        if isinstance(selection, FragmentSpreadNode):
            below = fragments[selection.name.value]
        else:
            below = selection
            if isinstance(selection, FieldNode):
                yield selection.name.value
        yield from _names_below([below.selection_set], fragments)
