"""Execution: order, contexts, deadline, errors, and reading fields."""

import asyncio
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from tartiflette.language.parsers.libgraphqlparser.parser import _parse_to_json_ast
from tartiflette.types.exceptions.tartiflette import GraphQLSyntaxError

from api.graphql.errors import retry_after
from api.graphql.executor import GraphQLExecutor, GraphQLRequest
from api.graphql.registry import Resolvers
from engine.errors import ForbiddenTransition, Misconfigured
from engine.limits import RETRY_AFTER_SECONDS_MAX
from engine.vocabulary import Status
from tests.support.executors import build_executor

SDL = """
type Query { whoami: String first: Int second: Int! forever: Int refused: Int broken: Int!
  box: Box boxes: [Box!]! shape: Shape thing: String }
type Mutation { append(text: String!): [String!]! }
type Box { items: [Int!]! get: String holdsMuch: Boolean missing: Int inner: Box }
union Shape = Box
"""


@dataclass
class Box:
    items: list[int]
    get: str
    holds_much: bool
    inner: "Mapping[str, object] | None" = None


@dataclass
class Context:
    """The context of a request."""

    user: str
    turn: asyncio.Event
    written: list[str]


BOX = Box([1, 2], "got", holds_much=True, inner={"items": [3], "get": "other", "holdsMuch": False})
resolvers = Resolvers()
field = resolvers.field


@field("Query.whoami")
async def whoami(_parent: None, _arguments: object, context: Context, _info: object) -> str:
    await context.turn.wait()
    return context.user


@field("Query.forever")
async def forever(*_: object) -> None:
    await asyncio.Event().wait()


@field("Query.refused")
async def refused(*_: object) -> None:
    raise ForbiddenTransition(
        "Not you.",
        reason="role_required",
        allowed_roles=("assignee",),
        available_statuses=frozenset({Status.OPEN, Status.CLOSED}),
        by_status={Status.IN_PROGRESS: {"opened_at": datetime(2026, 4, 28, 14, 3, tzinfo=UTC)}},
    )


@field("Query.broken")
async def broken(*_: object) -> None:
    raise RuntimeError("password=hunter2")


@field("Query.first")
@field("Query.second")
async def number(*_: object) -> int:
    return 1


@field("Query.thing")
async def thing(*_: object) -> object:
    return "text"


@field("Query.box")
async def box(*_: object) -> Box:
    return BOX


@field("Query.boxes")
async def boxes(*_: object) -> tuple[Box, ...]:
    return (BOX,)


@field("Query.shape")
async def shape(*_: object) -> object:
    return "not a box"


@field("Mutation.append")
async def append(
    _parent: None, arguments: Mapping[str, str], context: Context, _info: object
) -> list[str]:
    before = len(context.written)
    await asyncio.sleep(0)  # another field would run here if it were concurrent
    context.written.append(arguments["text"])
    assert len(context.written) == before + 1
    return [*context.written]


@pytest.fixture(scope="module")
async def executor() -> GraphQLExecutor:
    return await build_executor(SDL, [resolvers])


def context(user: str = "anna") -> Context:
    ready = asyncio.Event()
    ready.set()
    return Context(user, ready, [])


async def answer(executor: GraphQLExecutor, text: str) -> Any:  # noqa: ANN401  # any JSON
    return (await executor.execute(GraphQLRequest(text), context())).body


async def test_the_fields_of_a_mutation_are_executed_sequentially(
    executor: GraphQLExecutor,
) -> None:
    body = await answer(executor, 'mutation { c: append(text: "1") a: append(text: "2") }')
    assert [*body["data"].items()] == [("c", ["1"]), ("a", ["1", "2"])]


async def test_concurrent_executions_keep_their_contexts(executor: GraphQLExecutor) -> None:
    turns = [Context(user, asyncio.Event(), []) for user in ("anna", "bert")]
    request = GraphQLRequest("{ a: whoami b: whoami }")
    running = [asyncio.create_task(executor.execute(request, turn)) for turn in turns]
    await asyncio.sleep(0)
    for turn in reversed(turns):
        turn.turn.set()
    bodies = [(await task).body for task in running]
    assert bodies == [{"data": {"a": name, "b": name}} for name in ("anna", "bert")]


async def no_context() -> None: ...


