"""Invalid documents, hostile documents and invalid variables are refused, each with its code."""

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import GraphQLError, get_introspection_query, parse, validate

from api.graphql.executor import GraphQLExecutor, GraphQLRequest, GraphQLResponse
from api.limits import GraphQLLimits
from tests.support import sample_schema
from tests.support.executors import build_executor

SCHEMA = sample_schema.reference_schema()


@pytest.fixture(scope="module")
async def executor() -> GraphQLExecutor:
    return await sample_schema.executor()


def first_error(answer: GraphQLResponse) -> Any:  # noqa: ANN401  # any JSON
    assert "data" not in answer.body
    errors = answer.body["errors"]
    assert isinstance(errors, list)
    return errors[0]


INVALID = {
    "an unknown field": "{ keeper { wings } }",
    "an unknown argument": "{ keeper(wings: 2) { id } }",
    "an argument of the wrong type": "{ keepers(first: true) { id } }",
    "an argument that is too large": "{ keepers(first: 2147483648) { id } }",
    "a number of 5,000 digits": "{ keepers(first: " + "9" * 5_000 + ") { id } }",
    "null for a non-null argument": "{ echo(required: null) }",
    "an argument given twice": "{ echo(n: 1, n: 2) }",
    "an unknown enum value": "{ echo(mood: TIRED) }",
    "an enum value as text": '{ echo(mood: "SAD") }',
    "an unknown input field": "{ echo(filter: {wings: 2}) }",
    "an input field given twice": '{ echo(filter: {text: "a", text: "b"}) }',
    "an invalid literal of a custom scalar": '{ echo(day: "yesterday") }',
    "a literal of the wrong kind for a custom scalar": "{ echo(day: 20260428) }",
    "an object without selections": "{ keeper }",
    "a scalar with selections": "{ keeper { id { id } } }",
    "fields that can't be merged": '{ keeper(id: "anna") { id } keeper(id: "bert") { id } }',
    "fields of different types under one name": (
        "{ everyone { ... on Keeper { a: id } ... on Cat { a: lives } } }"
    ),
    "an unknown fragment": "{ ...F }",
    "an unused fragment": "{ __typename } fragment F on Query { __typename }",
    "a fragment defined twice": (
        "{ ...F } fragment F on Query { __typename } fragment F on Query { __typename }"
    ),
    "a fragment on an unknown type": "{ ... on Bird { id } }",
    "a fragment on a scalar": "{ ... on String { id } }",
    "a fragment that can never apply": "{ keeper { ... on Dog { id } } }",
    "a fragment that spreads itself": "{ ...F } fragment F on Query { ...F }",
    "fragments in a cycle": (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } "
        "fragment C on Query { ...A }"
    ),
    "a variable that is not declared": "{ echo(n: $n) }",
    "a variable that is not used": "query($n: Int) { __typename }",
    "a variable declared twice": "query($n: Int, $n: Int) { echo(n: $n) }",
    "a variable of an unknown type": "query($n: Number) { echo(n: $n) }",
    "a variable of an output type": "query($n: Keeper) { echo(n: $n) }",
    "a variable for an argument of another type": "query($n: String) { echo(n: $n) }",
    "a nullable variable for a non-null argument": "query($id: ID) { pet(id: $id) { __typename } }",
    "a default of the wrong type": 'query($n: Int = "1") { echo(n: $n) }',
    "an unknown directive": "{ keeper @shiny { id } }",
    "a misplaced directive": "query @skip(if: true) { keeper { id } }",
    "a directive given twice": "{ keeper @skip(if: true) @skip(if: false) { id } }",
    "a directive without its argument": "{ keeper @skip { id } }",
    "two anonymous operations": "{ __typename } { __typename }",
    "an anonymous operation with another operation": "{ __typename } query Q { __typename }",
    "two operations with one name": "query Q { __typename } query Q { __typename }",
    "an operation without a root type": "subscription { keeper { id } }",
    "a type definition": "{ __typename } type Bird { id: ID }",
    "deeply nested introspection": (
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    ),
}


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
async def test_an_invalid_document_is_refused(executor: GraphQLExecutor, text: str) -> None:
    assert validate(SCHEMA, parse(text)) != []
    answer = await executor.execute(GraphQLRequest(text), None)
    assert answer.status == 422
    assert first_error(answer)["extensions"]["code"] == "graphql_validation_failed"


NOT_GRAPHQL = {
    "empty": "",
    "a comment only": "# hello",
    "an unclosed bracket": "{ keeper { id }",
    "an extra closing bracket": "{ keeper { id } } }",
    "empty selections": "{ keeper { } }",
    "empty arguments": "{ keeper() { id } }",
    "an unclosed string": '{ keeper(id: "anna) { id } }',
    "an unclosed block string": '{ keeper(id: """anna) { id } }',
    "quotes only": '"' * 99_999,
    "escaped quotes in an unclosed block string": '"""' + '\\"""' * 20_000,
    "a lone surrogate": "{ keeper\ud800 }",
    "a null character": "{ keeper\0 }",
    "JSON": '{"query": "{ keeper { id } }"}',
}


