"""The events of a subscription: from its source, each to be executed as an operation of its own.

graphql-core finds the field and its arguments, as the specification has it, and opens the source.
The engine below could do the same, but would let a source's errors leave the house as they are.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLResolveInfo,
    GraphQLSchema,
    create_source_event_stream,
    parse,
)

from api.graphql.errors import RequestRefused
from api.graphql.registry import Event, EventSource, MakeContext

AFTER = "after"


@dataclass(frozen=True, slots=True)
class Opening:
    """How a source is opened.

    Attributes:
        make_context: makes what the resolvers of one event share.
        resume_after: takes the place of the argument `after`, where the field has one.

    """

    make_context: MakeContext
    resume_after: str | None = None


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The sources of one schema, by `Subscription.field`."""

    schema: GraphQLSchema
    sources: Mapping[str, EventSource]

    def events(
        self,
        query: str,
        operation_name: str | None,
        variables: Mapping[str, object],
        opening: Opening,
    ) -> AsyncGenerator[Event, None]:
        """Return the events of a subscription that was validated already.

        Raises:
            RequestRefused: an argument can't have the value that it has.

        """

        def open_source(
            _root: object,
            info: GraphQLResolveInfo[object],
            **arguments: Any,  # noqa: ANN401  # of any field
        ) -> object:
            field = info.parent_type.fields[info.field_name]
            if opening.resume_after is not None and AFTER in field.args:
                arguments[AFTER] = opening.resume_after
            source = self.sources[f"{info.parent_type.name}.{info.field_name}"]
            return source(arguments, opening.make_context)

        executor = Executor.build(
            self.schema,
            parse(query),
            raw_variable_values=dict(variables),
            operation_name=operation_name,
            subscribe_field_resolver=open_source,
        )
        if not isinstance(executor, Executor):
            raise RequestRefused(*executor)
        opened = create_source_event_stream(executor)
        if isinstance(opened, ExecutionResult):
            raise RequestRefused(*(opened.errors or ()))
        return cast("AsyncGenerator[Event, None]", opened)
