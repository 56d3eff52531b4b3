"""Compiled selections answer as Tartiflette does without them: data, errors, and their order."""

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

DOCUMENTS_PER_EXAMPLE = 100 if os.environ.get("INTERLOCK_TEST_DOCUMENTS") == "all" else 10
"""An ordinary run compares 1,000 documents, or 10,000 if it must compare all; a soak 300,000."""
WORLDS = 40

SCHEMA = read_schema(fuzz_schema.SDL, fuzz_schema.resolvers())


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


class Compared(NamedTuple):
    """A document that was answered in both ways, and how."""

    text: str
    seen: Seen


def calls(prefix: str = "", suffix: str = "") -> Callable[[Compared], bool]:
    """Return whether a resolver of such a name was called."""
    return lambda case: any(
        name.startswith(prefix) and name.endswith(suffix) for _, _, name in case.seen.calls
    )


def has(pattern: str) -> Callable[[Compared], bool]:
    """Return whether the text of a document has something like it."""
    return lambda case: re.search(pattern, case.text) is not None


HELD: dict[str, tuple[int, Callable[[Compared], bool]]] = {
    "concurrent lists": (15, calls(suffix="AtOnce")),
    "slow resolvers": (40, calls(prefix="slow")),
    "nulls": (40, lambda case: "null" in case.seen.data),
    "errors": (25, lambda case: bool(case.seen.errors)),
    "data beside errors": (20, lambda case: bool(case.seen.errors) and case.seen.data != "null"),
    "aliases": (60, has(r"(\w+_[12]|\ba\d+): ")),
    "fields of the same key": (20, has(r" (\w+_[12]: ).* \1")),
    "named fragments": (45, has(r"\.\.\.F\d")),
    "inline fragments": (40, has(r"\.\.\. on ")),
    "conditions to include": (45, has("@include")),
    "conditions to skip": (45, has("@skip")),
    "variables": (50, has(r"^\w+\(\$v0")),
    "mutations": (5, has("^mutation")),
}
"""What documents must contain, or their answers, or else little is compared: in % of them."""


class Drawn(Document):
    """A document whose fields often have the same key, and whose variables are right."""

    def alias(self, asked: str) -> str:
        if re.fullmatch(r"\w+", asked):
            return str(self.random.choice(["", "", f"{asked}_1: ", f"{asked}_2: "]))
        self.aliases += 1
        return f"a{self.aliases}: "

    def variable(self, type_text: str, plain: Any) -> str:  # noqa: ANN401  # any JSON
        name = super().variable(type_text, plain)
        if self.declared[-1].endswith("!"):  # it must have a value
            self.values[name[1:]] = without_enums(plain)
        elif type_text.endswith("!") and self.values.get(name[1:], plain) is None:
            del self.values[name[1:]]  # for what must have one there is the default
        return name


def drawn(random: Random) -> Generated:
    kind = OperationType.MUTATION if random.random() < 0.1 else OperationType.QUERY
    depth = random.randint(1, 4)
    return generated(Drawn(SCHEMA, random, kind, depth, defect_percent=0, absent_percent=5))


@pytest.fixture(scope="module")
async def engines() -> Engines:
    both = Engines(*[await bake(SCHEMA, fuzz_schema.resolvers()) for _ in Engines._fields])
    use_compiled_selections(both.compiled)
    return both


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return Worlds(
        *(
            [fuzz_schema.world(SCHEMA, seeded(seed)) for seed in range(WORLDS)]
            for _ in Worlds._fields
        )
    )


async def told(error: Any) -> Any:  # noqa: ANN401  # of Tartiflette, which has no types
    return error.coerce_value()


async def as_tartiflette(
    schema: Any,  # noqa: ANN401
    tree: Any,  # noqa: ANN401
    start: Any,  # noqa: ANN401
    variables: Mapping[str, object],
) -> Seen:
    journey = fuzz_schema.Journey(start)
    respond = partial(build_response, error_coercer=told)
    answer = await execute_plainly(schema, tree, respond, None, journey, dict(variables), None)
    return Seen(json.dumps(answer["data"]), answer.get("errors", []), journey.calls)


async def as_compiled(
    schema: Any,  # noqa: ANN401
    executable: ExecutableOperation,
    start: Any,  # noqa: ANN401
    variables: Mapping[str, object],
) -> Seen:
    journey = fuzz_schema.Journey(start)
    execution = Execution.of(schema, executable, journey, variables)
    data = await execute(execution)
    return Seen(json.dumps(data), [await told(each) for each in execution.errors], journey.calls)


async def compared(engines: Engines, worlds: Worlds, random: Random) -> Compared:
    """Execute a document in two worlds, the second time as it was compiled for the first.

    Return what came of the first time.
    """
    text, given = drawn(random)
    document = parse(text)
    tree, conditions = tartiflette_document(document), condition_variables(document)
    [executable] = executable_operations(tree, conditions).values()
    [operation] = document.definitions[:1]
    assert isinstance(operation, OperationDefinitionNode)
    declared = VariableDefinitions.of(SCHEMA, operation.variable_definitions or ())

    async def answered(given: Mapping[str, object]) -> Seen:
        world = random.randrange(WORLDS)
        variables = declared.coerce(given, 5)
        refuse_null_conditions(conditions, variables)
        plain = await as_tartiflette(engines.plain, tree, worlds.plain[world], given)
        start = worlds.compiled[world]
        compiled = await as_compiled(engines.compiled, executable, start, variables)
        differing = [
            name for name in Seen._fields if getattr(plain, name) != getattr(compiled, name)
        ]
        assert not differing, (text, given)
        return plain

    first = await answered(given)
    with suppress(InvalidVariables):  # one that must have a value may have been left out
        await answered(changed(given, random))
    return Compared(text, first)


def changed(given: Mapping[str, object], random: Random) -> dict[str, object]:
    """Return variables for which other fields are answered, with other arguments."""
    return {
        name: not value if isinstance(value, bool) else value
        for name, value in given.items()
        if random.random() < 0.9
    }


async def test_a_schema_that_nobody_holds_is_gone() -> None:
    baked = weakref.ref(await bake(SCHEMA, fuzz_schema.resolvers()))
    gc.collect()
    assert baked() is None


async def test_any_document_is_answered_as_without_them(engines: Engines, worlds: Worlds) -> None:
    profile = settings.default
    assert profile is not None
    first = 0 if profile.derandomize else seeded().randrange(2**32)
    count = profile.max_examples * DOCUMENTS_PER_EXAMPLE
    found: Counter[str] = Counter()
    for seed in range(first, first + count):
        case = await compared(engines, worlds, seeded(seed))
        found.update(name for name, (_, holds) in HELD.items() if holds(case))
    rare = {name for name, (least, _) in HELD.items() if found[name] * 100 < least * count}
    assert rare == set()


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
    [executable] = executable_operations(tartiflette_document(parse(text)), ()).values()
    await as_compiled(engines.compiled, executable, worlds.compiled[0], {})
    selections = executable.plan_for({}).selections.values()
    assert {each.parent.name: [key for key, _ in each.others] for each in selections} == others


def test_the_documents_are_valid() -> None:
    documents = [drawn(seeded(seed)) for seed in range(100)]
    assert not [text for text, _ in documents if validate(SCHEMA, parse(text))]
