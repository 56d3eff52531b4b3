"""The texts that users write about incidents for the status page. Pure.

The text of the ticket itself is never published. Each publication is an entry of the history, whose
value is the text as canonical JSON; null withdraws it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

from engine import limits
from engine.tickets.actor import Actor
from engine.tickets.changes import Change, permission_details
from engine.tickets.commands import (
    LINE_SCHEMA,
    TEXT_SCHEMA,
    ChangeCommand,
    check_name,
    check_printable,
    text_length,
)
from engine.tickets.history import Entry, EntryKind, canonical_text
from engine.tickets.permissions import authorize_publish
from engine.tickets.ticket import Ticket

_Title = Annotated[
    str,
    text_length(limits.PUBLIC_TITLE_CHARACTERS, strip=True),
    AfterValidator(check_name),
    LINE_SCHEMA,
]
_Text = Annotated[
    str,
    text_length(limits.PUBLIC_TEXT_CHARACTERS, least=None, strip=True),
    AfterValidator(check_printable),
    TEXT_SCHEMA,
]


class PublishIncident(ChangeCommand):
    """Publish a text about a ticket on the status page, or an update of it.

    Attributes:
        title: what fails, for the readers of the page.
        impact: what that means for them; may be empty.
        update: what is new; may be empty.

    """

    title: _Title
    impact: _Text = ""
    update: _Text = ""


class WithdrawIncident(ChangeCommand):
    """Remove everything that was published about a ticket from the status page."""


@dataclass(frozen=True, slots=True)
class PublicText:
    """What one publication says."""

    title: str
    impact: str
    update: str


@dataclass(frozen=True, slots=True)
class PublicUpdate:
    """An update on the status page."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Publication:
    """What the status page says about an incident.

    Attributes:
        text: the latest text.
        updates: since the last withdrawal, the latest first.

    """

    text: PublicText
    updates: tuple[PublicUpdate, ...]


def publication_changes(
    ticket: Ticket, actor: Actor, command: PublishIncident
) -> tuple[Change, ...]:
    """Return the change that publishes a text, even about a CLOSED ticket.

    Raises:
        Forbidden: see `authorize_publish`.

    """
    details = permission_details(authorize_publish(ticket, actor))
    value = canonical_text([command.title, command.impact, command.update])
    return (Change(EntryKind.PUBLICATION, None, value, details),)


def withdrawal_changes(
    ticket: Ticket, actor: Actor, _command: WithdrawIncident
) -> tuple[Change, ...]:
    """Return the change that withdraws what was published; raises as `publication_changes` does."""
    details = permission_details(authorize_publish(ticket, actor))
    return (Change(EntryKind.PUBLICATION, None, None, details),)


def public_text(value: str | None) -> PublicText | None:
    """Return the text in the value of an entry; None if the entry withdraws it.

    Raises:
        ValueError: the value is not that of a publication.

    """
    if value is None:
        return None
    match json.loads(value):
        case [str(title), str(impact), str(update)] if title.strip():
            return PublicText(title, impact, update)
        case _:
            raise ValueError(value)


def current_publication(entries: Iterable[tuple[datetime, str | None]]) -> Publication | None:
    """Return the publication that results from times and values, the oldest first."""
    text: PublicText | None = None
    updates: list[PublicUpdate] = []
    for at, value in entries:
        text = public_text(value)
        if text is None:
            updates.clear()
        elif text.update:
            updates.append(PublicUpdate(at, text.update))
    return None if text is None else Publication(text, tuple(reversed(updates)))


def publication_in(history: Sequence[Entry]) -> Publication | None:
    """Return the publication of a ticket with a history."""
    kind = EntryKind.PUBLICATION
    return current_publication((each.at, each.new_value) for each in history if each.kind is kind)