@pytest.mark.parametrize("text", NOT_GRAPHQL.values(), ids=NOT_GRAPHQL)
async def test_text_that_is_not_graphql_is_refused(executor: GraphQLExecutor, text: str) -> None:
    with pytest.raises(GraphQLError):
        parse(text, allow_empty_selection_sets=False)
    error = first_error(await executor.execute(GraphQLRequest(text), None))
    assert error["extensions"] == {"code": "graphql_parse_failed", "status": 400}
    assert error["locations"]


FULL_TYPE = "".join(get_introspection_query().partition("fragment FullType")[1:])


def nested(opening: str, levels: int, closing: str) -> str:
    return opening * levels + closing * levels


def chained_fragments(count: int, body: str) -> str:
    links = (f"fragment F{n} on Keeper {{ {body.format(n + 1)} }}" for n in range(count))
    return f"{{ keeper {{ ...F0 }} }} {' '.join(links)} fragment F{count} on Keeper {{ id }}"


HOSTILE = {
    "45 KB of nested fields": (nested("{ friends ", 4_500, "}"), "nesting_levels"),
    "45 KB of unclosed nesting": ("{a" * 22_500, "nesting_levels"),
    "5,000 nested inline fragments": ("{" + nested("...{", 5_000, "}"), "nesting_levels"),
    "5,000 nested lists": ("{ echo(grid: " + nested("[", 5_000, "]") + ") }", "nesting_levels"),
    "5,000 nested objects": (
        "{ echo(filter: " + nested("{nested:", 5_000, "}") + ") }",
        "nesting_levels",
    ),
    "5,000 nested list types": (
        "query($a: " + "[" * 5_000 + "Int" + "]" * 5_000 + ") { __typename }",
        "nesting_levels",
    ),
    "180 nested fragments": (chained_fragments(180, "...F{}"), "nesting_levels"),
    "16 fields deep": (
        "{ keeper " + "{ bestFriend " * 14 + "{ id }" + "}" * 14 + "}",
        "depth_fields",
    ),
    "16 fields deep through fragments": (
        chained_fragments(15, "bestFriend {{ ...F{} }}"),
        "depth_fields",
    ),
    "26 fields deep in introspection": (
        '{ __type(name: "Keeper") ' + "{ ofType " * 24 + "{ name }" + "}" * 24 + "}",
        "introspection_depth_fields",
    ),
    "10,000 aliases": (
        "{ keeper {" + " ".join(f"a{n}:id" for n in range(10_000)) + "} }",
        "document_tokens",
    ),
    "201 aliases": (
        "{ keeper {" + " ".join(f"a{n}: id" for n in range(201)) + "} }",
        "aliases",
    ),
    "51 root fields": (
        "{" + " ".join(f"a{n}: __typename" for n in range(51)) + "}",
        "root_fields",
    ),
    "64 root fields through fragments": (
        "{ ...A ...A } fragment A on Query { ...B ...B } fragment B on Query { ...C ...C } "
        "fragment C on Query { ...D ...D } fragment D on Query { "
        + " ".join(f"a{n}: __typename" for n in range(4))
        + "}",
        "root_fields",
    ),
    "51 directives": ("{" + "... @skip(if: false) { __typename }" * 51 + "}", "directives"),
    "10 MB": ("{" + "a " * 5_000_000 + "}", "document_bytes"),
    "100 KB of comments": ("{ __typename }" + "#\n" * 50_000, "document_comments"),
    "100 KB of commas": ("{ __typename }" + "," * 102_400, "document_bytes"),
    "3,000 fields": ("{ keeper {" + "id " * 3_000 + "} }", "document_tokens"),
    "one field 900 times": ("{ keeper {" + "id " * 900 + "} }", "overlap_comparisons"),
    "fragments that overlap each other": (
        "{ keeper {"
        + " ".join(f"...F{n}" for n in range(120))
        + "} }"
        + "".join(f"fragment F{n} on Keeper {{ id bestFriend {{ id }} }}" for n in range(120)),
        "overlap_comparisons",
    ),
    "fragments that double at each level": (
        chained_fragments(13, "a: bestFriend {{ ...F{0} }} b: bestFriend {{ ...F{0} }}"),
        "cost_points",
    ),
    "a page of all items": ("{ keepers(first: 2147483647) { id } }", "cost_points"),
    "pages of pages": (
        "{ keepers(first: 20) { friends(first: 20) { friends(first: 30) { id } } } }",
        "cost_points",
    ),
    "introspection 49 times": (
        "{"
        + " ".join(f"a{n}: __schema {{ types {{ ...FullType }} }}" for n in range(49))
        + "}"
        + FULL_TYPE,
        "cost_points",
    ),
}


