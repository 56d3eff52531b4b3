"""What the modules of a schema contribute: resolvers of fields, and scalars.

They are collected here without a word about any engine, and handed to one when it is made. So
importing a module registers nothing anywhere, and there can be as many engines as wanted.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from api.graphql.shared_answers import SharedAnswers
from api.json_encoding import Json

FieldResolver: TypeAlias = Callable[..., Awaitable[object]]
"""`async def resolve(parent, arguments, context, info)`. A list is returned as a `list`."""

ROOTS: Final = ("Query.", "Mutation.", "Subscription.")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, of which a subscription tells.

    Attributes:
        value: what the resolver of the subscription's field gets as its parent.
        context: what its resolvers get as their third argument; each event has its own.
        id: resumes the subscription after this event, if it can be resumed.
        telling: how others are told of it; None if nothing can be shared with them.

    """

    value: object
    context: object
    id: str | None = None
    telling: SharedAnswers | None = None


MakeContext: TypeAlias = Callable[[], Awaitable[Any]]
"""Makes what the resolvers of one operation, or of one event, share."""
EventSource: TypeAlias = Callable[[Any, MakeContext], AsyncGenerator[Event, None]]
"""`async def source(arguments, make_context)`, a generator of events. What it raises ends it."""


class CustomScalar(Protocol):
    """Both directions of a scalar; each raises ValueError with what would be right."""

    def serialize(self, value: Any) -> Json:  # noqa: ANN401  # any value
        """Return what the client sees."""
        ...

    def parse(self, value: object) -> object:
        """Return what a resolver gets for a value that a client sent, inline or as a variable."""
        ...


@dataclass(frozen=True, slots=True)
class RegisteredField:
    """A resolver, and whether its fields and lists are answered concurrently."""

    resolve: FieldResolver
    concurrently: bool


class Resolvers:
    """The resolvers and scalars that one module defines."""

    def __init__(self) -> None:
        self.fields: dict[str, RegisteredField] = {}
        self.scalars: dict[str, CustomScalar] = {}
        self.sources: dict[str, EventSource] = {}

    def field(
        self, name: str, *, concurrently: bool = False
    ) -> Callable[[FieldResolver], FieldResolver]:
        """Return a decorator that makes a coroutine the resolver of `Type.field`.

        `concurrently` is for a list whose items do I/O of their own below; elsewhere it costs a
        task per item and keeps loaders from batching.
        """

        def register(resolve: FieldResolver) -> FieldResolver:
            if name in self.fields:
                raise ValueError(f"{name} has a resolver already.")
            self.fields[name] = RegisteredField(resolve, concurrently)
            return resolve

        return register

    def source(self, name: str) -> Callable[[EventSource], EventSource]:
        """Return a decorator that makes a generator the source of the events of a subscription.

        The field of the same name has a resolver, too, which answers one event.
        """

        def register(source: EventSource) -> EventSource:
            if name in self.sources:
                raise ValueError(f"{name} has a source already.")
            self.sources[name] = source
            return source

        return register

    def behind(self, guard: Callable[[Any], None]) -> "Resolvers":
        """Return the same, whose root fields call `guard` with the context before they answer."""
        behind = Resolvers()
        behind.scalars = dict(self.scalars)
        behind.fields = {
            name: guarded(field, guard) if name.startswith(ROOTS) else field
            for name, field in self.fields.items()
        }
        behind.sources = {name: guarded_source(each, guard) for name, each in self.sources.items()}
        return behind

    def scalar(self, name: str, scalar: CustomScalar) -> None:
        """Make `scalar` the implementation of the scalar of that name."""
        self.scalars[name] = scalar

    @classmethod
    def merged(cls, modules: Iterable["Resolvers"]) -> "Resolvers":
        """Return what all modules define; ValueError if two define the same."""
        merged = cls()
        for module in modules:
            twice = {*merged.fields, *merged.scalars} & {*module.fields, *module.scalars}
            twice |= merged.sources.keys() & module.sources.keys()
            if twice:
                raise ValueError(f"Defined twice: {', '.join(sorted(twice))}.")
            merged.fields |= module.fields
            merged.scalars |= module.scalars
            merged.sources |= module.sources
        return merged


def guarded(field: RegisteredField, guard: Callable[[Any], None]) -> RegisteredField:
    """Return a field that is answered only if `guard` lets the request pass."""

    async def resolve(parent: object, arguments: object, context: object, info: object) -> object:
        guard(context)
        return await field.resolve(parent, arguments, context, info)

    return RegisteredField(resolve, field.concurrently)


def guarded_source(source: EventSource, guard: Callable[[Any], None]) -> EventSource:
    """Return a source that begins only if `guard` lets the request pass."""

    async def events(arguments: object, make_context: MakeContext) -> AsyncGenerator[Event, None]:
        guard(await make_context())
        async with aclosing(source(arguments, make_context)) as told:
            async for event in told:
                yield event

    return events
