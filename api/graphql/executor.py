"""The one interface of the GraphQL layer: a request in, an answer out (design section 8)."""

import asyncio
import json
from collections.abc import AsyncGenerator, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, Self

from graphql import DocumentNode, GraphQLSchema, OperationType, execute_sync, print_schema

from api.graphql.documents.cost import NO_LENGTHS, ListLengths
from api.graphql.documents.persisted_documents import PersistedDocuments, UnknownDocument
from api.graphql.documents.prepare import Documents, PreparedDocument, PreparedOperation
from api.graphql.documents.variables import refuse_null_conditions
from api.graphql.errors import (
    DeadlineExceeded,
    MutationByGet,
    RequestRefused,
    UnknownOperation,
    extensions_of,
    hidden_fault,
    located,
    refusal_errors,
    refuse_above,
)
from api.graphql.event_streams import Opening, Subscriptions
from api.graphql.registry import Event, EventSource, MakeContext, Resolvers
from api.graphql.sdl import read_schema
from api.graphql.tartiflette.engine import Answer, Engine, make_engine
from api.json_encoding import Json, JsonObject
from api.limits import GRAPHQL_LIMITS, GraphQLLimits
from engine.errors import InterlockError, InvalidInput, Misconfigured

EXECUTED: Final = 200
INTERNAL_ERROR: Final = 500
NOT_COUNTED: Final = nullcontext()
SELF_CHECK: Final = "{ __typename __schema { queryType { name } } }"


class GraphQLRequest(NamedTuple):
    """What a client sent, well-formed.

    Attributes:
        query: the text of the document; None if it is named by its id.
        document_id: names a trusted document.
        queries_only: it came in a way that must change nothing.

    """

    query: str | None
    variables: Mapping[str, object] = MappingProxyType({})
    operation_name: str | None = None
    document_id: str | None = None
    queries_only: bool = False


class GraphQLResponse(NamedTuple):
    """An answer.

    Attributes:
        body: `data` and `errors`; a request that was not executed has no `data`.
        status: 200 for whatever was executed, errors of fields included; else that of the refusal.
        resume_after: of an event, what resumes the subscription after it, if it can be resumed.

    """

    body: JsonObject
    status: int = EXECUTED
    resume_after: str | None = None

    @property
    def executed(self) -> bool:
        """Whether `body` is the result of an execution."""
        return self.status == EXECUTED


class Asked(NamedTuple):
    """A request that can be executed; its variables as they were given, and coerced."""

    document: PreparedDocument
    operation: PreparedOperation
    given: Mapping[str, object]
    variables: Mapping[str, object]


class ExecutableSchema(NamedTuple):
    """A schema and the engine that executes it. Executors with different limits can share it."""

    schema: GraphQLSchema
    engine: Engine
    sources: Mapping[str, EventSource]

    @classmethod
    async def build(cls, sdl: str, resolvers: Iterable[Resolvers]) -> Self:
        """Return the schema of an SDL text; Misconfigured if the resolvers do not fit it."""
        merged = Resolvers.merged(resolvers)
        schema = read_schema(sdl, merged)
        return cls(schema, await make_engine(schema, merged), merged.sources)


