"""How deep and how wide a parsed document is.

Every measure is linear in the document and keeps its own stack. A document with a fragment cycle
has no depth, so that rule of the specification is checked here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from api.graphql.errors import ValidationFailed, refuse_above
from api.graphql.introspection import SCHEMA_FIELDS
from api.limits import GraphQLLimits


@dataclass(frozen=True, slots=True)
class Place:
    """Where a selection set stands: fields and selection sets around it, and in what."""

    depth: int = 0
    level: int = 1
    in_schema: bool = False


@dataclass(slots=True)
class Measure:
    """How deep and wide an operation or a fragment is.

    Attributes:
        depth: fields within fields, outside of the fields that ask for the schema.
        schema_depth: the same within them.
        levels: selection sets within selection sets.
        data_fields: fields at the root, without those that ask for the schema.
        schema_fields: fields at the root that ask for the schema.
        fields: at any depth, outside of those; a fragment counts wherever it is spread.

    """

    depth: int = 0
    schema_depth: int = 0
    levels: int = 0
    data_fields: int = 0
    schema_fields: int = 0
    fields: int = 0

    def add_field(self, place: Place) -> None:
        """Count one field."""
        if place.in_schema:
            self.schema_depth = max(self.schema_depth, place.depth + 1)
            self.schema_fields += place.depth == 0
        else:
            self.depth = max(self.depth, place.depth + 1)
            self.data_fields += place.depth == 0
            self.fields += 1

    def add_fragment(self, place: Place, fragment: "Measure") -> None:
        """Count what a fragment holds in the place where it is spread."""
        self.levels = max(self.levels, place.level + fragment.levels)
        if place.in_schema:
            self.schema_depth = max(self.schema_depth, place.depth + fragment.depth)
        else:
            self.depth = max(self.depth, place.depth + fragment.depth)
            self.fields += fragment.fields
        if place.depth == 0:
            self.schema_depth = max(self.schema_depth, fragment.schema_depth)
            self.data_fields += fragment.data_fields
            self.schema_fields += fragment.schema_fields


@dataclass(slots=True)
class Outline:
    """One definition by itself: what it measures without the fragments that it spreads."""

    measure: Measure = field(default_factory=Measure)
    spreads: list[tuple[str, Place]] = field(default_factory=list)
    aliases: int = 0
    directives: int = 0

    def add(self, selection: SelectionNode, place: Place) -> tuple[SelectionSetNode, Place] | None:
        """Count one selection; return the selection set below it and its place, if it has one."""
        self.directives += len(selection.directives or ())
        match selection:
            case FragmentSpreadNode():
                self.spreads.append((selection.name.value, place))
            case InlineFragmentNode():
                return selection.selection_set, replace(place, level=place.level + 1)
            case FieldNode():
                return self.add_field(selection, place)
        return None

    def add_field(self, node: FieldNode, place: Place) -> tuple[SelectionSetNode, Place] | None:
        """Count a field; return the selection set below it and its place, if it has one."""
        in_schema = place.in_schema or node.name.value in SCHEMA_FIELDS
        self.aliases += node.alias is not None
        self.measure.add_field(replace(place, in_schema=in_schema))
        below = Place(place.depth + 1, place.level + 1, in_schema)
        return (node.selection_set, below) if node.selection_set else None


Outlines: TypeAlias = Sequence[tuple[ExecutableDefinitionNode, Outline]]


def outline(definition: ExecutableDefinitionNode) -> Outline:
    """Return what one definition measures, without recursion."""
    seen = Outline(directives=count_directives(definition))
    waiting = [(definition.selection_set, Place())]
    while waiting:
        selection_set, place = waiting.pop()
        seen.measure.levels = max(seen.measure.levels, place.level)
        below = (seen.add(selection, place) for selection in selection_set.selections)
        waiting += filter(None, below)
    return seen


def count_directives(definition: ExecutableDefinitionNode) -> int:
    """Return how many directives stand on a definition and on its variables."""
    variables = definition.variable_definitions or ()
    of_variables = sum(len(variable.directives or ()) for variable in variables)
    return len(definition.directives or ()) + of_variables


def measure_operations(document: DocumentNode, limits: GraphQLLimits) -> dict[str | None, Measure]:
    """Return the measure of each operation by its name (None without one), fragments included.

    Raises LimitExceeded, and ValidationFailed if fragments form a cycle.
    """
    outlines = [
        (definition, outline(definition))
        for definition in document.definitions
        if isinstance(definition, ExecutableDefinitionNode)
    ]
    refuse_above("aliases", limits.aliases, sum(seen.aliases for _, seen in outlines))
    refuse_above("directives", limits.directives, sum(seen.directives for _, seen in outlines))
    fragments = measure_fragments(outlines)
    operations = {
        name_of(definition): joined(seen, fragments)
        for definition, seen in outlines
        if isinstance(definition, OperationDefinitionNode)
    }
    for measure in operations.values():
        check_measure(measure, limits)
    return operations


def name_of(operation: OperationDefinitionNode) -> str | None:
    """Return the name of an operation; None if it has none."""
    return operation.name.value if operation.name else None


def measure_fragments(outlines: Outlines) -> dict[str, Measure]:
    """Return the measure of each fragment together with those that it spreads."""
    defined = {
        definition.name.value: (definition, seen)
        for definition, seen in outlines
        if isinstance(definition, FragmentDefinitionNode)
    }
    spreads = {name: [used for used, _ in seen.spreads] for name, (_, seen) in defined.items()}
    fragments: dict[str, Measure] = {}
    try:
        for name in TopologicalSorter(spreads).static_order():
            if name in defined:
                fragments[name] = joined(defined[name][1], fragments)
    except CycleError as error:
        cycle: list[str] = error.args[1][:-1]
        nodes = [defined[name][0] for name in cycle]
        message = f"Fragments can't spread each other in a cycle: {', '.join(cycle)}."
        raise ValidationFailed(GraphQLError(message, nodes)) from None
    return fragments


def joined(seen: Outline, fragments: dict[str, Measure]) -> Measure:
    """Return the measure of a definition together with the fragments that it spreads.

    A fragment that is not defined measures nothing; the validation names it.
    """
    measure = seen.measure
    for name, place in seen.spreads:
        measure.add_fragment(place, fragments.get(name, Measure()))
    return measure


def check_measure(measure: Measure, limits: GraphQLLimits) -> None:
    """Refuse an operation that is too deep or too wide."""
    refuse_above("nesting_levels", limits.nesting_levels, measure.levels)
    refuse_above("depth_fields", limits.depth_fields, measure.depth)
    schema_bound = limits.introspection_depth_fields
    refuse_above("introspection_depth_fields", schema_bound, measure.schema_depth)
    refuse_above("root_fields", limits.root_fields, measure.data_fields + measure.schema_fields)