@pytest.mark.parametrize(("text", "limit"), HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_document_is_refused_by_the_limit_that_it_exceeds(
    executor: GraphQLExecutor, text: str, limit: str
) -> None:
    error = first_error(await executor.execute(GraphQLRequest(text), None))
    extensions = error["extensions"]
    assert (extensions["code"], extensions["limit"]) == ("limit_exceeded", limit), error["message"]
    assert extensions["bound"] == getattr(GraphQLLimits(), limit)
    assert extensions.get("found", extensions["bound"] + 1) > extensions["bound"]
    assert f"{extensions['bound']:,}" in error["message"]


WITHIN = {
    "15 fields deep": "{ keeper " + "{ bestFriend " * 13 + "{ id }" + "}" * 13 + "}",
    "25 fields deep in introspection": (
        '{ __type(name: "Keeper") ' + "{ ofType " * 23 + "{ name }" + "}" * 23 + "}"
    ),
    "200 aliases": "{ keeper {" + " ".join(f"a{n}: id" for n in range(200)) + "} }",
    "50 root fields": "{" + " ".join(f"a{n}: __typename" for n in range(50)) + "}",
    "40 nested fragments": chained_fragments(40, "...F{}"),
    "brackets in strings and comments": (
        '{ echo(s: "'
        + "{[(" * 100
        + '") # '
        + "{[(" * 100
        + '\n b: echo(s: """'
        + '[{(\\"""' * 50
        + '""") }'
    ),
}


@pytest.mark.parametrize("text", WITHIN.values(), ids=WITHIN)
async def test_a_document_at_its_limits_is_executed(executor: GraphQLExecutor, text: str) -> None:
    answer = await executor.execute(GraphQLRequest(text), None)
    assert answer.executed, answer.body
    assert "errors" not in answer.body


VARIABLES: dict[str, tuple[str, Mapping[str, object], str]] = {
    "the wrong type": ("$v: Int", {"v": "1"}, 'Int cannot represent non-integer value: "1"'),
    "true for a number": ("$v: Int", {"v": True}, "Int cannot represent non-integer value: true"),
    "a number beyond 32 bits": ("$v: Int", {"v": 2**31}, "non 32-bit signed integer"),
    "a number of 400 digits": ("$v: Int", {"v": 10**400}, "non 32-bit signed integer"),
    "a missing value": ("$v: Int!", {}, "'Int!'"),
    "null for a non-null type": ("$v: Int!", {"v": None}, "'Int!'"),
    "an invalid value of a custom scalar": ("$v: Day", {"v": "yesterday"}, "Invalid isoformat"),
    "an unknown input field": ("$v: Filter", {"v": {"wings": 2}}, "wings"),
    "an unknown enum value": ("$v: Mood", {"v": "TIRED"}, "TIRED"),
    "an invalid item of a list": ("$v: [[Int]]", {"v": [1, ["x"]]}, '"x"'),
    "5,000 nested objects": ("$v: Filter", {"v": None}, "nested too deeply"),
    "100 KB of text": ("$v: Int", {"v": "x" * 100_000}, "Variable '$v'"),
}
ARGUMENTS = {
    "Int": "n",
    "Int!": "n",
    "Day": "day",
    "Filter": "filter",
    "Mood": "mood",
    "[[Int]]": "grid",
}


def deep_object(levels: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(levels):
        value = {"nested": value}
    return value


@pytest.mark.parametrize(("declared", "given", "message"), VARIABLES.values(), ids=VARIABLES)
async def test_invalid_variables_are_refused_with_their_reason(
    executor: GraphQLExecutor, declared: str, given: Mapping[str, object], message: str
) -> None:
    if message == "nested too deeply":
        given = {"v": deep_object(5_000)}
    argument = ARGUMENTS[declared.removeprefix("$v: ")]
    text = f"query({declared}) {{ echo({argument}: $v) }}"
    error = first_error(await executor.execute(GraphQLRequest(text, given), None))
    assert error["extensions"] == {"code": "invalid_variables", "status": 422}
    assert message in error["message"]
    assert len(error["message"]) < 600


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("query A { __typename } query B { __typename }", None, "the document has: A, B"),
        ("query A { __typename } query B { __typename }", "C", "There is no operation 'C'"),
        ("{ __typename }", "C", "the document has: none"),
        ("{ __typename }", "", "There is no operation ''"),
        ("fragment F on Query { __typename }", None, "Fragment 'F' is never used"),
    ],
)
async def test_the_name_must_select_one_operation(
    executor: GraphQLExecutor, text: str, name: str | None, message: str
) -> None:
    error = first_error(await executor.execute(GraphQLRequest(text, operation_name=name), None))
    assert message in error["message"]


async def test_the_name_selects_the_operation(executor: GraphQLExecutor) -> None:
    text = "query A { __typename } mutation B { count(by: 3) }"
    answer = await executor.execute(GraphQLRequest(text, operation_name="B"), None)
    assert answer.body == {"data": {"count": 3}}


async def test_every_problem_of_a_document_is_reported_up_to_a_bound() -> None:
    executor = await build_executor(
        sample_schema.SDL, [sample_schema.resolvers()], GraphQLLimits(reported_errors=3)
    )
    answer = await executor.execute(GraphQLRequest("{ a b c d e }"), None)
    assert isinstance(answer.body["errors"], list)
    assert len(answer.body["errors"]) == 3
