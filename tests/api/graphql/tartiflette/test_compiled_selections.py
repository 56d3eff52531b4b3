"""Compiled selections give the same data and errors, in the same order, as plain Tartiflette."""

import gc
import json
import os
import re
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any, NamedTuple

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate
from hypothesis import settings
from tartiflette.execution.execute import execute as execute_plainly
from tartiflette.execution.response import build_response

from api.graphql.documents.variables import (
    VariableDefinitions,
    condition_variables,
    refuse_null_conditions,
)
from api.graphql.errors import InvalidVariables
from api.graphql.sdl import read_schema
from api.graphql.tartiflette.ast import tartiflette_document
from api.graphql.tartiflette.compiled_selections import (
    ExecutableOperation,
    Execution,
    executable_operations,
    execute,
    use_compiled_selections,
)
from api.graphql.tartiflette.engine import bake
from tests.support import fuzz_schema
from tests.support.generated_documents import Document, Generated, generated, seeded, without_enums

DOCUMENTS_PER_EXAMPLE = 100 if os.environ.get("TEST_DOCUMENTS") == "all" else 10
"""A normal run compares 1,000 documents, a complete one 10,000, and a soak test 300,000."""
DATA_SETS = 40

SCHEMA = read_schema(fuzz_schema.SDL, fuzz_schema.resolvers())


class Engines(NamedTuple):
    """Two engines: plain Tartiflette, and Tartiflette with compiled selections."""

    plain: Any
    compiled: Any

    def __repr__(self) -> str:
        """Return a short text: pytest would take minutes to print the schemas."""
        return type(self).__name__


class DataSets(NamedTuple):
    """Equal data for each engine, because Tartiflette writes paths into the errors of the data."""

    plain: list[Any]
    compiled: list[Any]

    def __repr__(self) -> str:
        return type(self).__name__


class Outcome(NamedTuple):
    """The result of an execution; the data as text, to compare order and types."""

    data: str
    errors: list[Any]
    calls: list[Any]


class Case(NamedTuple):
    """A document that both engines executed, and the outcome."""

    text: str
    outcome: Outcome


def calls_resolver(prefix: str = "", suffix: str = "") -> Callable[[Case], bool]:
    """Return the predicate for whether a resolver with such a name was called."""
    return lambda case: any(
        name.startswith(prefix) and name.endswith(suffix) for _, _, name in case.outcome.calls
    )


def has(pattern: str) -> Callable[[Case], bool]:
    """Return the predicate for whether the document matches a pattern."""
    return lambda case: re.search(pattern, case.text) is not None


COVERAGE: dict[str, tuple[int, Callable[[Case], bool]]] = {
    "concurrent lists": (15, calls_resolver(suffix="AtOnce")),
    "slow resolvers": (40, calls_resolver(prefix="slow")),
    "nulls": (40, lambda case: "null" in case.outcome.data),
    "errors": (25, lambda case: bool(case.outcome.errors)),
    "data and errors": (20, lambda case: bool(case.outcome.errors) and case.outcome.data != "null"),
    "aliases": (60, has(r"(\w+_[12]|\ba\d+): ")),
    "fields with the same key": (20, has(r" (\w+_[12]: ).* \1")),
    "named fragments": (45, has(r"\.\.\.F\d")),
    "inline fragments": (40, has(r"\.\.\. on ")),
    "include": (45, has("@include")),
    "skip": (45, has("@skip")),
    "variables": (50, has(r"^\w+\(\$v0")),
    "mutations": (5, has("^mutation")),
}
"""The percentage of documents that must have a property, so that the comparison covers it."""


class ValidDocument(Document):
    """A document whose fields often have the same key, and whose variables are valid."""

    def alias(self, field: str) -> str:
        if re.fullmatch(r"\w+", field):
            return str(self.random.choice(["", "", f"{field}_1: ", f"{field}_2: "]))
        self.aliases += 1
        return f"a{self.aliases}: "

    def variable(self, type_text: str, plain: Any) -> str:  # noqa: ANN401  # any JSON
        name = super().variable(type_text, plain)
        if self.declared[-1].endswith("!"):  # a value is required
            self.values[name[1:]] = without_enums(plain)
        elif type_text.endswith("!") and self.values.get(name[1:], plain) is None:
            del self.values[name[1:]]  # the default applies
        return name


def generate(random: Random) -> Generated:
    kind = OperationType.MUTATION if random.random() < 0.1 else OperationType.QUERY
    depth = random.randint(1, 4)
    return generated(ValidDocument(SCHEMA, random, kind, depth, defect_percent=0, absent_percent=5))


@pytest.fixture(scope="module")
async def engines() -> Engines:
    both = Engines(*[await bake(SCHEMA, fuzz_schema.resolvers()) for _ in Engines._fields])
    use_compiled_selections(both.compiled)
    return both


