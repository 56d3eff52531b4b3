"""A schema that counts, without a database: subscriptions that end, fail and never end."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from api.graphql.event_streams import Event, MakeContext
from api.graphql.registry import Resolvers
from engine.errors import NotFound

SDL = """
enum Unit { ONE TEN }
input Range { from: Int! = 1, to: Int! }
type Count { number: Int!, context: String!, broken: Int, slow: Int }
type Query { ready: Boolean!, held: Boolean!, unspeakable: String! }
type Mutation { touch: Int!, hold: Boolean! }
type Subscription {
  count(range: Range!, unit: Unit! = ONE, after: String): Count!
  twice: Int!
  forever: Int!
  flood: String!
}
"""
UNLUCKY = 13
BROKEN = 666
COUNT = "subscription ($to: Int!) { count(range: {to: $to}) { number context } }"


class Counter:
    """The resolvers of the schema, with counts of what happened."""

    def __init__(self) -> None:
        self.contexts = 0
        self.closed = 0
        self.drops = 0
        self.touched = 0
        self.begun = asyncio.Semaphore(0)
        self.gate = asyncio.Event()
        self.resolvers = Resolvers()
        self.resolvers.field("Query.ready")(self.ready)
        self.resolvers.field("Query.unspeakable")(self.unspeakable)
        self.resolvers.field("Query.held")(self.held)
        self.resolvers.field("Mutation.hold")(self.held)
        self.resolvers.source("Subscription.count")(self.count)
        self.resolvers.field("Subscription.count")(self.counted)
        self.resolvers.field("Count.broken")(self.broken)
        self.resolvers.field("Count.slow")(self.slow)
        self.resolvers.field("Mutation.touch")(self.touch)
        for name in ("twice", "forever", "flood"):
            self.resolvers.source(f"Subscription.{name}")(getattr(self, name))
            self.resolvers.field(f"Subscription.{name}")(self.value_of)

    async def make_context(self) -> str:
        self.contexts += 1
        return f"context {self.contexts}"

    async def ready(self, *_: object) -> bool:
        return True

    async def unspeakable(self, *_: object) -> str:
        return "\ud800"  # half a surrogate pair, which is not JSON

    async def held(self, *_: object) -> bool:
        """Report the start, and answer when the gate is open."""
        self.begun.release()
        await self.gate.wait()
        return True

    async def count(
        self, arguments: dict[str, Any], make_context: MakeContext
    ) -> AsyncGenerator[Event, None]:
        asked, step = arguments["range"], {"ONE": 1, "TEN": 10}[arguments["unit"]]
        first = int(arguments["after"]) + step if arguments.get("after") else asked["from"]
        try:
            for number in range(first, asked["to"] + 1, step):
                if number == UNLUCKY:
                    raise NotFound("There is no thirteen.", number=UNLUCKY)
                if number == BROKEN:
                    raise KeyError("secret")
                yield Event({"number": number}, await make_context(), str(number))
        finally:
            self.closed += 1

    async def counted(self, event: dict[str, int], _: object, context: str, __: object) -> object:
        return {**event, "context": context}

    async def broken(self, *_: object) -> int:
        raise KeyError("secret")

    async def slow(self, *_: object) -> int:
        await asyncio.Event().wait()
        return 0

    async def twice(self, _: object, make_context: MakeContext) -> AsyncGenerator[Event, None]:
        for number in (1, 2):
            yield Event(number, await make_context())

    async def forever(self, _: object, make_context: MakeContext) -> AsyncGenerator[Event, None]:
        try:
            yield Event(1, await make_context(), "1")
            await asyncio.Event().wait()
        finally:
            self.closed += 1

    async def flood(self, _: object, make_context: MakeContext) -> AsyncGenerator[Event, None]:
        try:
            while True:
                self.drops += 1
                yield Event("drop" * 25_000, await make_context())
        finally:
            self.closed += 1

    async def value_of(self, event: object, *_: object) -> object:
        return event

    async def touch(self, *_: object) -> int:
        self.touched += 1
        return self.touched
