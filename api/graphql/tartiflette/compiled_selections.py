"""Compiled selections: Tartiflette's execution, with every decision made once that can be.

Which fields of an object an operation selects depends only on the operation and on its conditions
(`@skip`, `@include`). It is computed when it is first needed, and kept. A generated function then
returns the plain fields of an object (see `leaf_codegen`), and each other field is answered as in
Tartiflette, without the steps that were decided before.

If a value does not match its type, Tartiflette completes it again, unchanged: errors, their order,
their paths and the propagation of null are Tartiflette's own.
"""

from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Self, TypeAlias, cast

from tartiflette.coercers.arguments import coerce_arguments
from tartiflette.coercers.common import Path
from tartiflette.coercers.outputs.common import complete_value_catching_error
from tartiflette.coercers.outputs.compute import get_output_coercer
from tartiflette.coercers.outputs.null_coercer import null_coercer_wrapper
from tartiflette.execution.collect import collect_subfields
from tartiflette.execution.context import ExecutionContext
from tartiflette.execution.execute import execute_fields
from tartiflette.execution.types import ResolveInfo, build_resolve_info
from tartiflette.language.ast import FragmentDefinitionNode, OperationDefinitionNode
from tartiflette.types.helpers.definition import get_wrapped_type, is_leaf_type, is_object_type
from tartiflette.utils.directives import resolver_executor

from api.graphql.registry import FieldResolver
from api.graphql.tartiflette.arguments import StaticArguments, static_arguments
from api.graphql.tartiflette.ast import TartifletteNode
from api.graphql.tartiflette.leaf_codegen import (
    Complete,
    PlainField,
    TartifletteType,
    completer,
    selector,
)
from api.json_encoding import Json, JsonObject
from api.limits import PLANS_PER_OPERATION

_TYPENAME: Final = "__typename"

TartifletteField: TypeAlias = Any
"""A field of Tartiflette's schema."""
_Nodes: TypeAlias = list[TartifletteNode]
"""The nodes that select one field, or the fields of one object; a document can repeat them."""
_Key: TypeAlias = tuple[int, ...]
"""The identity of a field or a type of the schema, and those of nodes that the document keeps."""


class Execution(ExecutionContext):
    """One execution of an operation."""

    __slots__ = ("plan",)
    plan: "OperationPlan"

    @classmethod
    def of(
        cls,
        schema: TartifletteNode,
        executable: "ExecutableOperation",
        context: object,
        variables: Mapping[str, object],
        root: object = None,
    ) -> Self:
        """Return an execution with coerced variables that has not started."""
        operation, fragments = executable.operation, executable.fragments
        execution = cls(schema, fragments, operation, context, root, dict(variables))
        execution.plan = executable.plan_for(variables)
        return execution


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """What was compiled of one operation, for one combination of its conditions.

    Attributes:
        selections: the selections that were needed so far.

    """

    selections: dict[_Key, "Selection"] = field(default_factory=dict)
    _fields: dict[_Key, "FieldPlan"] = field(default_factory=dict)

    async def selection(
        self, execution: Execution, parent: TartifletteType, nodes: _Nodes
    ) -> "Selection":
        """Return what nodes select from an object of a type."""
        key = (id(parent), *map(id, nodes))
        known = self.selections.get(key)
        if known is None:
            known = self.selections[key] = await _compile_selection(execution, parent, nodes)
        return known

    async def field(
        self,
        execution: Execution,
        parent: TartifletteType,
        definition: TartifletteField,
        nodes: _Nodes,
    ) -> "FieldPlan":
        """Return how to answer a field that nodes select."""
        key = (id(definition), *map(id, nodes))
        known = self._fields.get(key)
        if known is None:
            known = self._fields[key] = await _plan_field(execution, parent, definition, nodes)
        return known


