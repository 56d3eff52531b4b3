"""The interface of the GraphQL layer: it executes requests."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, Self

from graphql import DocumentNode, GraphQLSchema, OperationType, execute_sync, print_schema

from api.deadline import Deadline
from api.graphql.documents.cost import NO_LENGTHS, ListLengths
from api.graphql.documents.cost_advice import costliest_list
from api.graphql.documents.persisted_documents import PersistedDocuments, UnknownDocument
from api.graphql.documents.prepare import DocumentCache, PreparedDocument, PreparedOperation
from api.graphql.documents.subscriptions import PreparedSubscription
from api.graphql.documents.variables import refuse_null_conditions
from api.graphql.errors import (
    MutationByGet,
    RequestError,
    RequestProblem,
    UnknownOperation,
    check_limit,
    error_extensions,
    internal_error,
    response_errors,
)
from api.graphql.event_streams import Event, EventSource, MakeContext
from api.graphql.operation_log import OperationLog
from api.graphql.registry import Resolvers
from api.graphql.sdl import read_schema
from api.graphql.shared_answers import shared_answer
from api.graphql.tartiflette.engine import Engine, ExecutionResult, build_engine
from api.json_encoding import Json, JsonObject
from api.limits import GRAPHQL_LIMITS, HTTP_LIMITS, GraphQLLimits
from engine.errors import DeadlineExceeded, InterlockError, InvalidInput, Misconfigured

EXECUTED: Final = 200
_INTERNAL_ERROR: Final = 500
_NO_ERRORS: Final[JsonObject] = {}
_NO_LIMIT: Final = nullcontext()
_SELF_CHECK: Final = "{ __typename __schema { queryType { name } } }"


class GraphQLRequest(NamedTuple):
    """A well-formed request of a client.

    Attributes:
        query: the text of the document; None if the request has a `document_id`.
        document_id: the id of a persisted document.
        queries_only: whether mutations are refused, because the request was sent by GET.

    """

    query: str | None
    variables: Mapping[str, object] = MappingProxyType({})
    operation_name: str | None = None
    document_id: str | None = None
    queries_only: bool = False


class GraphQLResponse(NamedTuple):
    """The response to a request, or to one event of a subscription.

    Attributes:
        body: `data` and `errors`; no `data` if the request was not executed.
        status: 200 if the request was executed, even if fields have errors.
        resume_after: the event id from which a subscription can be resumed; None without one.

    """

    body: JsonObject
    status: int = EXECUTED
    resume_after: str | None = None

    @property
    def executed(self) -> bool:
        """Whether `body` is the result of an execution."""
        return self.status == EXECUTED


class _CheckedRequest(NamedTuple):
    """A request that passed all checks.

    Attributes:
        given: the variables as the client sent them.
        variables: the coerced variables.

    """

    document: PreparedDocument
    operation: PreparedOperation
    given: Mapping[str, object]
    variables: Mapping[str, object]


class ExecutableSchema(NamedTuple):
    """A schema and the engine that executes it. Executors with different limits can share it.

    Attributes:
        viewer_fields: the fields whose resolvers read the viewer.
        sdl: the schema as clients see it, in GraphQL's schema definition language.

    """

    schema: GraphQLSchema
    engine: Engine
    sources: Mapping[str, EventSource]
    viewer_fields: frozenset[str]
    sdl: str

    @classmethod
    async def build(cls, sdl: str, resolvers: Iterable[Resolvers]) -> Self:
        """Return the schema of an SDL text.

        Raises:
            Misconfigured: the schema is not valid, or the resolvers do not fit it.

        """
        merged = Resolvers.merged(resolvers)
        schema = read_schema(sdl, merged)
        viewer_fields = {name for name, field in merged.fields.items() if field.reads_viewer}
        engine = await build_engine(schema, merged)
        printed = f"{print_schema(schema)}\n"
        return cls(schema, engine, merged.sources, frozenset(viewer_fields), printed)


class GraphQLExecutor:
    """Executes requests for one schema; `create` returns one.

    graphql-core answers the fields of introspection and Tartiflette all others, even if one
    operation selects both.
    """

    def __init__(
        self,
        executable: ExecutableSchema,
        limits: GraphQLLimits,
        lists: ListLengths,
        operation_seconds: float,
    ) -> None:
        self.schema, self._engine, self._sources, viewer_fields, self.sdl = executable
        self._limits = limits
        self._lists = lists
        self._operation_seconds = operation_seconds
        self._documents = DocumentCache(self.schema, limits, frozenset(lists), viewer_fields)
        self._persisted: PersistedDocuments | None = None
        self.operations = OperationLog()

    @classmethod
    async def create(
        cls,
        executable: ExecutableSchema,
        limits: GraphQLLimits = GRAPHQL_LIMITS,
        lists: ListLengths = NO_LENGTHS,
        operation_seconds: float = HTTP_LIMITS.request_seconds,
    ) -> Self:
        """Return an executor.

        Args:
            executable: the schema.
            limits: of each request.
            lists: the lengths of lists, for the cost of operations.
            operation_seconds: how long an operation of a stream can take.

        Raises:
            Misconfigured: it cannot answer a simple query.

        """
        executor = cls(executable, limits, lists, operation_seconds)
        check = await executor.execute(GraphQLRequest(_SELF_CHECK), None)
        if "errors" in check.body:
            raise Misconfigured(f"The GraphQL engine fails its self-check: {check.body}")
        return executor

    def allow_only(self, documents: PersistedDocuments) -> None:
        """Execute only these documents from now on.

        Raises:
            Misconfigured: a document is not valid for the schema.

        """
        for name, text in documents.texts.items():
            try:
                self._documents.get(text)
            except RequestError as error:
                raise Misconfigured(
                    f"The persisted document {name} does not fit this server: {error.message}"
                ) from None
        self._persisted = documents

    async def execute(self, request: GraphQLRequest, context: object) -> GraphQLResponse:
        """Execute a query or a mutation with the context for its resolvers; never raises.

        The caller sets its deadline, because creating the context belongs to the operation.
        """
        response, operation = await self._execute(request, context)
        kind = None if operation is None else operation.kind
        name = request.operation_name if operation is None else operation.name
        self.operations.count(kind, response.body)
        self.operations.record(name, response.body)
        return response

    async def _execute(
        self, request: GraphQLRequest, context: object
    ) -> tuple[GraphQLResponse, PreparedOperation | None]:
        """Return the response, and the operation if the request passed all checks."""
        operation = None
        try:
            checked = self._checked(request)
            operation = checked.operation
            return GraphQLResponse(await self._answer(checked, context)), operation
        except Exception as error:  # noqa: BLE001  # no exception may reach the transport
            return error_response(error), operation

    async def stream(
        self,
        request: GraphQLRequest,
        make_context: MakeContext,
        resume_after: str | None = None,
        in_flight: AbstractContextManager[None] = _NO_LIMIT,
    ) -> AsyncGenerator[GraphQLResponse, None]:
        """Yield the response to each event of a subscription, or the one response to a query.

        It never raises. A response that is not `executed` is the last one.

        Args:
            request: the request.
            make_context: makes the context of each response.
            resume_after: the event id from which to resume; replaces the argument `after`.
            in_flight: entered while a query or a mutation is executed; can refuse to be entered.

        """
        name, kind, has_begun = request.operation_name, None, False
        try:
            operation = self._prepared(request)[1]
            name, kind, subscription = operation.name, operation.kind, operation.subscription
            if subscription is None:
                with in_flight:
                    async with Deadline(self._operation_seconds):
                        response, _ = await self._execute(request, await make_context())
                self.operations.count(kind, response.body)
                self.operations.record_in_stream(name, response.body)
                yield response
                return

            async def make_in_time() -> object:
                async with Deadline(self._operation_seconds):
                    return await make_context()

            opened, answer = self._open(request, subscription, make_in_time, resume_after)
            self.operations.count(kind, _NO_ERRORS)
            has_begun = True
            async with aclosing(opened) as events:
                async for event in events:
                    response = await answer(event)
                    if "errors" in response.body:
                        self.operations.record_in_stream(name, response.body)
                    yield response
        except Exception as error:  # noqa: BLE001  # as in `execute`
            response = error_response(error)
            if not has_begun:
                self.operations.count(kind, response.body)
            self.operations.record_in_stream(name, response.body)
            yield response

    def _open(
        self,
        request: GraphQLRequest,
        subscription: PreparedSubscription,
        make_context: MakeContext,
        resume_after: str | None,
    ) -> tuple[AsyncGenerator[Event, None], Callable[[Event], Awaitable[GraphQLResponse]]]:
        """Open the event stream of a subscription; return its events, and what answers them."""
        _, operation, given, variables = self._checked(request)
        values = operation.variables.coerce_with_sources(given, self._limits.reported_errors)
        arguments = subscription.arguments(values, resume_after)
        events = self._sources[subscription.source](arguments, make_context)
        document = request.query, request.document_id, operation.name
        selection = document, subscription.answer_key(given)

        async def answer(event: Event) -> GraphQLResponse:
            make = partial(self._answer_event, request, variables, event)
            return await shared_answer(
                event, selection, make, reads_viewer=subscription.reads_viewer
            )

        return events, answer

    async def _answer_event(
        self,
        request: GraphQLRequest,
        variables: Mapping[str, object],
        event: Event,
        context: object,
    ) -> GraphQLResponse:
        # Looked up again, so that open subscriptions keep no documents that the cache has dropped.
        _, operation = self._prepared(request)
        execution = self._engine.execute(operation.executable, context, variables, event.value)
        try:
            async with Deadline(self._operation_seconds):
                body = (await execution).body
        except DeadlineExceeded as error:
            body = {"data": None, "errors": response_errors(error)}
        return GraphQLResponse(body, resume_after=event.id)

    def _prepared(self, request: GraphQLRequest) -> tuple[PreparedDocument, PreparedOperation]:
        if self._persisted is not None:
            text = self._persisted.text_of(request.document_id, request.query)
        elif request.query is None:
            raise UnknownDocument("This server has no persisted documents. Send the `query`.")
        else:
            text = request.query
        document = self._documents.get(text)
        return document, document.operation(request.operation_name)

    def _checked(self, request: GraphQLRequest) -> _CheckedRequest:
        """Check a request: its document, the kind of its operation, its variables and its cost.

        Raises:
            RequestError: a check failed.

        """
        document, operation = self._prepared(request)
        if request.queries_only and operation.kind is OperationType.MUTATION:
            raise MutationByGet("A mutation can't be sent by GET. Use POST.")
        variables = operation.variables.coerce(request.variables, self._limits.reported_errors)
        refuse_null_conditions(document.conditions, variables)
        points = operation.cost.total(variables, self._lists)
        if points > (bound := self._limits.cost_points):
            costliest = costliest_list(operation.cost, variables, self._lists, bound)
            details = {"field": costliest.path, "remedy": costliest.remedy} if costliest else {}
            check_limit("cost_points", bound, points, str(costliest or ""), **details)
        return _CheckedRequest(document, operation, request.variables, variables)

    async def _answer(self, checked: _CheckedRequest, context: object) -> JsonObject:
        operation, results = checked.operation, []
        if operation.subscription is not None:
            raise UnknownOperation(
                "A subscription has many responses. Send it to /graphql/stream (server-sent "
                "events) or /graphql/ws (WebSocket)."
            )
        if operation.metrics.data_fields:
            results.append(
                await self._engine.execute(operation.executable, context, checked.variables)
            )
        if checked.document.schema_part and operation.metrics.schema_fields:
            results.append(self._answer_schema(checked.document.schema_part, checked))
        if len(results) == 1:
            return results[0].body
        return _merge_results(results, operation.root_names).body

    def _answer_schema(self, document: DocumentNode, checked: _CheckedRequest) -> ExecutionResult:
        result = execute_sync(
            self.schema,
            document,
            variable_values=dict(checked.given),
            operation_name=checked.operation.name,
        )
        extensions = error_extensions(InvalidInput())  # only arguments can be wrong
        errors: list[Json] = [
            {
                **RequestProblem.of(error).shown(),
                "path": [*(error.path or ())],
                "extensions": extensions,
            }
            for error in result.errors or ()
        ]
        return ExecutionResult(result.data, errors)


def error_response(error: Exception) -> GraphQLResponse:
    """Return the response to a request that was not executed because of an error."""
    if isinstance(error, InterlockError):
        return GraphQLResponse({"errors": response_errors(error)}, error.status)
    return GraphQLResponse({"errors": [internal_error(error)]}, _INTERNAL_ERROR)


def _merge_results(results: Sequence[ExecutionResult], names: Sequence[str]) -> ExecutionResult:
    """Merge the results of the parts of one operation; the data is null if one of them is.

    Args:
        results: the results.
        names: the response names of all root fields, in the order of the response.

    """
    data: JsonObject | None = {}
    for result in results:
        data = None if data is None or result.data is None else {**data, **result.data}
    if data is not None:
        data = {name: data[name] for name in names if name in data}
    return ExecutionResult(data, [error for result in results for error in result.errors])
