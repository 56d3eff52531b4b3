"""What the modules of a schema contribute: resolvers of fields, event sources and scalars.

They are collected here without any reference to an engine, and passed to one when it is created.
Importing a module registers nothing globally, so one process can have several engines.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeAlias

from api.graphql.event_streams import Event, EventSource, MakeContext
from api.json_encoding import Json

FieldResolver: TypeAlias = Callable[..., Awaitable[object]]
"""`async def resolve(parent, arguments, context, info)`. A list is returned as a `list`."""
Guard: TypeAlias = Callable[[Any], None]
"""Raises an error if a request with this context is refused; must not read the viewer."""

_ROOTS: Final = ("Query.", "Mutation.", "Subscription.")


class CustomScalar(Protocol):
    """Both directions of a scalar. Each raises ValueError with a description of valid values."""

    def serialize(self, value: Any) -> Json:  # noqa: ANN401  # any value
        """Return the value that the client gets."""
        ...

    def parse(self, value: object) -> object:
        """Return the value that a resolver gets for a literal or a variable of a client."""
        ...


@dataclass(frozen=True, slots=True)
class RegisteredField:
    """A resolver and its options, see `Resolvers.field`."""

    resolve: FieldResolver
    concurrently: bool
    reads_viewer: bool


class Resolvers:
    """The resolvers, event sources and scalars that one module defines."""

    def __init__(self) -> None:
        self.fields: dict[str, RegisteredField] = {}
        self.scalars: dict[str, CustomScalar] = {}
        self.sources: dict[str, EventSource] = {}

    def field(
        self, name: str, *, concurrently: bool = False, reads_viewer: bool = False
    ) -> Callable[[FieldResolver], FieldResolver]:
        """Return a decorator that registers a coroutine as the resolver of a field.

        Args:
            name: the field, such as `Ticket.history`.
            concurrently: whether the items of a list are completed concurrently. Only for lists
                whose items do I/O: it costs a task per item and prevents loaders from batching.
            reads_viewer: whether the resolver reads the viewer. Required for fields that a
                subscription can select: subscribers share answers that do not depend on the viewer.

        """

        def register(resolve: FieldResolver) -> FieldResolver:
            if name in self.fields:
                raise ValueError(f"{name} has a resolver already.")
            self.fields[name] = RegisteredField(resolve, concurrently, reads_viewer)
            return resolve

        return register

    def source(self, name: str) -> Callable[[EventSource], EventSource]:
        """Return a decorator that registers a generator as the event source of a subscription.

        The field of the same name also has a resolver, which gets the value of each event.
        """

        def register(source: EventSource) -> EventSource:
            if name in self.sources:
                raise ValueError(f"{name} has a source already.")
            self.sources[name] = source
            return source

        return register

    def guarded_by(self, guard: Guard) -> "Resolvers":
        """Return a copy whose root fields and event sources first call a guard."""
        copy = Resolvers()
        copy.scalars = dict(self.scalars)
        copy.fields = {
            name: _guarded(field, guard) if name.startswith(_ROOTS) else field
            for name, field in self.fields.items()
        }
        copy.sources = {name: _guarded_source(each, guard) for name, each in self.sources.items()}
        return copy

    def scalar(self, name: str, scalar: CustomScalar) -> None:
        """Register the implementation of a scalar."""
        self.scalars[name] = scalar

    @classmethod
    def merged(cls, modules: Iterable["Resolvers"]) -> "Resolvers":
        """Return the definitions of all modules.

        Raises:
            ValueError: two modules define the same name.

        """
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


def _guarded(field: RegisteredField, guard: Guard) -> RegisteredField:
    async def resolve(parent: object, arguments: object, context: object, info: object) -> object:
        guard(context)
        return await field.resolve(parent, arguments, context, info)

    return replace(field, resolve=resolve)


def _guarded_source(source: EventSource, guard: Guard) -> EventSource:
    async def guarded(arguments: object, make_context: MakeContext) -> AsyncGenerator[Event, None]:
        guard(await make_context())
        async with aclosing(source(arguments, make_context)) as events:
            async for event in events:
                yield event

    return guarded