@dataclass(frozen=True, slots=True)
class ExecutableOperation:
    """An operation for Tartiflette.

    Attributes:
        conditions: the variables in the arguments of `@skip` and `@include`.

    """

    operation: TartifletteNode
    fragments: dict[str, TartifletteNode]
    conditions: Collection[str]
    _plans: dict[tuple[object, ...], OperationPlan] = field(default_factory=dict)

    def plan_for(self, variables: Mapping[str, object]) -> OperationPlan:
        """Return the plan for the values of the conditions; keeps `PLANS_PER_OPERATION` of them."""
        values = tuple(map(variables.get, self.conditions))
        known = self._plans.get(values)
        if known is None:
            if len(self._plans) == PLANS_PER_OPERATION:
                self._plans.clear()
            known = self._plans[values] = OperationPlan()
        return known


def executable_operations(
    document: TartifletteNode, conditions: Collection[str]
) -> dict[str | None, ExecutableOperation]:
    """Return the operations of a valid document by name; None is the one without a name."""
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    return {
        each.name and each.name.value: ExecutableOperation(each, fragments, conditions)
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode)
    }


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """How to answer a field that an operation selects.

    Attributes:
        complete: completes the value of a plain field; None if the field is not plain.
        arguments: None if each execution has to coerce them.
        resolve: the resolver with its directives.

    """

    parent: TartifletteType
    field: TartifletteField
    nodes: _Nodes
    complete: Complete | None
    arguments: StaticArguments | None
    resolve: FieldResolver

    @property
    def has_resolver(self) -> bool:
        """Whether the value of the field depends on more than its parent."""
        return bool(self.field.raw_resolver or self.field.arguments)

    async def answer(self, execution: Execution, source: object, path: Path) -> Json:
        """Return the result of the field, or raise as Tartiflette does for a non-null field."""
        info = build_resolve_info(execution, self.field, self.nodes, self.parent, path)
        value: object
        try:
            variables = execution.variable_values or {}
            arguments = self.arguments.values(variables) if self.arguments else None
            if arguments is None:
                arguments = await coerce_arguments(
                    self.field.arguments,
                    self.nodes[0],
                    variables,
                    execution.context,
                    coercer=self.field.arguments_coercer,
                )
            value = await self.resolve(source, arguments, execution.context, info)
        except Exception as error:  # noqa: BLE001  # becomes an error of the field
            value = error
        if self.complete is None:
            return await self._complete_by_tartiflette(execution, value, info)
        try:
            completed: Json = self.complete(value)
        except Exception:  # noqa: BLE001  # Tartiflette raises it again, for the client
            return await self._complete_by_tartiflette(execution, value, info)
        return completed

    async def _complete_by_tartiflette(
        self, execution: Execution, value: object, info: ResolveInfo
    ) -> Json:
        kind, keywords = self.field.graphql_type, self.field.resolver.keywords
        completed: Json = await complete_value_catching_error(
            value, info, execution, self.nodes, info.path, kind, keywords["output_coercer"]
        )
        return completed


@dataclass(frozen=True, slots=True)
class Selection:
    """What an operation selects from an object of a type.

    Attributes:
        fields: the nodes of all fields by response key, as Tartiflette collects them.
        plain: returns the plain fields, with None for each other field.
        others: the other fields in their order, by response key.

    """

    parent: TartifletteType
    fields: dict[str, _Nodes]
    plain: Complete
    others: tuple[tuple[str, FieldPlan], ...]

    async def complete(self, execution: Execution, source: object, path: Path | None) -> JsonObject:
        """Return the result of an object, or raise as Tartiflette does if it must be null."""
        try:
            result: JsonObject = self.plain(source)
        except Exception:  # noqa: BLE001  # Tartiflette raises it again, for the client
            fields: JsonObject = await execute_fields(
                execution, self.parent, source, path, self.fields
            )
            return fields
        for key, plan in self.others:
            result[key] = await plan.answer(execution, source, Path(path, key))
        return result


