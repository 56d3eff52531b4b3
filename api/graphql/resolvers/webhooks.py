"""Resolvers: webhooks, for admins. They answer also while ticketing is off."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from api.graphql.pagination import Connection, checked_size, connection, letter_cursor, letter_place
from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from api.runtime.single_flight import Call
from engine.storage.webhooks.dead_letters import DeadLetter
from engine.storage.webhooks.oversight import (
    TOP,
    LetterPage,
    LetterPlace,
    letter_pages,
    overseen_webhook,
    overseen_webhooks,
    retry_webhook,
)
from engine.storage.webhooks.status import WebhookReport
from engine.vocabulary import TicketEvent

resolvers: Final = Resolvers()

Fields = dict[str, object]


class Named(TypedDict):
    """The arguments of `Query.webhook`."""

    name: str


class Retried(TypedDict):
    """The arguments of `Mutation.retryWebhook`."""

    name: str
    dead: bool


class LetterArguments(TypedDict, total=False):
    """The arguments of `Webhook.deadLetters`."""

    first: int
    after: str | None


class Letters:
    """What was given up of webhooks that were read together: read for all of them at once."""

    def __init__(self, context: RequestContext, names: Iterable[str]) -> None:
        self._context = context
        self._names = list(names)
        self._pages: dict[tuple[int, LetterPlace], Call[Mapping[str, LetterPage]]] = {}

    async def page(self, name: str, size: int, after: LetterPlace) -> LetterPage:
        """Return a page of one of them."""

        async def read() -> Mapping[str, LetterPage]:
            database, actor = self._context.database, self._context.actor
            return await letter_pages(database, actor, self._names, size, after)

        return (await self._pages.setdefault((size, after), Call(read))())[name]


@dataclass(frozen=True, slots=True)
class ShownWebhook:
    """A webhook; the fields are those of `Webhook`."""

    name: str
    url: str
    events: list[str]
    state: str
    position: str
    pending: int
    dead: int
    next_attempt_at: datetime | None
    last_answer: str | None
    letters: Letters

    @classmethod
    def of(cls, report: WebhookReport, letters: Letters) -> "ShownWebhook":
        """Return the webhook of a report."""
        declared = report.declared
        return cls(
            name=declared.name,
            url=declared.url,
            events=list(TicketEvent if declared.events is None else declared.events),
            state=report.state,
            position=str(report.position),
            pending=report.pending,
            dead=report.dead,
            next_attempt_at=report.next_attempt_at,
            last_answer=report.last_answer,
            letters=letters,
        )


@resolvers.field("Query.webhooks")
async def webhooks(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> list[ShownWebhook]:
    """Return every webhook."""
    return together(context, await overseen_webhooks(context.database, context.actor))


@resolvers.field("Query.webhook")
async def webhook(
    _parent: object, arguments: Named, context: RequestContext, _info: object
) -> ShownWebhook:
    """Return the webhook of a name."""
    return await one(context, arguments["name"])


@resolvers.field("Mutation.retryWebhook")
async def retry(
    _parent: object, arguments: Retried, context: RequestContext, _info: object
) -> Fields:
    """Have what failed attempted again."""
    name, dead = arguments["name"], arguments["dead"]
    due = await retry_webhook(context.database, context.actor, name, dead=dead)
    return {"webhook": await one(context, name), "due": due}


async def one(context: RequestContext, name: str) -> ShownWebhook:
    """Return the webhook of a name."""
    [shown] = together(context, [await overseen_webhook(context.database, context.actor, name)])
    return shown


@resolvers.field("Webhook.deadLetters")
async def dead_letters(
    parent: ShownWebhook, arguments: LetterArguments, context: RequestContext, _info: object
) -> Connection:
    """Return a page of what was given up of a webhook."""
    bound = context.limits.page_dead_letters
    size = checked_size("first", arguments["first"], "page_dead_letters", bound)
    after = arguments.get("after")
    place = TOP if after is None else letter_place(after)
    page = await parent.letters.page(parent.name, size, place)
    edges = [{"cursor": letter_cursor(each), "node": letter_fields(each)} for each in page.letters]
    return connection(arguments, edges, has_more=page.has_more)


def together(context: RequestContext, reports: list[WebhookReport]) -> list[ShownWebhook]:
    """Return webhooks, noting that they were read together."""
    letters = Letters(context, (report.declared.name for report in reports))
    return [ShownWebhook.of(report, letters) for report in reports]


def letter_fields(letter: DeadLetter) -> Fields:
    """Return the fields of a letter."""
    return {
        "id": letter.id,
        "event": letter.event,
        "ticketId": letter.ticket,
        "version": letter.seq,
        "attempts": letter.attempts,
        "lastAnswer": letter.answer,
        "givenUpAt": letter.at,
    }