async def test_an_operation_of_a_stream_is_stopped_at_its_deadline() -> None:
    executor = await build_executor(SDL, [resolvers], operation_seconds=0.01)
    stream = executor.stream(GraphQLRequest("{ first forever }"), no_context)
    [response] = [each async for each in stream]
    assert response.status == 503
    [seconds] = retry_after(response.body)
    assert 1 <= seconds <= RETRY_AFTER_SECONDS_MAX
    assert response.body == {
        "errors": [
            {
                "message": "The request took too long and was stopped. "
                "A change may have happened: check first.",
                "extensions": {
                    "code": "deadline_exceeded",
                    "status": 503,
                    "seconds": 0.01,
                    "retryAfter": seconds,
                },
            }
        ]
    }


async def test_an_error_has_its_code_and_details_in_json(executor: GraphQLExecutor) -> None:
    body = await answer(executor, "{\n  ok: first no: refused\n}")
    assert body["data"] == {"ok": 1, "no": None}
    assert body["errors"] == [
        {
            "message": "Not you.",
            "path": ["no"],
            "locations": [{"line": 2, "column": 13}],
            "extensions": {
                "code": "forbidden_transition",
                "status": 403,
                "reason": "role_required",
                "allowedRoles": ["assignee"],
                "availableStatuses": ["CLOSED", "OPEN"],
                "byStatus": {"IN_PROGRESS": {"openedAt": "2026-04-28T14:03:00Z"}},
            },
        }
    ]


async def test_an_internal_error_has_only_an_id_that_is_in_the_log(
    executor: GraphQLExecutor, logged: list[MutableMapping[str, Any]]
) -> None:
    body = await answer(executor, "{ broken }")
    (error,) = body["errors"]
    assert (body["data"], error["message"], error["path"]) == (None, "Internal error.", ["broken"])
    assert error["extensions"] == {"code": "internal", "status": 500, "id": logged[0]["id"]}
    assert "hunter2" not in str(body)
    assert str(logged[0]["exc_info"]) == "password=hunter2"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{ box { missing } }", ["box", "missing"]),
        ("{ boxes { get } }", ["boxes"]),
        ("{ shape { __typename } }", ["shape"]),
    ],
    ids=["a missing attribute", "a list that is a tuple", "a value of an unknown type"],
)
async def test_an_invalid_value_of_a_resolver_is_an_internal_error(
    executor: GraphQLExecutor, text: str, path: list[str]
) -> None:
    (error,) = (await answer(executor, text))["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("internal", path)


async def test_fields_are_read_from_attributes_and_keys(executor: GraphQLExecutor) -> None:
    body = await answer(executor, "{ box { items get holdsMuch inner { items get holdsMuch } } }")
    inner = {"items": [3], "get": "other", "holdsMuch": False}
    assert body["data"]["box"] == {
        "items": [1, 2],
        "get": "got",
        "holdsMuch": True,
        "inner": inner,
    }


async def test_tartiflettes_parser_never_gets_a_document(executor: GraphQLExecutor) -> None:
    text = '"What it is for." query Q { first }'
    with pytest.raises(GraphQLSyntaxError):
        _parse_to_json_ast(text)
    assert await answer(executor, text) == {"data": {"first": 1}}


INVALID_SCHEMAS = {
    "not a schema": ("type Query {", "not valid"),
    "an unknown type": ("type Query { first: Number }", "Number"),
    "an undeclared directive": ("type Query { first: Int @shiny }", "@shiny"),
    "no query": ("type Box { items: Int }", "Query"),
    "a field without a resolver": ("type Query { first: Int third: Int }", "Query.third"),
    "a scalar without an implementation": ("scalar Day type Query { first: Day }", "Day"),
    "a resolver without a field": ("type Query { first: Int }", "Query.second"),
}


@pytest.mark.parametrize(("sdl", "message"), INVALID_SCHEMAS.values(), ids=INVALID_SCHEMAS)
async def test_an_invalid_schema_is_refused(sdl: str, message: str) -> None:
    numbers = Resolvers()
    numbers.field("Query.first")(number)
    if "Query.second" in message:
        numbers.field("Query.second")(number)
    with pytest.raises(Misconfigured, match=message):
        await build_executor(sdl, [numbers])


async def test_a_resolver_can_be_defined_only_once() -> None:
    twice = [Resolvers(), Resolvers()]
    for module in twice:
        module.field("Query.first")(number)
    with pytest.raises(ValueError, match=r"Query\.first"):
        await build_executor("type Query { first: Int }", twice)
