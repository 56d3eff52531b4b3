"""Compiled selections: Tartiflette's execution, with everything decided once that can be.

Which fields an object is asked for depends on the operation and on the answers to its conditions
(`@skip`, `@include`), and on nothing else. So it is found out when it is first needed, and kept.
The plain data of an object is then answered by one generated function (see `plain`), and each of
its other fields as Tartiflette does, less what was decided before.

Where a value is not as its type says, Tartiflette goes its own way from there, unchanged: errors,
their order, their paths and what becomes null stay its own. It reads the value once more for that.
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
from api.graphql.tartiflette.arguments import KnownArguments, known_arguments
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

TYPENAME: Final = "__typename"

TartifletteField: TypeAlias = Any
"""A field of Tartiflette's schema."""
Nodes: TypeAlias = list[TartifletteNode]
"""The nodes that ask for one field, or for the fields of one object: it may be asked for twice."""
Key: TypeAlias = tuple[int, ...]
"""Identities: of a field or a type of the schema, and of nodes of the document that keeps them."""


class Execution(ExecutionContext):
    """One execution of an operation."""

    __slots__ = ("plans",)
    plans: "Plans"

    @classmethod
    def of(
        cls,
        schema: TartifletteNode,
        executable: "Executable",
        context: object,
        variables: Mapping[str, object],
        root: object = None,
    ) -> Self:
        """Return an execution that has not begun; the variables are coerced."""
        operation, fragments = executable.operation, executable.fragments
        execution = cls(schema, fragments, operation, context, root, dict(variables))
        execution.plans = executable.plans(variables)
        return execution


@dataclass(frozen=True, slots=True)
class Plans:
    """What was compiled for one operation, and for one set of answers to its conditions.

    Attributes:
        selections: what has been asked for by now.

    """

    selections: dict[Key, "Selection"] = field(default_factory=dict)
    _fields: dict[Key, "PlannedField"] = field(default_factory=dict)

    async def selection(
        self, execution: Execution, parent: TartifletteType, nodes: Nodes
    ) -> "Selection":
        """Return what nodes select from an object of a type."""
        key = (id(parent), *map(id, nodes))
        known = self.selections.get(key)
        if known is None:
            known = self.selections[key] = await compile_selection(execution, parent, nodes)
        return known

    async def field(
        self, execution: Execution, parent: TartifletteType, asked: TartifletteField, nodes: Nodes
    ) -> "PlannedField":
        """Return how a field is answered that nodes ask for."""
        key = (id(asked), *map(id, nodes))
        known = self._fields.get(key)
        if known is None:
            known = self._fields[key] = await plan_field(execution, parent, asked, nodes)
        return known


@dataclass(frozen=True, slots=True)
class Executable:
    """An operation as Tartiflette executes it.

    Attributes:
        conditions: the variables that `@skip` and `@include` ask.

    """

    operation: TartifletteNode
    fragments: dict[str, TartifletteNode]
    conditions: Collection[str]
    _plans: dict[tuple[object, ...], Plans] = field(default_factory=dict)

    def plans(self, variables: Mapping[str, object]) -> Plans:
        """Return what was compiled for these answers to the conditions; only so many are kept."""
        answers = tuple(map(variables.get, self.conditions))
        known = self._plans.get(answers)
        if known is None:
            if len(self._plans) == PLANS_PER_OPERATION:
                self._plans.clear()
            known = self._plans[answers] = Plans()
        return known


def executables_of(
    document: TartifletteNode, conditions: Collection[str]
) -> dict[str | None, Executable]:
    """Return the operations of a valid document by name; None is the one without a name."""
    operations = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    return {
        each.name and each.name.value: Executable(each, fragments, conditions)
        for each in operations
    }


@dataclass(frozen=True, slots=True)
class PlannedField:
    """A field of an object, as one operation asks for it.

    Attributes:
        complete: completes what it resolves to; None if that takes more than the value.
        arguments: as the operation states them; None if each execution must coerce them.
        resolve: its resolver, directives and all.

    """

    parent: TartifletteType
    field: TartifletteField
    nodes: Nodes
    complete: Complete | None
    arguments: KnownArguments | None
    resolve: FieldResolver

    @property
    def is_read(self) -> bool:
        """Whether the parent alone tells what the field resolves to."""
        return not (self.field.raw_resolver or self.field.arguments)

    async def answer(self, execution: Execution, source: object, path: Path) -> Json:
        """Return the answer, or raise as Tartiflette does where there must be one and is none."""
        info = build_resolve_info(execution, self.field, self.nodes, self.parent, path)
        value: object
        try:
            known = self._known_arguments(execution)
            arguments = await self._coerced_arguments(execution) if known is None else known
            value = await self.resolve(source, arguments, execution.context, info)
        except Exception as error:  # noqa: BLE001  # it becomes an error of the field
            value = error
        if self.complete is None:
            return await self._complete_slowly(execution, value, info)
        try:
            completed: Json = self.complete(value)
        except Exception:  # noqa: BLE001  # Tartiflette will meet the same
            return await self._complete_slowly(execution, value, info)
        return completed

    def _known_arguments(self, execution: Execution) -> dict[str, object] | None:
        """Return the arguments; None if Tartiflette has to coerce them."""
        return self.arguments.values(execution.variable_values or {}) if self.arguments else None

    async def _coerced_arguments(self, execution: Execution) -> dict[str, object]:
        """Return the arguments as Tartiflette coerces them, or raise as it does."""
        arguments: dict[str, object] = await coerce_arguments(
            self.field.arguments,
            self.nodes[0],
            execution.variable_values or {},
            execution.context,
            coercer=self.field.arguments_coercer,
        )
        return arguments

    async def _complete_slowly(
        self, execution: Execution, value: object, info: ResolveInfo
    ) -> Json:
        """Complete a value as Tartiflette does."""
        kind, decided = self.field.graphql_type, self.field.resolver.keywords
        completed: Json = await complete_value_catching_error(
            value, info, execution, self.nodes, info.path, kind, decided["output_coercer"]
        )
        return completed


