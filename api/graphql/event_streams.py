"""The events of subscriptions, and the shapes that a change takes on its way to a subscriber.

A change of a ticket has four shapes between the database and a subscriber of `ticketsChanged`:

1. `LogEntry` (`engine.storage.history.log`): one row of the log, which is a history entry with its
   position and the current ticket.
2. `FeedChange` (`api.runtime.change_feed`): the entry with the ticket before and after it, and with
   the loader and the answers that subscribers share. The change feed reads each change once and
   passes the same object to every subscriber.
3. `Event` (this module): the change for one subscriber who can read it and whose filter it matches.
4. `GraphQLResponse` (`api.graphql.executor`): the answer, which the transport encodes. Subscribers
   with the same selection share one response object (`api.graphql.shared_answers`).

A document is parsed, validated and priced when a subscription is opened, not for each event.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

from api.runtime.single_flight import SingleFlight


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a subscription, for one subscriber.

    Attributes:
        value: the parent that the resolver of the subscription field gets.
        context: the context that resolvers get; each event has its own.
        id: the position from which the subscription can be resumed; None if it cannot be resumed.
        answers: the answers to this event by their keys, shared by all subscribers; None if the
            answers are not shared. Then `context` must be a `SharingContext`.
        variant: what `value` depends on in addition to the shared change.

    """

    value: object
    context: Any
    id: str | None = None
    answers: SingleFlight[Any] | None = None
    variant: Hashable = None


MakeContext: TypeAlias = Callable[[], Awaitable[Any]]
"""Creates the context that the resolvers of one operation, or of one event, share."""
EventSource: TypeAlias = Callable[[Any, MakeContext], AsyncGenerator[Event, None]]
"""`async def source(arguments, make_context)`, a generator of events. An error ends the stream."""
