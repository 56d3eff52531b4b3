"""Subscribers share an answer to an event if nothing that it depends on differs between them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from api.graphql.event_streams import Event, MakeContext
from api.graphql.executor import GraphQLRequest
from api.graphql.registry import Resolvers
from api.runtime.single_flight import SingleFlight
from tests.support.executors import build_executor

SDL = """
type Query { ready: Boolean! }
interface Personal { mine: String! }
type Tick implements Personal {
  number: Int!, times(factor: Int): Int!, mine: String!, undeclared: String, fits: Boolean!
  self: Personal!
}
type Subscription { tick(only: [Int!], after: String): Tick! }
"""
ANNA, MARTON = "Anna", "Marton"

Subscription = tuple[str, dict[str, Any], str]
"""A document, its variables, and the viewer."""


@dataclass(frozen=True)
class Context:
    """The context of an event."""

    known_viewer: str | None

    @property
    def viewer(self) -> str:
        if self.known_viewer is None:
            raise LookupError("no viewer")
        return self.known_viewer

    def without_viewer(self) -> "Context":
        return replace(self, known_viewer=None)


class Clock:
    """A schema with one event, which counts the answers that are made."""

    def __init__(self) -> None:
        self.made = 0
        self.answers: SingleFlight[Any] = SingleFlight()
        self.resolvers = Resolvers()
        self.resolvers.source("Subscription.tick")(self.source)
        self.resolvers.field("Subscription.tick")(self.tick)
        self.resolvers.field("Query.ready")(self.ready)
        self.resolvers.field("Tick.times")(self.times)
        self.resolvers.field("Tick.mine", reads_viewer=True)(self.mine)
        self.resolvers.field("Tick.undeclared")(self.mine)
        self.resolvers.field("Tick.self")(self.itself)

    async def source(
        self, arguments: dict[str, Any], make_context: MakeContext
    ) -> AsyncGenerator[Event, None]:
        fits = 1 in (arguments.get("only") or [1])
        value = {"_typename": "Tick", "number": 1, "fits": fits}
        yield Event(value, await make_context(), "1", self.answers, fits)

    async def tick(self, value: dict[str, int], *_: object) -> dict[str, int]:
        self.made += 1
        return value

    async def itself(self, value: dict[str, int], *_: object) -> dict[str, int]:
        return value

    async def ready(self, *_: object) -> bool:
        return True

    async def times(self, value: dict[str, int], arguments: dict[str, int], *_: object) -> int:
        return value["number"] * arguments.get("factor", 1)

    async def mine(self, _: object, __: object, context: Context, ___: object) -> str:
        return context.viewer


AFTER = "subscription ($after: String) { tick(after: $after) { number } }"
ONLY = "subscription ($only: [Int!]) { tick(only: $only) { fits } }"
TIMES = "subscription ($by: Int) { tick { times(factor: $by) } }"
BOTH = "subscription ($by: Int!) { tick(only: [$by]) { times(factor: $by) } }"
FRAGMENT = "fragment F on Tick { times(factor: $by) } subscription ($by: Int) { tick { ...F } }"
CONDITION = "subscription ($if: Boolean!) { tick { number fits @include(if: $if) } }"
INLINE = "subscription ($by: Int) { ... on Subscription { tick { times(factor: $by) } } }"
MINE = "subscription { tick { mine } }"
ALIAS = "subscription { tick { number: mine } }"
MINE_IN_FRAGMENT = "subscription { ...S } fragment S on Subscription { tick { ...F } } "
MINE_IN_FRAGMENT += "fragment F on Tick { mine }"
MINE_OF_INTERFACE = "subscription { tick { self { mine } } }"
UNDECLARED = "subscription { tick { undeclared } }"
TWO = "subscription A { tick { number } } subscription B { tick { fits } }"

SHARED: dict[str, tuple[Subscription, Subscription]] = {
    "the same document": ((AFTER, {}, ANNA), (AFTER, {}, MARTON)),
    "another position": ((AFTER, {"after": "1"}, ANNA), (AFTER, {"after": "2"}, MARTON)),
    "another filter": ((ONLY, {"only": [1]}, ANNA), (ONLY, {"only": [1, 2]}, ANNA)),
    "equal variables": ((TIMES, {"by": 2}, ANNA), (TIMES, {"by": 2}, MARTON)),
    "an undeclared variable": ((AFTER, {"by": 2}, ANNA), (AFTER, {}, ANNA)),
    "personal, the same viewer": ((MINE, {}, ANNA), (MINE, {}, ANNA)),
}
SEPARATE: dict[str, tuple[Subscription, Subscription]] = {
    "other documents": ((AFTER, {}, ANNA), (ONLY, {}, ANNA)),
    "another variant": ((ONLY, {"only": [1]}, ANNA), (ONLY, {"only": [2]}, ANNA)),
    "another variable": ((TIMES, {"by": 2}, ANNA), (TIMES, {"by": 3}, ANNA)),
    "a variable of the root field, too": ((BOTH, {"by": 2}, ANNA), (BOTH, {"by": 3}, ANNA)),
    "a variable in a fragment": ((FRAGMENT, {"by": 2}, ANNA), (FRAGMENT, {"by": 3}, ANNA)),
    "a condition": ((CONDITION, {"if": True}, ANNA), (CONDITION, {"if": False}, ANNA)),
    "a variable in a root fragment": ((INLINE, {"by": 2}, ANNA), (INLINE, {"by": 3}, ANNA)),
    "personal": ((MINE, {}, ANNA), (MINE, {}, MARTON)),
    "personal, by an alias": ((ALIAS, {}, ANNA), (ALIAS, {}, MARTON)),
    "personal, in a fragment": ((MINE_IN_FRAGMENT, {}, ANNA), (MINE_IN_FRAGMENT, {}, MARTON)),
    "personal, of an interface": ((MINE_OF_INTERFACE, {}, ANNA), (MINE_OF_INTERFACE, {}, MARTON)),
}


async def answers(clock: Clock, *subscriptions: Subscription) -> list[Any]:
    executor = await build_executor(SDL, [clock.resolvers])
    return [
        answer.body
        for query, variables, viewer in subscriptions
        async for answer in executor.stream(
            GraphQLRequest(query, variables), make_context_of(viewer)
        )
    ]


def make_context_of(viewer: str) -> MakeContext:
    async def make_context() -> Context:
        return Context(viewer)

    return make_context


@pytest.mark.parametrize(("one", "other"), SHARED.values(), ids=SHARED)
async def test_subscribers_share_an_answer(one: Subscription, other: Subscription) -> None:
    clock = Clock()
    first, second = await answers(clock, one, other)
    assert first is second
    assert "errors" not in first
    assert clock.made == 1


@pytest.mark.parametrize(("one", "other"), SEPARATE.values(), ids=SEPARATE)
async def test_subscribers_get_separate_answers(one: Subscription, other: Subscription) -> None:
    alone = [await answers(Clock(), each) for each in (one, other)]
    assert await answers(Clock(), one, other) == [answer for [answer] in alone]
    assert alone[0] != alone[1]
    assert all("errors" not in answer for [answer] in alone)


async def test_operations_of_one_document_have_separate_answers() -> None:
    executor = await build_executor(SDL, [Clock().resolvers])
    data = [
        answer.body["data"]
        for name in "AB"
        async for answer in executor.stream(
            GraphQLRequest(TWO, operation_name=name), make_context_of(ANNA)
        )
    ]
    assert data == [{"tick": {"number": 1}}, {"tick": {"fits": True}}]


async def test_each_viewer_gets_a_personal_answer_that_is_made_once() -> None:
    clock = Clock()
    viewers = [ANNA, MARTON, ANNA, "Ada", MARTON, "Ada"]
    bodies = await answers(clock, *((MINE, {}, viewer) for viewer in viewers))
    assert [each["data"]["tick"]["mine"] for each in bodies] == viewers
    assert clock.made == len(set(viewers))


async def test_a_resolver_that_is_not_registered_to_read_the_viewer_fails() -> None:
    [body] = await answers(Clock(), (UNDECLARED, {}, ANNA))
    assert body["data"] == {"tick": {"undeclared": None}}
    assert body["errors"][0]["extensions"]["code"] == "internal"