@dataclass(frozen=True, slots=True)
class Selection:
    """What an object of a type is asked for.

    Attributes:
        fields: all of it, as Tartiflette collects it.
        plain: answers the plain fields, and leaves a place for each of the others.
        others: in their order, by the key of the answer.

    """

    parent: TartifletteType
    fields: dict[str, Nodes]
    plain: Complete
    others: tuple[tuple[str, PlannedField], ...]

    async def complete(self, execution: Execution, source: object, path: Path | None) -> JsonObject:
        """Return the answer of an object, or raise as Tartiflette does where there can't be one."""
        try:
            answer: JsonObject = self.plain(source)
        except Exception:  # noqa: BLE001  # Tartiflette will meet the same
            fields: JsonObject = await execute_fields(
                execution, self.parent, source, path, self.fields
            )
            return fields
        for key, planned in self.others:
            answer[key] = await planned.answer(execution, source, Path(path, key))
        return answer


async def compile_selection(
    execution: Execution, parent: TartifletteType, nodes: Nodes
) -> Selection:
    """Find out what nodes select from an object of a type, and how each field is answered."""
    fields = await collect_subfields(execution, parent, nodes)
    entries: dict[str, PlainField | str | None] = {}
    others = []
    for key, asking in fields.items():
        asked = parent.find_field(asking[0].name.value)
        planned = await execution.plans.field(execution, parent, asked, asking)
        if asked.name == TYPENAME:
            entries[key] = parent.name
        elif planned.complete is not None and planned.is_read:
            entries[key] = PlainField(asked.name, asked.graphql_type, planned.complete)
        else:
            entries[key] = None
            others.append((key, planned))
    return Selection(parent, fields, selector(entries), tuple(others))


async def plan_field(
    execution: Execution, parent: TartifletteType, asked: TartifletteField, nodes: Nodes
) -> PlannedField:
    """Find out how a field is answered that nodes ask for.

    A list whose items are answered concurrently is Tartiflette's in any case: so they take turns
    as they do there.
    """
    complete = None if asked.list_concurrently else await find_completer(execution, asked, nodes)
    arguments = await known_arguments(asked.arguments, nodes[0])
    return PlannedField(parent, asked, nodes, complete, arguments, resolver_of(asked))


def resolver_of(asked: TartifletteField) -> FieldResolver:
    """Return the resolver of a field; where no directive is around it, without what is for them."""
    resolve: partial[Awaitable[object]] = asked.resolver.keywords["resolver"]
    if resolve.func is resolver_executor:
        [bare] = resolve.args
        return cast("FieldResolver", bare)

    async def with_directives(
        source: object, arguments: object, context: object, info: object
    ) -> object:
        return await resolve(source, arguments, context, info, context_coercer=context)

    return with_directives


async def find_completer(
    execution: Execution, asked: TartifletteField, nodes: Nodes
) -> Complete | None:
    """Return what completes the value of a field if all of it is plain data; else None."""
    kind = asked.graphql_type
    core = get_wrapped_type(kind)
    if is_leaf_type(core):
        return completer(kind)
    if not is_object_type(core):
        return None
    selection = await execution.plans.selection(execution, core, nodes)
    return None if selection.others else completer(kind, selection.plain)


async def execute(execution: Execution) -> JsonObject | None:
    """Return the data of an operation; the errors are left in the execution."""
    root = execution.schema.get_operation_root_type(execution.operation)
    try:
        selection = await execution.plans.selection(execution, root, [execution.operation])
        answer = await selection.complete(execution, execution.root_value, None)
    except Exception as error:  # noqa: BLE001  # nothing is left to be null but the whole
        execution.add_error(error)
        return None
    return answer


@null_coercer_wrapper
async def complete_object(
    value: object,
    _info: object,
    execution: Execution,
    nodes: Nodes,
    path: Path,
    object_type: TartifletteType,
) -> object:
    """Complete an object, where Tartiflette comes to one."""
    selection = await execution.plans.selection(execution, object_type, nodes)
    return await selection.complete(execution, value, path)


async def answer_field(
    execution: Execution,
    parent: TartifletteType,
    source: object,
    nodes: Nodes,
    path: Path,
    _is_introspection: bool,  # noqa: FBT001  # as Tartiflette calls it
    **keywords: TartifletteField,
) -> object:
    """Answer a field, where Tartiflette comes to one."""
    planned = await execution.plans.field(execution, parent, keywords["field_definition"], nodes)
    return await planned.answer(execution, source, path)


def compile_selections_of(schema: TartifletteNode) -> None:
    """Let a baked schema of Tartiflette answer by compiled selections."""
    objects = [kind for kind in schema.type_definitions.values() if is_object_type(kind)]
    for kind in objects:
        kind.output_coercer = partial(complete_object, object_type=kind)
    for asked in (each for kind in objects for each in kind.implemented_fields.values()):
        coercer = get_output_coercer(asked.graphql_type, asked.list_concurrently)
        keywords = asked.resolver.keywords | {"output_coercer": coercer}
        asked.resolver = partial(answer_field, **keywords)