async def _compile_selection(
    execution: Execution, parent: TartifletteType, nodes: _Nodes
) -> Selection:
    """Compile what nodes select from an object of a type."""
    fields = await collect_subfields(execution, parent, nodes)
    members: dict[str, PlainField | str | None] = {}
    others = []
    for key, field_nodes in fields.items():
        definition = parent.find_field(field_nodes[0].name.value)
        plan = await execution.plan.field(execution, parent, definition, field_nodes)
        if definition.name == _TYPENAME:
            members[key] = parent.name
        elif plan.complete is not None and not plan.has_resolver:
            members[key] = PlainField(definition.name, definition.graphql_type, plan.complete)
        else:
            members[key] = None
            others.append((key, plan))
    return Selection(parent, fields, selector(members), tuple(others))


async def _plan_field(
    execution: Execution, parent: TartifletteType, definition: TartifletteField, nodes: _Nodes
) -> FieldPlan:
    """Return how to answer a field that nodes select.

    Tartiflette always completes a list whose items are answered concurrently, so that its items
    take turns as they do in Tartiflette.
    """
    concurrent = definition.list_concurrently
    complete = None if concurrent else await _find_completer(execution, definition, nodes)
    arguments = await static_arguments(definition.arguments, nodes[0])
    return FieldPlan(parent, definition, nodes, complete, arguments, _resolver_of(definition))


def _resolver_of(definition: TartifletteField) -> FieldResolver:
    """Return the resolver of a field, without Tartiflette's wrapper if it has no directives."""
    resolve: partial[Awaitable[object]] = definition.resolver.keywords["resolver"]
    if resolve.func is resolver_executor:
        [bare] = resolve.args
        return cast("FieldResolver", bare)

    async def with_directives(
        source: object, arguments: object, context: object, info: object
    ) -> object:
        return await resolve(source, arguments, context, info, context_coercer=context)

    return with_directives


async def _find_completer(
    execution: Execution, definition: TartifletteField, nodes: _Nodes
) -> Complete | None:
    """Return the function that completes the value of a field if all of it is plain; else None."""
    kind = definition.graphql_type
    core = get_wrapped_type(kind)
    if is_leaf_type(core):
        return completer(kind)
    if not is_object_type(core):
        return None
    selection = await execution.plan.selection(execution, core, nodes)
    return None if selection.others else completer(kind, selection.plain)


async def execute(execution: Execution) -> JsonObject | None:
    """Return the data of an operation; the errors are in the execution."""
    root = execution.schema.get_operation_root_type(execution.operation)
    try:
        selection = await execution.plan.selection(execution, root, [execution.operation])
        data = await selection.complete(execution, execution.root_value, None)
    except Exception as error:  # noqa: BLE001  # the data as a whole is null
        execution.add_error(error)
        return None
    return data


@null_coercer_wrapper
async def _complete_object(
    value: object,
    _info: object,
    execution: Execution,
    nodes: _Nodes,
    path: Path,
    object_type: TartifletteType,
) -> object:
    """Complete an object, in place of Tartiflette's output coercer."""
    selection = await execution.plan.selection(execution, object_type, nodes)
    return await selection.complete(execution, value, path)


async def _answer_field(
    execution: Execution,
    parent: TartifletteType,
    source: object,
    nodes: _Nodes,
    path: Path,
    _is_introspection: bool,  # noqa: FBT001  # Tartiflette passes it by position
    **keywords: TartifletteField,
) -> object:
    """Answer a field, in place of Tartiflette's field resolver."""
    plan = await execution.plan.field(execution, parent, keywords["field_definition"], nodes)
    return await plan.answer(execution, source, path)


def use_compiled_selections(schema: TartifletteNode) -> None:
    """Make a baked schema of Tartiflette answer by compiled selections."""
    objects = [kind for kind in schema.type_definitions.values() if is_object_type(kind)]
    for kind in objects:
        kind.output_coercer = partial(_complete_object, object_type=kind)
    for definition in (each for kind in objects for each in kind.implemented_fields.values()):
        coercer = get_output_coercer(definition.graphql_type, definition.list_concurrently)
        keywords = definition.resolver.keywords | {"output_coercer": coercer}
        definition.resolver = partial(_answer_field, **keywords)
