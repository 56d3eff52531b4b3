"""Compiled selections answer as Tartiflette does without them: data, errors, and their order."""

import gc
import json
import re
import weakref
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any, NamedTuple

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate
from hypothesis import settings
from tartiflette.execution.execute import execute as execute_plainly
from tartiflette.execution.response import build_response

from api.graphql.conversion import tartiflette_document
from api.graphql.errors import InvalidVariables
from api.graphql.sdl import read_schema
from api.graphql.selections import (
    Executable,
    Execution,
    compile_selections_of,
    executables_of,
    execute,
)
from api.graphql.tartiflette_engine import bake
from api.graphql.variables import Variables, condition_variables, refuse_null_conditions
from tests.api.graphql import maze
from tests.api.graphql.generated import Document, Generated, generated, seeded

DOCUMENTS_PER_EXAMPLE = 100
"""So 10,000 in an ordinary run, and 300,000 in a hunt."""
WORLDS = 40

SCHEMA = read_schema(maze.SDL, maze.resolvers())


class Engines(NamedTuple):
    """Two schemas of Tartiflette: as it is, and with compiled selections."""

    plain: Any
    compiled: Any

    def __repr__(self) -> str:
        """Return no schema: writing one down takes minutes, which a failing test would."""
        return type(self).__name__


class Worlds(NamedTuple):
    """The same worlds for each, because Tartiflette writes paths into the errors that it meets."""

    plain: list[Any]
    compiled: list[Any]

    def __repr__(self) -> str:
        return type(self).__name__


class Seen(NamedTuple):
    """What came of an execution; the data as text, which tells order and types."""

    data: str
    errors: list[Any]
    calls: list[Any]


class Merging(Document):
    """A document whose fields often have the same key, and then ask for the same."""

    def alias(self, asked: str) -> str:
        if re.fullmatch(r"\w+", asked):
            return str(self.random.choice(["", "", f"{asked}_1: ", f"{asked}_2: "]))
        self.aliases += 1
        return f"a{self.aliases}: "


def drawn(random: Random) -> Generated:
    kind = OperationType.MUTATION if random.random() < 0.1 else OperationType.QUERY
    depth = random.randint(1, 4)
    return generated(Merging(SCHEMA, random, kind, depth, defect_percent=0, absent_percent=5))


@pytest.fixture(scope="module")
async def engines() -> Engines:
    both = Engines(*[await bake(SCHEMA, maze.resolvers()) for _ in Engines._fields])
    compile_selections_of(both.compiled)
    return both


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return Worlds(
        *([maze.world(SCHEMA, seeded(seed)) for seed in range(WORLDS)] for _ in Worlds._fields)
    )


async def told(error: Any) -> Any:  # noqa: ANN401  # of Tartiflette, which has no types
    return error.coerce_value()


async def as_tartiflette(
    schema: Any,  # noqa: ANN401
    tree: Any,  # noqa: ANN401
    start: Any,  # noqa: ANN401
    variables: Mapping[str, object],
) -> Seen:
    journey = maze.Journey(start)
    respond = partial(build_response, error_coercer=told)
    answer = await execute_plainly(schema, tree, respond, None, journey, dict(variables), None)
    return Seen(json.dumps(answer["data"]), answer.get("errors", []), journey.calls)


async def as_compiled(
    schema: Any,  # noqa: ANN401
    executable: Executable,
    start: Any,  # noqa: ANN401
    variables: Mapping[str, object],
) -> Seen:
    journey = maze.Journey(start)
    execution = Execution.of(schema, executable, journey, variables)
    data = await execute(execution)
    return Seen(json.dumps(data), [await told(each) for each in execution.errors], journey.calls)


async def assert_same(engines: Engines, worlds: Worlds, random: Random) -> None:
    """Execute a document in two worlds, the second time as it was compiled for the first."""
    text, given = drawn(random)
    document = parse(text)
    tree, conditions = tartiflette_document(document), condition_variables(document)
    [executable] = executables_of(tree, conditions).values()
    [operation] = document.definitions[:1]
    assert isinstance(operation, OperationDefinitionNode)
    declared = Variables.of(SCHEMA, operation.variable_definitions or ())
    for _ in range(2):
        world = random.randrange(WORLDS)
        try:
            variables = declared.coerced(given, 5)
            refuse_null_conditions(conditions, variables)
        except InvalidVariables:
            return
        plain = await as_tartiflette(engines.plain, tree, worlds.plain[world], given)
        compiled = await as_compiled(
            engines.compiled, executable, worlds.compiled[world], variables
        )
        differing = [
            name for name in Seen._fields if getattr(plain, name) != getattr(compiled, name)
        ]
        assert not differing, (text, given)
        given = changed(given, random)


def changed(given: Mapping[str, object], random: Random) -> dict[str, object]:
    """Return variables for which other fields are answered, with other arguments."""
    return {
        name: not value if isinstance(value, bool) else value
        for name, value in given.items()
        if random.random() < 0.9
    }


async def test_a_schema_that_nobody_holds_is_gone() -> None:
    baked = weakref.ref(await bake(SCHEMA, maze.resolvers()))
    gc.collect()
    assert baked() is None


async def test_any_document_is_answered_as_without_them(engines: Engines, worlds: Worlds) -> None:
    profile = settings.default
    assert profile is not None
    first = 0 if profile.derandomize else seeded().randrange(2**32)
    for seed in range(first, first + profile.max_examples * DOCUMENTS_PER_EXAMPLE):
        await assert_same(engines, worlds, seeded(seed))


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("{ slow }", {"Query": ["slow"]}),
        ("{ room { id size door { from } } }", {"Query": ["room"], "Room": [], "Door": []}),
        ("{ room { grid lights __typename } }", {"Query": ["room"], "Room": []}),
        ("{ room { id a: note slow } }", {"Query": ["room"], "Room": ["a", "slow"]}),
        ("{ room { door { slow } } }", {"Query": ["room"], "Room": ["door"], "Door": ["slow"]}),
        (
            "{ room { next { id } exits { __typename } } }",
            {"Query": ["room"], "Room": ["next", "exits"]},
        ),
    ],
)
async def test_what_is_plain_is_answered_at_once(
    engines: Engines, worlds: Worlds, text: str, others: dict[str, list[str]]
) -> None:
    [executable] = executables_of(tartiflette_document(parse(text)), ()).values()
    await as_compiled(engines.compiled, executable, worlds.compiled[0], {})
    selections = executable.plans({}).selections.values()
    assert {each.parent.name: [key for key, _ in each.others] for each in selections} == others


def test_the_documents_are_valid() -> None:
    documents = [drawn(seeded(seed)) for seed in range(100)]
    assert not [text for text, _ in documents if validate(SCHEMA, parse(text))]