class GraphQLExecutor:
    """Executes requests against one schema; `create` returns one.

    The fields that ask for the schema are answered by graphql-core and all others by Tartiflette,
    also where one operation asks for both.
    """

    def __init__(
        self,
        executable: ExecutableSchema,
        limits: GraphQLLimits,
        lists: ListLengths,
    ) -> None:
        schema, self._engine, sources = executable
        self.schema = schema
        self._subscriptions = Subscriptions(schema, sources)
        self._limits = limits
        self._lists = lists
        self._documents = Documents(schema, limits, frozenset(lists))
        self._trusted: PersistedDocuments | None = None

    @classmethod
    async def create(
        cls,
        executable: ExecutableSchema,
        limits: GraphQLLimits = GRAPHQL_LIMITS,
        lists: ListLengths = NO_LENGTHS,
    ) -> Self:
        """Return an executor of a schema; the cost of each of the `lists` depends on its length.

        Raises:
            Misconfigured: the executor cannot answer a simple query.

        """
        executor = cls(executable, limits, lists)
        check = await executor.execute(GraphQLRequest(SELF_CHECK), None)
        if "errors" in check.body:
            raise Misconfigured(f"The GraphQL engine fails its self-check: {check.body}")
        return executor

    @property
    def sdl(self) -> str:
        """The schema as clients see it, in GraphQL's own language."""
        return f"{print_schema(self.schema)}\n"

    def trust(self, documents: PersistedDocuments) -> None:
        """Execute these documents only, from now on; Misconfigured if one of them can't be."""
        for name, text in documents.texts.items():
            try:
                self._documents.prepared(text)
            except RequestRefused as refused:
                raise Misconfigured(
                    f"The trusted document {name} does not fit this server: {refused.message}"
                ) from None
        self._trusted = documents

    async def execute(self, request: GraphQLRequest, context: object) -> GraphQLResponse:
        """Answer a request; never raises, whatever the request is.

        `context` is what the resolvers get as their third argument.
        """
        try:
            return GraphQLResponse(await self._execute(request, context))
        except Exception as error:  # noqa: BLE001  # the last door: whatever it is, nothing leaks
            return refusal(error)

    async def stream(
        self,
        request: GraphQLRequest,
        make_context: MakeContext,
        resume_after: str | None = None,
        under_way: AbstractContextManager[None] = NOT_COUNTED,
    ) -> AsyncGenerator[GraphQLResponse, None]:
        """Yield the answers to a request: to a subscription one for each event, to others one.

        It never raises, whatever the request is. An answer that is not `executed` is the last.

        Args:
            request: what the client sent.
            make_context: makes what the resolvers of one answer get as their third argument.
            resume_after: `resume_after` of the event to go on after, instead of the argument.
            under_way: lasts as long as a query or a mutation is executed, or refuses it.

        """
        try:
            _, operation = self._prepared(request)
            if operation.kind is not OperationType.SUBSCRIPTION:
                with under_way:
                    answer = await self.execute(request, await make_context())
                yield answer
                return
            question = question_of(request, operation)
            async with aclosing(self._events(request, make_context, resume_after)) as events:
                async for event in events:
                    yield await self._tell(request, question, event)
        except Exception as error:  # noqa: BLE001  # as in `execute`
            yield refusal(error)

    def _prepared(self, request: GraphQLRequest) -> tuple[PreparedDocument, PreparedOperation]:
        document = self._documents.prepared(self._text_of(request))
        return document, document.operation(request.operation_name)

    async def _execute(
        self, request: GraphQLRequest, context: object, event: object = None
    ) -> JsonObject:
        asked = self._asked(request)
        if asked.operation.kind is OperationType.SUBSCRIPTION and event is None:
            raise UnknownOperation("A subscription is not answered in one response.")
        try:
            async with asyncio.timeout(self._limits.execution_seconds):
                return await self._answer(asked, context, event)
        except TimeoutError:
            raise DeadlineExceeded(seconds=self._limits.execution_seconds) from None

    def _text_of(self, request: GraphQLRequest) -> str:
        """Return the text of the document that is to be executed."""
        if self._trusted is not None:
            return self._trusted.text_of(request.document_id, request.query)
        if request.query is None:
            raise UnknownDocument("The server knows no documents by their ids: send the `query`.")
        return request.query

    def _events(
        self, request: GraphQLRequest, make_context: MakeContext, resume_after: str | None
    ) -> AsyncGenerator[Event, None]:
        self._asked(request)
        opening = Opening(make_context, resume_after)
        return self._subscriptions.events(
            self._text_of(request), request.operation_name, request.variables, opening
        )

    async def _tell(
        self, request: GraphQLRequest, question: Hashable, event: Event
    ) -> GraphQLResponse:
        answer = partial(self._answer_event, request, event)
        return await (event.telling.answered(question, answer) if event.telling else answer())

    async def _answer_event(self, request: GraphQLRequest, event: Event) -> GraphQLResponse:
        try:
            body = await self._execute(request, event.context, event.value)
        except DeadlineExceeded as late:
            body = {"data": None, "errors": refusal_errors(late)}
        return GraphQLResponse(body, resume_after=event.id)

    def _asked(self, request: GraphQLRequest) -> Asked:
        """Return what a request asks, or refuse it: for its document, its kind, its variables."""
        document, operation = self._prepared(request)
        if request.queries_only and operation.kind is OperationType.MUTATION:
            raise MutationByGet("A mutation changes something, which GET must not: use POST.")
        variables = operation.variables.coerced(request.variables, self._limits.reported_errors)
        refuse_null_conditions(document.conditions, variables)
        points = operation.price.total(variables, self._lists)
        refuse_above("cost_points", self._limits.cost_points, points)
        return Asked(document, operation, request.variables, variables)

    async def _answer(self, asked: Asked, context: object, event: object) -> JsonObject:
        answers = []
        if asked.operation.measure.data_fields:
            executable = asked.operation.executable
            answers.append(await self._engine.execute(executable, context, asked.variables, event))
        if asked.document.schema_part and asked.operation.measure.schema_fields:
            answers.append(self._answer_schema(asked.document.schema_part, asked))
        data, errors = answers[0] if len(answers) == 1 else joined(answers)
        return {"data": data, "errors": errors} if errors else {"data": data}

    def _answer_schema(self, document: DocumentNode, asked: Asked) -> Answer:
        result = execute_sync(
            self.schema,
            document,
            variable_values=dict(asked.given),
            operation_name=asked.operation.name,
        )
        invalid = extensions_of(InvalidInput())  # only arguments can be wrong
        errors: list[Json] = [
            {**located(error), "path": [*(error.path or ())], "extensions": invalid}
            for error in result.errors or ()
        ]
        return Answer(result.data, errors)


def question_of(request: GraphQLRequest, operation: PreparedOperation) -> Hashable:
    """Return what is the same for subscriptions that ask the same of an event."""
    deciding = operation.telling_variables & request.variables.keys()
    variables = {name: request.variables[name] for name in deciding}
    text = json.dumps(variables, sort_keys=True)
    return request.query, request.document_id, operation.name, text


def refusal(error: Exception) -> GraphQLResponse:
    """Return the answer to a request that was not executed, because of an error."""
    if isinstance(error, InterlockError):
        return GraphQLResponse({"errors": refusal_errors(error)}, error.status)
    return GraphQLResponse({"errors": [hidden_fault(error)]}, INTERNAL_ERROR)


def joined(answers: Sequence[Answer]) -> Answer:
    """Return the answers to the parts of one operation as one; it is null if one of them is."""
    data: JsonObject | None = {}
    for answer in answers:
        data = None if data is None or answer.data is None else {**data, **answer.data}
    return Answer(data, [error for answer in answers for error in answer.errors])
