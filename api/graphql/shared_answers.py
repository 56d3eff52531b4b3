"""How one event is told to many: alike to all who ask the same, as far as it is the same."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from api.runtime.single_flight import SingleFlight

T = TypeVar("T")


class CacheScope(Protocol):
    """A context that notes whether what is answered may depend on who asks."""

    @property
    def asker(self) -> Hashable:
        """Who asks, with everything about them that an answer may depend on."""
        ...

    @property
    def answers_differ(self) -> bool:
        """Whether an answer may depend on that."""
        ...


class Answer(NamedTuple, Generic[T]):
    """An answer, and the context in which it was given."""

    answer: T
    context: CacheScope


@dataclass(frozen=True, slots=True)
class SharedAnswers:
    """The telling of one event to one of many, who may share their answers.

    Attributes:
        answers: those that were given, by what was asked.
        aspect: what the event's `value` depends on, beside the event. Of the arguments of a
            subscription's own field, an answer may depend on nothing but that.
        context: of the event.

    """

    answers: SingleFlight[Any]
    aspect: Hashable
    context: CacheScope

    async def answered(self, question: Hashable, answer: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a question: made by `answer`, or for others who asked the same.

        Whoever makes it first finds out whether it depends on who asks; if so, it is shared only
        among the subscriptions of one person.
        """

        async def make() -> Answer[T]:
            return Answer(await answer(), self.context)

        asked, asker = (question, self.aspect), self.context.asker
        told: Answer[T] = await self.answers.get(asked, make)
        if told.context.answers_differ and told.context.asker != asker:
            told = await self.answers.get((*asked, asker), make)
        return told.answer
