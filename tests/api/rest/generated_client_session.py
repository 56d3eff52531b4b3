"""Work on a ticket with a generated client, and print what it returns as JSON.

The program runs in the environment of the generator, with the URL of the server and the tokens of a
requester and of an assignee as arguments.
"""

import json
import sys

from interlock_client import AuthenticatedClient
from interlock_client.api.tickets import (
    assign_ticket,
    create_ticket,
    list_tickets,
    read_ticket,
    transition_ticket,
)
from interlock_client.models import (
    AssigneeRequest,
    ForbiddenTransition,
    NewTicket,
    Priority,
    SlaRequest,
    SlaTargetsRequest,
    Status,
    TicketListResponse,
    TicketResponse,
    TransitionRequest,
)

URL, REQUESTER, ASSIGNEE, ASSIGNEE_ID = sys.argv[1:]


def ticket_of(response: object) -> TicketResponse:
    """Return a response that is a ticket."""
    if isinstance(response, TicketResponse):
        return response
    raise TypeError(f"no ticket: {response}")


requester = AuthenticatedClient(URL, REQUESTER, raise_on_unexpected_status=True)
assignee = AuthenticatedClient(URL, ASSIGNEE, raise_on_unexpected_status=True)

form = NewTicket(
    title="Card payments time out",
    workflow="incident_response",
    priority=Priority.HIGH,
    assignee_group="payment-team",
    sla=SlaRequest(by_priority=True),
)
ticket = ticket_of(create_ticket.sync(client=requester, body=form))
targets = SlaTargetsRequest(response="30m", resolution="4h")
with_targets = NewTicket(
    title="A refund",
    workflow="service_request",
    assignee_group="payment-team",
    sla=SlaRequest(targets=targets),
)
ticket_of(create_ticket.sync(client=assignee, body=with_targets))

start = TransitionRequest(to=Status.IN_PROGRESS)
refusal = transition_ticket.sync(ticket.id, client=requester, body=start)
assign_ticket.sync(ticket.id, client=assignee, body=AssigneeRequest(assignee=ASSIGNEE_ID))
started = ticket_of(transition_ticket.sync(ticket.id, client=assignee, body=start, if_match='"2"'))
read = ticket_of(read_ticket.sync(ticket.id, client=requester))
page = list_tickets.sync(
    client=assignee, status=[Status.IN_PROGRESS], assigned_to_me=True, first=1, total_count=True
)

json.dump(
    {
        "refusal": [
            refusal.code,
            refusal.reason.value,
            [each.value for each in refusal.shortest_path],
        ]
        if isinstance(refusal, ForbiddenTransition)
        else None,
        "started": [started.status.value, started.version],
        "read": read.to_dict() == started.to_dict(),
        "page": [[each.id == ticket.id for each in page.tickets], page.total_count]
        if isinstance(page, TicketListResponse)
        else None,
    },
    sys.stdout,
)
