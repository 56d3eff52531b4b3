"""Answers to events that subscribers share: each answer is made once and sent to many.

Subscribers share an answer if nothing that it depends on differs between them: the selection with
its variables, the variant of the event and, if a selected resolver is registered with
`reads_viewer`, the viewer. Without such a resolver the answer is made in a context without a
viewer: a resolver that reads the viewer although it is not registered fails, and never sends the
answer of one viewer to another.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Protocol, Self, TypeVar

from api.graphql.event_streams import Event

T = TypeVar("T")


class SharingContext(Protocol):
    """The context of an event whose answers are shared."""

    @property
    def viewer(self) -> Hashable:
        """Everything about the viewer that an answer can depend on."""
        ...

    def without_viewer(self) -> Self:
        """Return a context whose viewer cannot be read."""
        ...


async def shared_answer(
    event: Event,
    selection: Hashable,
    answer: Callable[[Any], Awaitable[T]],
    *,
    reads_viewer: bool,
) -> T:
    """Return the answer to an event, made by `answer` or for an earlier subscriber.

    Args:
        event: the event, for one subscriber.
        selection: equal for subscriptions that select the same with the same variables.
        answer: makes the answer in a context.
        reads_viewer: whether a selected resolver is registered with `reads_viewer`.

    """
    if event.answers is None:
        return await answer(event.context)
    context: SharingContext = event.context
    key: Hashable = selection, event.variant
    if reads_viewer:
        key = key, context.viewer
    result: T = await event.answers.get(
        key, lambda: answer(context if reads_viewer else context.without_viewer())
    )
    return result
