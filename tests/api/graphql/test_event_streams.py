"""Event streams: each event is answered separately, and clients get no unexpected error text."""

import asyncio
from collections import Counter as CountOf
from contextlib import aclosing
from typing import Any

import pytest

from api.graphql.executor import GraphQLExecutor, GraphQLRequest, GraphQLResponse
from api.graphql.registry import Resolvers
from engine.errors import Forbidden, Misconfigured
from tests.support.counting_schema import COUNT, SDL, Counter
from tests.support.executors import build_executor


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
async def executor(counter: Counter) -> GraphQLExecutor:
    return await build_executor(SDL, [counter.resolvers])


async def streamed(
    executor: GraphQLExecutor,
    counter: Counter,
    query: str,
    resume_after: str | None = None,
    **variables: Any,  # noqa: ANN401  # any JSON
) -> list[GraphQLResponse]:
    request = GraphQLRequest(query, variables)
    return [each async for each in executor.stream(request, counter.make_context, resume_after)]


def codes(answer: GraphQLResponse) -> list[str]:
    errors: Any = answer.body["errors"]
    return [each["extensions"]["code"] for each in errors]


def data_of(answer: GraphQLResponse) -> dict[str, Any]:
    data: Any = answer.body["data"]
    return dict(data)


async def test_each_event_is_answered_separately_in_its_own_context(
    executor: GraphQLExecutor, counter: Counter
) -> None:
    answers = await streamed(executor, counter, COUNT, to=2)
    assert [(each.body, each.status, each.resume_after) for each in answers] == [
        ({"data": {"count": {"number": 1, "context": "context 1"}}}, 200, "1"),
        ({"data": {"count": {"number": 2, "context": "context 2"}}}, 200, "2"),
    ]
    assert counter.closed == 1


@pytest.mark.parametrize("query", ["{ ready }", "{ ready __typename }"])
async def test_a_query_is_answered_once(
    executor: GraphQLExecutor, counter: Counter, query: str
) -> None:
    [answer] = await streamed(executor, counter, query)
    assert answer == await executor.execute(GraphQLRequest(query), "context")


NUMBERS = {
    "a default": ("subscription { count(range: {to: 2}) { number } }", {}, [1, 2]),
    "a variable": (
        "subscription ($range: Range!) { count(range: $range) { number } }",
        {"range": {"to": 3, "from": 2}},
        [2, 3],
    ),
    "an enum": ("subscription { count(range: {to: 12}, unit: TEN) { number } }", {}, [1, 11]),
    "a fragment": (
        "fragment F on Subscription { c: count(range: {to: 1}) { number } } subscription { ...F }",
        {},
        [1],
    ),
}


@pytest.mark.parametrize(("query", "variables", "numbers"), NUMBERS.values(), ids=NUMBERS)
async def test_an_event_source_gets_arguments_like_a_resolver(
    executor: GraphQLExecutor,
    counter: Counter,
    query: str,
    variables: dict[str, Any],
    numbers: list[int],
) -> None:
    answers = await streamed(executor, counter, query, **variables)
    assert [next(iter(data_of(each).values()))["number"] for each in answers] == numbers


async def test_a_stream_can_be_resumed_after_an_event(
    executor: GraphQLExecutor, counter: Counter
) -> None:
    answers = await streamed(executor, counter, COUNT, to=4, resume_after="2")
    assert [each.resume_after for each in answers] == ["3", "4"]
    answers = await streamed(executor, counter, "subscription { twice }", resume_after="1")
    assert [each.body for each in answers] == [{"data": {"twice": n}} for n in (1, 2)]


REFUSED = {
    "two fields": ("subscription { twice again: twice }", "graphql_validation_failed"),
    "a condition": ("subscription { twice @skip(if: true) }", "graphql_validation_failed"),
    "introspection": ("subscription { __typename }", "graphql_validation_failed"),
    "an unknown field": ("subscription { thrice }", "graphql_validation_failed"),
    "not GraphQL": ("subscription {", "graphql_parse_failed"),
    "an ambiguous operation": ("query A { ready } query B { ready }", "unknown_operation"),
    "an invalid variable": (COUNT, "invalid_variables"),
}


@pytest.mark.parametrize(("query", "code"), REFUSED.values(), ids=REFUSED)
async def test_an_invalid_request_is_refused_before_the_source_is_opened(
    executor: GraphQLExecutor, counter: Counter, query: str, code: str
) -> None:
    [answer] = await streamed(executor, counter, query)
    assert (codes(answer), answer.executed) == ([code], False)
    assert "data" not in answer.body
    assert counter.contexts == 0


