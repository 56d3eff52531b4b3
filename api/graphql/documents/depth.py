"""How deep and how wide a parsed document is.

Every measurement is linear in the size of the document and does not recurse. A document with a
cycle of fragments has no depth, so that rule of the specification is checked here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

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

from api.graphql.errors import ValidationFailed, check_limit
from api.graphql.introspection import SCHEMA_FIELDS
from api.limits import GraphQLLimits


@dataclass(frozen=True, slots=True)
class _Nesting:
    """Where a selection set is: the number of fields and of selection sets around it."""

    depth: int = 0
    level: int = 1
    in_schema: bool = False


@dataclass(slots=True)
class SelectionMetrics:
    """How deep and wide an operation or a fragment is. "Schema fields" are those of introspection.

    Attributes:
        depth: the nesting depth of fields, schema fields aside.
        schema_depth: the nesting depth of schema fields.
        levels: the nesting depth of selection sets.
        data_fields: the number of root fields that are not schema fields.
        schema_fields: the number of root fields that are schema fields.
        fields: the number of fields at any depth, schema fields aside; the fields of a fragment
            count wherever it is spread.

    """

    depth: int = 0
    schema_depth: int = 0
    levels: int = 0
    data_fields: int = 0
    schema_fields: int = 0
    fields: int = 0

    def add_field(self, nesting: _Nesting) -> None:
        """Count one field."""
        if nesting.in_schema:
            self.schema_depth = max(self.schema_depth, nesting.depth + 1)
            self.schema_fields += nesting.depth == 0
        else:
            self.depth = max(self.depth, nesting.depth + 1)
            self.data_fields += nesting.depth == 0
            self.fields += 1

    def add_fragment(self, nesting: _Nesting, fragment: "SelectionMetrics") -> None:
        """Count a fragment where it is spread."""
        self.levels = max(self.levels, nesting.level + fragment.levels)
        if nesting.in_schema:
            self.schema_depth = max(self.schema_depth, nesting.depth + fragment.depth)
        else:
            self.depth = max(self.depth, nesting.depth + fragment.depth)
            self.fields += fragment.fields
        if nesting.depth == 0:
            self.schema_depth = max(self.schema_depth, fragment.schema_depth)
            self.data_fields += fragment.data_fields
            self.schema_fields += fragment.schema_fields


@dataclass(slots=True)
class _Definition:
    """One operation or fragment: its metrics without the fragments that it spreads."""

    node: ExecutableDefinitionNode
    directives: int
    metrics: SelectionMetrics = field(default_factory=SelectionMetrics)
    spreads: list[tuple[str, _Nesting]] = field(default_factory=list)
    aliases: int = 0

    @classmethod
    def measured(cls, node: ExecutableDefinitionNode) -> "_Definition":
        """Return a definition with its metrics."""
        variables = node.variable_definitions or ()
        of_variables = sum(len(variable.directives or ()) for variable in variables)
        definition = cls(node, len(node.directives or ()) + of_variables)
        waiting = [(node.selection_set, _Nesting())]
        while waiting:
            selection_set, nesting = waiting.pop()
            definition.metrics.levels = max(definition.metrics.levels, nesting.level)
            below = (definition._add(each, nesting) for each in selection_set.selections)
            waiting += filter(None, below)
        return definition

    def _add(
        self, selection: SelectionNode, nesting: _Nesting
    ) -> tuple[SelectionSetNode, _Nesting] | None:
        """Count one selection; return the selection set below it, if it has one."""
        self.directives += len(selection.directives or ())
        match selection:
            case FragmentSpreadNode():
                self.spreads.append((selection.name.value, nesting))
            case InlineFragmentNode():
                return selection.selection_set, replace(nesting, level=nesting.level + 1)
            case FieldNode():
                in_schema = nesting.in_schema or selection.name.value in SCHEMA_FIELDS
                self.aliases += selection.alias is not None
                self.metrics.add_field(replace(nesting, in_schema=in_schema))
                below = _Nesting(nesting.depth + 1, nesting.level + 1, in_schema)
                return (selection.selection_set, below) if selection.selection_set else None
        return None

    def with_fragments(self, fragments: Mapping[str, SelectionMetrics]) -> SelectionMetrics:
        """Return the metrics, including those of the fragments that the definition spreads.

        An undefined fragment counts nothing; the validation reports it.
        """
        for name, nesting in self.spreads:
            self.metrics.add_fragment(nesting, fragments.get(name, SelectionMetrics()))
        return self.metrics


def measure_operations(
    document: DocumentNode, limits: GraphQLLimits
) -> dict[str | None, SelectionMetrics]:
    """Return the metrics of each operation by its name (None without one), fragments included.

    Raises:
        RequestLimitExceeded: the document is too deep or too wide.
        ValidationFailed: fragments form a cycle.

    """
    definitions = [
        _Definition.measured(node)
        for node in document.definitions
        if isinstance(node, ExecutableDefinitionNode)
    ]
    check_limit("aliases", limits.aliases, sum(each.aliases for each in definitions))
    check_limit("directives", limits.directives, sum(each.directives for each in definitions))
    fragments = _measure_fragments(definitions)
    operations = {
        operation_name(each.node): each.with_fragments(fragments)
        for each in definitions
        if isinstance(each.node, OperationDefinitionNode)
    }
    for metrics in operations.values():
        root_fields = metrics.data_fields + metrics.schema_fields
        schema_depth = limits.introspection_depth_fields
        check_limit("nesting_levels", limits.nesting_levels, metrics.levels)
        check_limit("depth_fields", limits.depth_fields, metrics.depth)
        check_limit("introspection_depth_fields", schema_depth, metrics.schema_depth)
        check_limit("root_fields", limits.root_fields, root_fields)
    return operations


def operation_name(operation: OperationDefinitionNode) -> str | None:
    """Return the name of an operation; None if it has none."""
    return operation.name.value if operation.name else None


def _measure_fragments(definitions: Iterable[_Definition]) -> dict[str, SelectionMetrics]:
    """Return the metrics of each fragment, including the fragments that it spreads."""
    defined = {
        each.node.name.value: each
        for each in definitions
        if isinstance(each.node, FragmentDefinitionNode)
    }
    spreads = {name: [used for used, _ in each.spreads] for name, each in defined.items()}
    fragments: dict[str, SelectionMetrics] = {}
    try:
        for name in TopologicalSorter(spreads).static_order():
            if name in defined:
                fragments[name] = defined[name].with_fragments(fragments)
    except CycleError as error:
        cycle: list[str] = error.args[1][:-1]
        nodes = [defined[name].node for name in cycle]
        message = f"Fragments can't spread each other in a cycle: {', '.join(cycle)}."
        raise ValidationFailed(GraphQLError(message, nodes)) from None
    return fragments
