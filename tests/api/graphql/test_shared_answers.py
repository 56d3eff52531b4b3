"""An event is answered once for all who ask the same, and for nobody else."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest

from api.graphql.executor import GraphQLRequest
from api.graphql.registry import Event, MakeContext, Resolvers
from api.graphql.shared_answers import SharedAnswers
from api.runtime.single_flight import SingleFlight
from tests.support.executors import build_executor

SDL = """
type Query { ready: Boolean! }
type Told { number: Int!, times(factor: Int): Int!, mine: String!, fits: Boolean! }
type Subscription { told(wanted: [Int!], after: String): Told! }
"""
ANNA, MARTON = "Anna", "Marton"

Asked = tuple[str, dict[str, Any], str]
"""A subscription, its variables, and who asks."""


@dataclass
class Context:
    """Tells who asks, and notes that somebody wanted to know."""

    asker: str
    answers_differ: bool = False

    @property
    def viewer(self) -> str:
        self.answers_differ = True
        return self.asker


class Teller:
    """A schema that tells everybody of one event, and counts the answers that were made."""

    def __init__(self) -> None:
        self.made = 0
        self.answers: SingleFlight[Any] = SingleFlight()
        self.resolvers = Resolvers()
        self.resolvers.source("Subscription.told")(self.source)
        self.resolvers.field("Subscription.told")(self.told)
        self.resolvers.field("Query.ready")(self.ready)
        self.resolvers.field("Told.times")(self.times)
        self.resolvers.field("Told.mine")(self.mine)

    async def source(
        self, arguments: dict[str, Any], make_context: MakeContext
    ) -> AsyncGenerator[Event, None]:
        context = await make_context()
        fits = 1 in (arguments.get("wanted") or [1])
        told = {"number": 1, "fits": fits}
        yield Event(told, context, "1", SharedAnswers(self.answers, fits, context))

    async def told(self, event: dict[str, int], *_: object) -> dict[str, int]:
        self.made += 1
        return event

    async def ready(self, *_: object) -> bool:
        return True

    async def times(self, told: dict[str, int], arguments: dict[str, int], *_: object) -> int:
        return told["number"] * arguments.get("factor", 1)

    async def mine(self, _: object, __: object, context: Context, ___: object) -> str:
        return context.viewer


AFTER = "subscription ($after: String) { told(after: $after) { number } }"
WANTED = "subscription ($wanted: [Int!]) { told(wanted: $wanted) { fits } }"
TIMES = "subscription ($by: Int) { told { times(factor: $by) } }"
BOTH = "subscription ($by: Int!) { told(wanted: [$by]) { times(factor: $by) } }"
FRAGMENT = "fragment F on Told { times(factor: $by) } subscription ($by: Int) { told { ...F } }"
SHOWN = "subscription ($if: Boolean!) { told { number fits @include(if: $if) } }"
INLINE = "subscription ($by: Int) { ... on Subscription { told { times(factor: $by) } } }"
MINE = "subscription { told { mine } }"
TWO = "subscription A { told { number } } subscription B { told { fits } }"

SHARED: dict[str, tuple[Asked, Asked]] = {
    "the same": ((AFTER, {}, ANNA), (AFTER, {}, MARTON)),
    "from another position": ((AFTER, {"after": "1"}, ANNA), (AFTER, {"after": "2"}, MARTON)),
    "by another filter": ((WANTED, {"wanted": [1]}, ANNA), (WANTED, {"wanted": [1, 2]}, ANNA)),
    "by equal variables": ((TIMES, {"by": 2}, ANNA), (TIMES, {"by": 2}, MARTON)),
    "by a variable that is not declared": ((AFTER, {"by": 2}, ANNA), (AFTER, {}, ANNA)),
    "their own, of one person": ((MINE, {}, ANNA), (MINE, {}, ANNA)),
}
APART: dict[str, tuple[Asked, Asked]] = {
    "other documents": ((AFTER, {}, ANNA), (WANTED, {}, ANNA)),
    "whether it fits": ((WANTED, {"wanted": [1]}, ANNA), (WANTED, {"wanted": [2]}, ANNA)),
    "by another variable": ((TIMES, {"by": 2}, ANNA), (TIMES, {"by": 3}, ANNA)),
    "by one for both": ((BOTH, {"by": 2}, ANNA), (BOTH, {"by": 3}, ANNA)),
    "in a fragment": ((FRAGMENT, {"by": 2}, ANNA), (FRAGMENT, {"by": 3}, ANNA)),
    "in a condition": ((SHOWN, {"if": True}, ANNA), (SHOWN, {"if": False}, ANNA)),
    "around the field": ((INLINE, {"by": 2}, ANNA), (INLINE, {"by": 3}, ANNA)),
    "their own": ((MINE, {}, ANNA), (MINE, {}, MARTON)),
}


async def heard(teller: Teller, *everybody: Asked) -> list[Any]:
    executor = await build_executor(SDL, [teller.resolvers])
    return [
        answer.body
        for query, variables, asker in everybody
        async for answer in executor.stream(
            GraphQLRequest(query, variables), make_context_of(asker)
        )
    ]


def make_context_of(asker: str) -> MakeContext:
    async def make_context() -> Context:
        return Context(asker)

    return make_context


@pytest.mark.parametrize(("one", "other"), SHARED.values(), ids=SHARED)
async def test_who_asks_the_same_shares_an_answer(one: Asked, other: Asked) -> None:
    teller = Teller()
    first, second = await heard(teller, one, other)
    assert first is second
    assert "errors" not in first
    assert teller.made == 1


@pytest.mark.parametrize(("one", "other"), APART.values(), ids=APART)
async def test_who_asks_otherwise_gets_what_they_get_alone(one: Asked, other: Asked) -> None:
    alone = [await heard(Teller(), each) for each in (one, other)]
    assert await heard(Teller(), one, other) == [answer for [answer] in alone]
    assert alone[0] != alone[1]


async def test_operations_of_one_document_are_told_apart() -> None:
    executor = await build_executor(SDL, [Teller().resolvers])
    told = [
        answer.body["data"]
        for name in "AB"
        async for answer in executor.stream(
            GraphQLRequest(TWO, operation_name=name), make_context_of(ANNA)
        )
    ]
    assert told == [{"told": {"number": 1}}, {"told": {"fits": True}}]


async def test_each_person_gets_their_own_however_many_ask() -> None:
    teller = Teller()
    askers = [ANNA, MARTON, ANNA, "Ada", MARTON, "Ada"]
    told = await heard(teller, *((MINE, {}, asker) for asker in askers))
    assert [each["data"]["told"]["mine"] for each in told] == askers
    assert teller.made == len(set(askers))