@pytest.mark.parametrize(
    ("query", "last"),
    [
        ("subscription { count(range: {from: 12, to: 20}) { number } }", ("not_found", 404)),
        ("subscription { count(range: {from: 665, to: 700}) { number } }", ("internal", 500)),
    ],
)
async def test_an_error_of_a_source_ends_the_stream_without_its_text(
    executor: GraphQLExecutor, counter: Counter, query: str, last: tuple[str, int]
) -> None:
    first, ended = await streamed(executor, counter, query)
    assert first.executed
    assert (*codes(ended), ended.status) == last
    assert "secret" not in str(ended.body)
    assert counter.closed == 1


async def test_an_error_of_a_field_does_not_end_the_stream(
    executor: GraphQLExecutor, counter: Counter
) -> None:
    query = "subscription { count(range: {to: 2}) { number broken } }"
    answers = await streamed(executor, counter, query)
    shown = [each.body["data"] for each in answers]
    assert shown == [{"count": {"number": n, "broken": None}} for n in (1, 2)]
    assert all(each.executed and "secret" not in str(each.body) for each in answers)


async def test_a_slow_event_is_reported_and_the_stream_continues(
    counter: Counter,
) -> None:
    executor = await build_executor(SDL, [counter.resolvers], operation_seconds=0.01)
    query = "subscription { count(range: {to: 2}) { slow } }"
    answers = await streamed(executor, counter, query)
    assert [each.resume_after for each in answers] == ["1", "2"]
    for each in answers:
        assert each.body["data"] is None
        assert "deadline_exceeded" in str(each.body["errors"])


@pytest.mark.parametrize(
    "query", ["{ ready }", "subscription { count(range: {to: 2}) { number } }"]
)
async def test_a_context_that_takes_too_long_ends_the_stream(counter: Counter, query: str) -> None:
    executor = await build_executor(SDL, [counter.resolvers], operation_seconds=0.01)
    stream = executor.stream(GraphQLRequest(query), asyncio.Event().wait)
    [answer] = [each async for each in stream]
    assert (codes(answer), answer.status) == (["deadline_exceeded"], 503)


async def test_the_source_is_closed_with_the_stream(
    executor: GraphQLExecutor, counter: Counter
) -> None:
    stream = executor.stream(GraphQLRequest(COUNT, {"to": 3}), counter.make_context)
    async with aclosing(stream):
        await anext(stream)
        assert counter.closed == 0
    assert counter.closed == 1


async def test_a_guard_is_called_before_the_source_is_opened(counter: Counter) -> None:
    def refuse(_context: object) -> None:
        raise Forbidden("Refused.")

    executor = await build_executor(SDL, [counter.resolvers.guarded_by(lambda _: None)])
    assert len(await streamed(executor, counter, COUNT, to=2)) == 2
    executor = await build_executor(SDL, [counter.resolvers.guarded_by(refuse)])
    [answer] = await streamed(executor, counter, COUNT, to=2)
    assert answer.status == 403


async def test_a_subscription_needs_a_source() -> None:
    resolvers = Resolvers()
    for name, field in Counter().resolvers.fields.items():
        resolvers.field(name)(field.resolve)
    with pytest.raises(Misconfigured, match=r"Subscription\.count, Subscription\.flood"):
        await build_executor(SDL, [resolvers])


async def test_a_subscription_cannot_be_answered_in_one_response(
    executor: GraphQLExecutor,
) -> None:
    answer = await executor.execute(GraphQLRequest("subscription { twice }"), None)
    assert (answer.status, "/graphql/stream" in str(answer.body)) == (422, True)


COUNTED: dict[str, tuple[str, dict[str, object], dict[tuple[str, str], int]]] = {
    "a subscription with two events": (COUNT, {"to": 2}, {("subscription", "ok"): 1}),
    "a subscription that is refused": (COUNT, {"to": "x"}, {("subscription", "refused"): 1}),
    "a query": ("{ ready }", {}, {("query", "ok"): 1}),
    "a query that is refused": ("query ($x: Int!) { ready }", {}, {("unknown", "refused"): 1}),
    "an unknown field": ("{ nothing }", {}, {("unknown", "refused"): 1}),
}


@pytest.mark.parametrize(("query", "variables", "counts"), COUNTED.values(), ids=COUNTED)
async def test_an_operation_counts_once(
    executor: GraphQLExecutor,
    counter: Counter,
    query: str,
    variables: dict[str, object],
    counts: dict[tuple[str, str], int],
) -> None:
    before = operations(executor)
    request = GraphQLRequest(query, variables)
    async for _ in executor.stream(request, counter.make_context):
        pass
    assert operations(executor) - before == counts


def operations(executor: GraphQLExecutor) -> CountOf[tuple[str, str]]:
    """Return how many operations were counted, by type and outcome."""
    samples = [
        sample
        for collector in executor.operations.collectors
        for family in collector.collect()
        for sample in family.samples
        if sample.name == "interlock_graphql_operations_total"
    ]
    return CountOf(
        {(each.labels["type"], each.labels["outcome"]): int(each.value) for each in samples}
    )
