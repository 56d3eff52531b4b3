"""Resolvers of webhooks, for admins. They also answer while ticketing is off."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.pagination import (
    check_page_size,
    connection,
    dead_letter_cursor,
    parse_dead_letter_cursor,
)
from api.runtime.request_context import RequestContext
from api.runtime.single_flight import SingleFlight
from engine.storage.webhooks.dead_letters import (
    START,
    DeadLetter,
    DeadLetterCursor,
    read_dead_letters,
    retry_webhook,
)
from engine.storage.webhooks.status import (
    WebhookState,
    WebhookStatus,
    find_webhook,
    list_webhooks,
)
from engine.vocabulary import TicketEvent

resolvers: Final = Resolvers()


class WebhookArguments(TypedDict):
    """The arguments of `Query.webhook`."""

    name: str


class RetryArguments(TypedDict):
    """The arguments of `Mutation.retryWebhook`."""

    name: str
    dead: bool


class DeadLetterArguments(TypedDict, total=False):
    """The arguments of `Webhook.deadLetters`."""

    first: int
    after: str | None


class DeadLetterLoader:
    """Reads the dead letters of several webhooks with one statement per page."""

    def __init__(self, context: RequestContext, names: Iterable[str]) -> None:
        self._context = context
        self._names = list(names)
        self._pages: SingleFlight[Mapping[str, Sequence[DeadLetter]]] = SingleFlight()

    async def read(self, name: str, limit: int, after: DeadLetterCursor) -> Sequence[DeadLetter]:
        """Return the next dead letters of one webhook."""
        database, actor = self._context.databases.reads, self._context.actor
        pages = await self._pages.get(
            (limit, after), lambda: read_dead_letters(database, actor, self._names, limit, after)
        )
        return pages[name]


@dataclass(frozen=True, slots=True)
class WebhookFields:
    """The fields of the GraphQL type `Webhook`."""

    name: str
    url: str
    events: list[TicketEvent]
    state: WebhookState
    position: str
    pending: int
    oldest_pending_at: datetime | None
    dead: int
    paused_until: datetime | None
    next_attempt_at: datetime | None
    last_result: str | None
    loader: DeadLetterLoader


@resolvers.field("Query.webhooks")
async def webhooks(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> list[WebhookFields]:
    """Return all webhooks."""
    return _fields_of(context, await list_webhooks(context.databases.reads, context.actor))


@resolvers.field("Query.webhook")
async def webhook(
    _parent: object, arguments: WebhookArguments, context: RequestContext, _info: object
) -> WebhookFields:
    """Return the webhook of a name."""
    return await _find(context, arguments["name"])


@resolvers.field("Mutation.retryWebhook")
async def retry(
    _parent: object, arguments: RetryArguments, context: RequestContext, _info: object
) -> dict[str, object]:
    """Retry failed deliveries now."""
    name, dead = arguments["name"], arguments["dead"]
    due = await retry_webhook(context.databases.administration, context.actor, name, dead=dead)
    return {"webhook": await _find(context, name), "due": due}


@resolvers.field("Webhook.deadLetters")
async def dead_letters(
    parent: WebhookFields, arguments: DeadLetterArguments, context: RequestContext, _info: object
) -> dict[str, object]:
    """Return a page of the dead letters of a webhook."""
    bound = context.limits.page_dead_letters
    size = check_page_size("first", arguments["first"], "page_dead_letters", bound)
    cursor = arguments.get("after")
    after = START if cursor is None else parse_dead_letter_cursor(cursor)
    found = await parent.loader.read(parent.name, size + 1, after)
    edges = [
        {"cursor": dead_letter_cursor(each), "node": _dead_letter_fields(each)}
        for each in found[:size]
    ]
    return connection(arguments, edges, has_more=len(found) > size)


async def _find(context: RequestContext, name: str) -> WebhookFields:
    status = await find_webhook(context.databases.reads, context.actor, name)
    return _fields_of(context, [status])[0]


def _fields_of(context: RequestContext, statuses: list[WebhookStatus]) -> list[WebhookFields]:
    """Return the fields of webhooks, which share a loader of dead letters."""
    loader = DeadLetterLoader(context, (each.declaration.name for each in statuses))
    return [
        WebhookFields(
            name=each.declaration.name,
            url=each.declaration.url,
            events=list(
                TicketEvent if each.declaration.events is None else each.declaration.events
            ),
            state=each.state,
            position=str(each.position),
            pending=each.pending,
            oldest_pending_at=each.oldest_pending_at,
            dead=each.dead,
            paused_until=each.paused_until,
            next_attempt_at=each.next_attempt_at,
            last_result=each.last_result,
            loader=loader,
        )
        for each in statuses
    ]


def _dead_letter_fields(dead_letter: DeadLetter) -> dict[str, object]:
    return {
        "id": dead_letter.id,
        "event": dead_letter.event,
        "ticketId": dead_letter.ticket,
        "version": dead_letter.seq,
        "attempts": dead_letter.attempts,
        "lastResult": dead_letter.result,
        "failedAt": dead_letter.failed_at,
    }