@pytest.fixture(scope="module")
def data_sets() -> DataSets:
    return DataSets(
        *(
            [fuzz_schema.random_data(SCHEMA, seeded(seed)) for seed in range(DATA_SETS)]
            for _ in DataSets._fields
        )
    )


async def format_error(error: Any) -> Any:  # noqa: ANN401  # Tartiflette has no types
    return error.coerce_value()


async def execute_by_tartiflette(
    schema: Any,  # noqa: ANN401
    tree: Any,  # noqa: ANN401
    start: Any,  # noqa: ANN401
    variables: Mapping[str, object],
) -> Outcome:
    context = fuzz_schema.Context(start)
    respond = partial(build_response, error_coercer=format_error)
    answer = await execute_plainly(schema, tree, respond, None, context, dict(variables), None)
    return Outcome(json.dumps(answer["data"]), answer.get("errors", []), context.calls)


async def execute_compiled(
    schema: Any,  # noqa: ANN401
    executable: ExecutableOperation,
    start: Any,  # noqa: ANN401
    variables: Mapping[str, object],
) -> Outcome:
    context = fuzz_schema.Context(start)
    execution = Execution.of(schema, executable, context, variables)
    data = await execute(execution)
    return Outcome(
        json.dumps(data), [await format_error(each) for each in execution.errors], context.calls
    )


async def compare(engines: Engines, data_sets: DataSets, random: Random) -> Case:
    """Compare the engines for a document with two sets of data and variables.

    The second execution uses the selections that were compiled for the first. Returns the first
    outcome.
    """
    text, given = generate(random)
    document = parse(text)
    tree, conditions = tartiflette_document(document), condition_variables(document)
    [executable] = executable_operations(tree, conditions).values()
    [operation] = document.definitions[:1]
    assert isinstance(operation, OperationDefinitionNode)
    declared = VariableDefinitions.of(SCHEMA, operation.variable_definitions or ())

    async def check(given: Mapping[str, object]) -> Outcome:
        number = random.randrange(DATA_SETS)
        variables = declared.coerce(given, 5)
        refuse_null_conditions(conditions, variables)
        plain = await execute_by_tartiflette(engines.plain, tree, data_sets.plain[number], given)
        start = data_sets.compiled[number]
        compiled = await execute_compiled(engines.compiled, executable, start, variables)
        differing = [
            name for name in Outcome._fields if getattr(plain, name) != getattr(compiled, name)
        ]
        assert not differing, (text, given)
        return plain

    first = await check(given)
    with suppress(InvalidVariables):  # a required one can be missing
        await check(change_variables(given, random))
    return Case(text, first)


def change_variables(given: Mapping[str, object], random: Random) -> dict[str, object]:
    """Return variables that select other fields, with other arguments."""
    return {
        name: not value if isinstance(value, bool) else value
        for name, value in given.items()
        if random.random() < 0.9
    }


async def test_an_unused_schema_is_garbage_collected() -> None:
    baked = weakref.ref(await bake(SCHEMA, fuzz_schema.resolvers()))
    gc.collect()
    assert baked() is None


async def test_any_document_has_the_same_result_as_in_plain_tartiflette(
    engines: Engines, data_sets: DataSets
) -> None:
    profile = settings.default
    assert profile is not None
    first = 0 if profile.derandomize else seeded().randrange(2**32)
    count = profile.max_examples * DOCUMENTS_PER_EXAMPLE
    found: Counter[str] = Counter()
    for seed in range(first, first + count):
        case = await compare(engines, data_sets, seeded(seed))
        found.update(name for name, (_, has_property) in COVERAGE.items() if has_property(case))
    rare = {name for name, (percent, _) in COVERAGE.items() if found[name] * 100 < percent * count}
    assert rare == set()


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("{ slow }", {"Query": ["slow"]}),
        ("{ room { id size window { from } } }", {"Query": ["room"], "Room": [], "Window": []}),
        ("{ room { grid lights __typename } }", {"Query": ["room"], "Room": []}),
        ("{ room { id a: note slow } }", {"Query": ["room"], "Room": ["a", "slow"]}),
        (
            "{ room { window { slow } } }",
            {"Query": ["room"], "Room": ["window"], "Window": ["slow"]},
        ),
        (
            "{ room { next { id } exits { __typename } } }",
            {"Query": ["room"], "Room": ["next", "exits"]},
        ),
    ],
)
async def test_plain_fields_are_answered_by_the_generated_function(
    engines: Engines, data_sets: DataSets, text: str, others: dict[str, list[str]]
) -> None:
    [executable] = executable_operations(tartiflette_document(parse(text)), ()).values()
    await execute_compiled(engines.compiled, executable, data_sets.compiled[0], {})
    selections = executable.plan_for({}).selections.values()
    assert {each.parent.name: [key for key, _ in each.others] for each in selections} == others


def test_the_generated_documents_are_valid() -> None:
    documents = [generate(seeded(seed)) for seed in range(100)]
    assert not [text for text, _ in documents if validate(SCHEMA, parse(text))]
