"""The executor gives the same results as graphql-core for every valid document."""

import json
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
async def executor() -> GraphQLExecutor:
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
    "a single value for a list": ("{ echo(grid: 1, filters: {limits: 2}) }", {}),
    "null for nullable arguments": ("{ echo(n: null, s: null, filter: null, grid: null) }", {}),
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
    "an absent variable": ("query($s: String) { echo(s: $s) }", {}),
    "null for a variable with a default": (
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
    "scalars and enums": ("{ keeper { mood born weight badgeNumber } }", {}),
    "null for a nullable field": ('{ keeper(id: "unknown") { name } }', {}),
    "null for a non-null field": (
        "{ keeper { bestFriend { bestFriend { badgeNumber } } } }",
        {},
    ),
    "null for the root": ("{ missing { id } keeper { id } }", {}),
    "null for a non-null item": ('{ keeper(id: "carl") { friends { id } } }', {}),
    "an error of a field": ("{ keeper { fails id } }", {}),
    "an error that removes its parent": ("{ keeper { bestFriend { failsHard } id } }", {}),
    "errors in a list": ("{ everyone { ... on Keeper { id fails } } }", {}),
    "a mutation": ("mutation { a: count(by: 2) fail b: count }", {}),
    "the root type": ("{ __typename }", {}),
    "introspection": (get_introspection_query(), {}),
    "introspection and data": (
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
    "a description of an operation": ('"what" query Q { keeper { id } }', {}),
}


def error_paths(errors: Any) -> list[list[str | int]]:  # noqa: ANN401  # any JSON
    return sorted(([*error] for error in errors), key=str)


async def assert_same_result(
    executor: GraphQLExecutor, text: str, variables: Mapping[str, object]
) -> None:
    expected = sample_schema.reference(REFERENCE, text, variables)
    answer = await executor.execute(GraphQLRequest(text, variables), None)
    if any(variables.get(name, ...) is None for name in condition_variables(parse(text))):
        assert not answer.executed  # checked before execution, even if no field depends on it
        return
    expected_paths = error_paths(error.path or () for error in expected.errors or ())
    if [] in expected_paths:  # graphql-core refuses the request as a whole
        assert not answer.executed
        return
    assert answer.executed, answer.body
    # As text, because the order of the fields is part of the response.
    assert json.dumps(answer.body["data"]) == json.dumps(expected.data)
    paths = error_paths(error["path"] for error in errors_of(answer.body))
    assert all(path in paths for path in expected_paths)
    assert {nulled_path(expected.data, path) for path in paths} == {
        nulled_path(expected.data, path) for path in expected_paths
    }


def errors_of(body: JsonObject) -> Any:  # noqa: ANN401  # any JSON
    return body.get("errors", [])


def nulled_path(data: Json, path: list[str | int]) -> tuple[str | int, ...]:
    """Return the path of the value that an error made null; errors below it are optional."""
    value: Any = data
    for length, step in enumerate(path):
        if value is None:
            return tuple(path[:length])
        value = value[step]
    return tuple(path)


@pytest.mark.parametrize(("text", "variables"), VALID.values(), ids=VALID)
async def test_a_document_has_the_same_result_as_in_graphql_core(
    executor: GraphQLExecutor, text: str, variables: Mapping[str, object]
) -> None:
    assert validate(REFERENCE, parse(text)) == []
    await assert_same_result(executor, text, variables)


@settings(max_examples=3 * settings().max_examples)
@given(random=st.randoms(use_true_random=False))
async def test_any_document_has_the_same_result_as_in_graphql_core(
    executor: GraphQLExecutor, random: Random
) -> None:
    text, variables = generated(Document(REFERENCE, random))
    if validate(REFERENCE, parse(text)):
        answer = await executor.execute(GraphQLRequest(text, variables), None)
        assert (answer.status, "data" in answer.body) == (422, False)
    else:
        await assert_same_result(executor, text, variables)
