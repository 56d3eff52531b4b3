"""The buttons of the ticket page are what the API allows to each viewer, and all of them work."""

from dataclasses import dataclass
from html import unescape
from http import HTTPStatus
from typing import Final

import pytest

from api.web.formats import with_words
from engine.declaration.models import Workflow
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.ticket import Ticket
from engine.vocabulary import STATUSES, Status
from tests.support.api_client import Api, SharedApplication, bearer
from tests.support.html_forms import PageForms, Submission, read_forms
from tests.support.personas import MARTON, sign_in
from tests.support.ticket_states import BELA, UNASSIGNED, VIEWERS, WORKFLOWS, ticket_in_state
from tests.support.web_client import submit

STATES: Final = (UNASSIGNED, *STATUSES)
TRANSITIONS: Final = (
    "query ($id: ID!) { ticket(id: $id) { status transitions { to allowed message } } }"
)

COMMENT: Final = {"comments"}
STAFF: Final = COMMENT | {"comments (note)"}
HANDS_OVER: Final = {"assignee", "group", "edits"}
OTHER_FORMS: Final = {
    "requester": COMMENT | {"edits"},
    "assignee": STAFF | HANDS_OVER,
    "group member": STAFF | HANDS_OVER,
    "stranger": COMMENT,
    "admin": STAFF | HANDS_OVER,
}
"""What a viewer can do to a live ticket with an assignee group, except to change its status."""
STARTERS: Final = {"group member", "admin"}
"""Who can take an OPEN ticket and start work on it; for its assignee it is a transition."""


@dataclass(frozen=True)
class TicketDesk:
    """Tickets in any state, and their pages."""

    shared: SharedApplication

    async def ticket(self, workflow: str, state: str) -> Ticket:
        """Return a new ticket."""
        return await ticket_in_state(TicketStore(self.shared.database), workflow, state)

    async def page(self, viewer: Actor, ticket: Ticket) -> str:
        """Return the page of a ticket."""
        path = f"/tickets/{ticket.id}"
        async with self.shared.client.get(path, headers=bearer(viewer)) as response:
            assert response.status == HTTPStatus.OK
            return await response.text()

    async def click(self, viewer: Actor, ticket: Ticket, button: Submission) -> None:
        """Send the form of a button, with a value in each field that must have one."""
        filled = {"text": "Hello", "group": "network-team"} | (
            {} if button.label != "Assign" else {"assignee": MARTON.id}
        )
        fields = button.fields | {name: filled[name] for name in filled if name in button.fields}
        client, headers = self.shared.client, bearer(viewer)
        async with await submit(client, button.action, headers, fields) as response:
            assert response.status == HTTPStatus.SEE_OTHER, (viewer.name, ticket, button)


@pytest.fixture(scope="module")
async def desk(shared: SharedApplication) -> TicketDesk:
    await sign_in(shared.database, BELA)
    return TicketDesk(shared)


def forms_of(page: str) -> PageForms:
    """Return the forms of a page that are about its ticket."""
    found = read_forms(page)
    own = [each for each in found.enabled if each.action.startswith("/tickets/")]
    return PageForms(tuple(own), found.disabled)


def kind_of(button: Submission) -> str:
    kind = button.action.rpartition("/")[2]
    return f"{kind} (note)" if button.fields.get("internal") == "true" else kind


@pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=WORKFLOWS)
async def test_the_enabled_buttons_are_the_allowed_transitions(
    workflow: Workflow, desk: TicketDesk, shared_api: Api
) -> None:
    for state in STATES:
        ticket = await desk.ticket(workflow.name, state)
        for role, viewer in VIEWERS.items():
            shown = (await shared_api.data(viewer, TRANSITIONS, id=ticket.id))["ticket"]
            allowed = {each["to"] for each in shown["transitions"] if each["allowed"]}
            page = await desk.page(viewer, ticket)
            forms = forms_of(page)
            moves = {each.fields["to"] for each in forms.enabled if "to" in each.fields}
            assert moves == allowed, (state, role)
            others = {kind_of(each) for each in forms.enabled} - {"transitions"}
            assert others == other_forms(role, state), (state, role)
            hidden = {Status.IN_PROGRESS} if "start" in others else set()
            disabled = len(STATUSES) - 1 - len(allowed) - len(hidden)
            is_closed = shown["status"] == Status.CLOSED
            assert len(forms.disabled) == (0 if is_closed else disabled), (state, role)
            for each in shown["transitions"]:
                if each["to"] not in {shown["status"], *allowed, *hidden}:
                    assert with_words(each["message"]) in unescape(page), (state, role)
            for button in forms.enabled:
                if kind_of(button) in {"transitions", "start"}:
                    other = await desk.ticket(workflow.name, state)
                    await desk.click(viewer, other, moved_to(other, ticket, button))


def other_forms(role: str, state: str) -> set[str]:
    """Return the forms that a viewer has besides those for transitions, by kind."""
    forms = OTHER_FORMS["stranger" if (role, state) == ("assignee", UNASSIGNED) else role]
    if state == Status.CLOSED:
        return forms - HANDS_OVER
    is_open = state in {UNASSIGNED, Status.OPEN}
    return forms | ({"start"} if is_open and role in STARTERS else set())


def moved_to(other: Ticket, ticket: Ticket, button: Submission) -> Submission:
    """Return the same button of another ticket, which has the same version."""
    assert other.version == ticket.version
    key = {"key": other.id}
    action = button.action.replace(ticket.id, other.id)
    return Submission(action, button.label, button.fields | key)


@pytest.mark.parametrize("state", STATES)
async def test_every_other_button_works(state: str, desk: TicketDesk) -> None:
    workflow = "incident_response"  # the first test holds that these forms are the same for all
    ticket = await desk.ticket(workflow, state)
    for viewer in VIEWERS.values():
        for button in forms_of(await desk.page(viewer, ticket)).enabled:
            if kind_of(button) not in {"transitions", "start"}:
                other = await desk.ticket(workflow, state)
                await desk.click(viewer, other, moved_to(other, ticket, button))
