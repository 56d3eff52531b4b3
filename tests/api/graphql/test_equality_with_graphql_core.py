"""The layer answers as graphql-core's own executor does, for every valid document."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from graphql import get_introspection_query, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from api.graphql.documents.variables import condition_variables
from api.graphql.executor import GraphQLExecutor, GraphQLRequest
from api.json_encoding import Json, JsonObject
from tests.support import sample_schema
from tests.support.generated_documents import Document, generated


@pytest.fixture(scope="module")
async def layer() -> GraphQLExecutor:
    return await sample_schema.executor()


REFERENCE = sample_schema.reference_schema()

VALID: dict[str, tuple[str, Mapping[str, object]]] = {
    "a field": ("{ keeper { name } }", {}),
    "aliases": ('{ a: keeper { n: name } b: keeper(id: "bert") { n: name } }', {}),
    "the same field twice": ("{ keeper { name } keeper { id nickName } }", {}),
    "a named fragment": (
        ("{ keeper { ...K } } fragment K on Keeper { id ...L } fragment L on Named { name }"),
        {},
    ),
    "inline fragments": (
        "{ everyone { ... on Keeper { id } ... on Dog { barks } ... { name } }}",
        {},
    ),
    "a union": ("{ keeper { pets { __typename ... on Cat { lives } ... on Named { id } } } }", {}),
    "every literal": (
        (
            '{ echo(n: 1, f: 1.5e3, s: """ block\n   text """, b: true, mood: SAD, '
            'id: 7, day: "2026-04-28", grid: [[1, null], null, []]) }'
        ),
        {},
    ),
    "a float given as an integer": ("{ echo(f: 3) }", {}),
    "one value for a list": ("{ echo(grid: 1, filters: {limits: 2}) }", {}),
    "null for whatever takes it": ("{ echo(n: null, s: null, filter: null, grid: null) }", {}),
    "input objects": ('{ echo(filter: {nested: {text: null, day: "2026-01-01"}}) }', {}),
    "variables of every kind": (
        (
            "query Q($filter: Filter, $n: Int, $f: Float = 1, $grid: [[Int]], $day: Day, "
            "$mood: Mood = SAD) "
            "{ echo(filter: $filter, n: $n, f: $f, grid: $grid, day: $day, mood: $mood) }"
        ),
        {"filter": {"nested": {"limits": 3}}, "grid": [1, [2]], "day": "2026-02-03", "n": None},
    ),
    "variables within input objects": (
        "query($n: Int! = 1, $m: Mood) { echo(filter: {limits: [$n, 2], mood: $m}) }",
        {},
    ),
    "a variable that is not given": ("query($s: String) { echo(s: $s) }", {}),
    "null where a default makes the type fit": (
        "query($n: Int = 1) { echo(required: $n) }",
        {"n": None},
    ),
    "skip and include": (
        (
            "query($no: Boolean!) { keeper { id @skip(if: $no) name @include(if: $no) "
            "...K @skip(if: true) ... @include(if: false) { mood } } } "
            "fragment K on Keeper { born }"
        ),
        {"no": False},
    ),
    "scalars and enums in answers": ("{ keeper { mood born weight badgeNumber } }", {}),
    "null in a nullable place": ('{ keeper(id: "nobody") { name } }', {}),
    "null in a field that has to be there": (
        "{ keeper { bestFriend { bestFriend { badgeNumber } } } }",
        {},
    ),
    "null in the root": ("{ missing { id } keeper { id } }", {}),
    "null in a list that has none": ('{ keeper(id: "carl") { friends { id } } }', {}),
    "an error of our own": ("{ keeper { fails id } }", {}),
    "an error that removes its parent": ("{ keeper { bestFriend { failsHard } id } }", {}),
    "errors in a list": ("{ everyone { ... on Keeper { id fails } } }", {}),
    "a mutation": ("mutation { a: count(by: 2) fail b: count }", {}),
    "the type of the root": ("{ __typename }", {}),
    "the schema": (get_introspection_query(), {}),
    "the schema beside data": (
        (
            "query($t: String!) { keeper { id } ...R } "
            "fragment R on Query { t: __type(name: $t) { ...T } "
            "__schema { queryType { ...T } } "
            "__typename } fragment T on __Type { kind name specifiedByURL "
            "fields(includeDeprecated: true) "
            "{ name isDeprecated } }"
        ),
        {"t": "Keeper"},
    ),
    "descriptions in the document": ('"what" query Q { keeper { id } }', {}),
}


def error_paths(errors: Any) -> list[list[str | int]]:  # noqa: ANN401  # of either engine
    return sorted(([*error] for error in errors), key=str)


async def assert_same_answer(
    layer: GraphQLExecutor, text: str, variables: Mapping[str, object]
) -> None:
    expected = sample_schema.reference(REFERENCE, text, variables)
    answer = await layer.execute(GraphQLRequest(text, variables), None)
    if any(variables.get(name, ...) is None for name in condition_variables(parse(text))):
        assert not answer.executed  # decided before execution, also where nothing would ask it
        return
    wanted = error_paths(error.path or () for error in expected.errors or ())
    if [] in wanted:  # graphql-core refuses the request as a whole
        assert not answer.executed
        return
    assert answer.executed, answer.body
    assert answer.body["data"] == expected.data
    found = error_paths(error["path"] for error in errors_of(answer.body))
    assert all(path in found for path in wanted)
    assert {nulled(expected.data, path) for path in found} == {
        nulled(expected.data, path) for path in wanted
    }


def errors_of(body: JsonObject) -> Any:  # noqa: ANN401  # checked by the reader
    return body.get("errors", [])


def nulled(data: Json, path: list[str | int]) -> tuple[str | int, ...]:
    """Return the place that an error made null: once null, more errors there may be left out."""
    here: Any = data
    for length, step in enumerate(path):
        if here is None:
            return tuple(path[:length])
        here = here[step]
    return tuple(path)


@pytest.mark.parametrize(("text", "variables"), VALID.values(), ids=VALID)
async def test_a_document_is_answered_as_graphql_core_does(
    layer: GraphQLExecutor, text: str, variables: Mapping[str, object]
) -> None:
    assert validate(REFERENCE, parse(text)) == []
    await assert_same_answer(layer, text, variables)


@settings(max_examples=3 * settings().max_examples)
@given(random=st.randoms(use_true_random=False))
async def test_any_document_is_answered_as_graphql_core_does(
    layer: GraphQLExecutor, random: Random
) -> None:
    text, variables = generated(Document(REFERENCE, random))
    if validate(REFERENCE, parse(text)):
        answer = await layer.execute(GraphQLRequest(text, variables), None)
        assert (answer.status, "data" in answer.body) == (422, False)
    else:
        await assert_same_answer(layer, text, variables)
