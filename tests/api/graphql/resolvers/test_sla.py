"""The field `Ticket.sla`."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.storage.postgres.database import Database
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.reader import read_ticket
from engine.tickets.actor import Actor
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.api_client import Api
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA

CREATE = """
mutation ($sla: SlaInput, $priority: Priority! = HIGH) {
  createTicket(title: "Payments fail", workflow: "incident_response", priority: $priority,
               assignee: "u_b1", sla: $sla) { ticket { id createdAt } }
}
"""
SLA = """
query ($id: ID!) {
  ticket(id: $id) {
    createdAt
    sla {
      responseDueAt resolutionDueAt responseBreached resolutionBreached respondedAt resolvedAt
      responseRemaining resolutionRemaining
      explanation { response { text at adds } resolution { text at adds } }
    }
    history { kind from to actor }
  }
}
"""
TRANSITION = """
mutation ($id: ID!, $to: Status!) { transitionTicket(id: $id, to: $to) { ticket { updatedAt } } }
"""
UPDATE = """
mutation ($id: ID!, $priority: Priority!) {
  updateTicket(id: $id, priority: $priority) { ticket { sla { responseDueAt resolutionDueAt } } }
}
"""


async def open_ticket(api: Api, sla: object = None, requester: Actor = ANNA) -> str:
    created = await api.data(requester, CREATE, sla=sla)
    ticket: str = created["createTicket"]["ticket"]["id"]
    return ticket


async def read(api: Api, ticket: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.data(ANNA, SLA, id=ticket))["ticket"]
    return found


def after(start: str, **time: float) -> str:
    """Return a time after `start`."""
    at = datetime.fromisoformat(start) + timedelta(**time)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_a_ticket_has_no_sla_unless_it_is_requested(api: Api) -> None:
    assert (await read(api, await open_ticket(api)))["sla"] is None


async def test_the_sla_of_a_priority_is_explained(api: Api) -> None:
    ticket = await open_ticket(api, {"byPriority": True})
    found = await read(api, ticket)
    at, sla = found["createdAt"], found["sla"]
    left = [sla.pop("responseRemaining"), sla.pop("resolutionRemaining")]
    assert left in (["PT29M59S", "PT7H59M59S"], ["PT29M58S", "PT7H59M58S"])
    assert sla == {
        "responseDueAt": after(at, minutes=30),
        "resolutionDueAt": after(at, hours=8),
        "responseBreached": False,
        "resolutionBreached": False,
        "respondedAt": None,
        "resolvedAt": None,
        "explanation": {
            "response": [
                {"text": "opened", "at": at, "adds": None},
                {
                    "text": "response target set by the priority HIGH",
                    "at": None,
                    "adds": "PT30M",
                },
                {"text": "due", "at": after(at, minutes=30), "adds": None},
            ],
            "resolution": [
                {"text": "opened", "at": at, "adds": None},
                {
                    "text": "resolution target set by the priority HIGH",
                    "at": None,
                    "adds": "PT8H",
                },
                {"text": "due", "at": after(at, hours=8), "adds": None},
            ],
        },
    }


TARGETS = [("5m", "1h30m"), ("PT5M", "PT1H30M"), ("PT300S", "90m")]


@pytest.mark.parametrize("targets", TARGETS)
async def test_targets_can_be_written_in_both_formats(api: Api, targets: tuple[str, str]) -> None:
    requested = dict(zip(("response", "resolution"), targets, strict=True))
    found = await read(api, await open_ticket(api, {"targets": requested}, ADA))
    sla, at = found["sla"], found["createdAt"]
    assert sla["responseDueAt"] == after(at, minutes=5)
    assert sla["resolutionDueAt"] == after(at, minutes=90)


async def test_the_timers_follow_the_ticket(api: Api) -> None:
    ticket = await open_ticket(api, {"byPriority": True})
    times = [
        (await api.data(ANNA, TRANSITION, id=ticket, to=to))["transitionTicket"]["ticket"][
            "updatedAt"
        ]
        for to in ("IN_PROGRESS", "RESOLVED")
    ]
    sla = (await read(api, ticket))["sla"]
    assert [sla["respondedAt"], sla["resolvedAt"]] == times
    assert (sla["responseRemaining"], sla["resolutionRemaining"]) == (None, None)


async def test_a_change_of_priority_sets_new_targets(api: Api) -> None:
    ticket = await open_ticket(api, {"byPriority": True})
    at = (await read(api, ticket))["createdAt"]
    changed = await api.data(ANNA, UPDATE, id=ticket, priority="CRITICAL")
    assert changed["updateTicket"]["ticket"]["sla"] == {
        "responseDueAt": after(at, minutes=5),
        "resolutionDueAt": after(at, hours=2),
    }


async def test_a_breach_is_recorded_in_the_history(api: Api, database: Database) -> None:
    ticket = await open_ticket(api, {"byPriority": True})
    created_at = (await read_ticket(database, SYSTEM_VIEWER, ticket)).created_at
    await sweep_due_times(database, created_at + timedelta(minutes=31))
    found = await read(api, ticket)
    assert found["history"][-1] == {
        "kind": "SLA_BREACH",
        "from": None,
        "to": "response",
        "actor": "system",
    }
    assert found["sla"]["responseBreached"]


async def test_only_the_working_time_of_the_calendar_counts(api: Api, database: Database) -> None:
    mondays = {"name": "mondays", "timeZone": "UTC", "hours": {"monday": ["09:00-10:00"]}}
    high = {"response": "PT1H", "calendar": "mondays"}
    await declare(database, calendars=[mondays], sla={"HIGH": high})
    sla = (await read(api, await open_ticket(api, {"byPriority": True})))["sla"]
    assert sla["responseDueAt"].endswith("T10:00:00Z")
    texts = [reason["text"] for reason in sla["explanation"]["response"]]
    assert "only the working time of mondays counts" in texts


REFUSED = {
    "neither": ({}, "sla: must have either byPriority: true or targets"),
    "both": (
        {"byPriority": True, "targets": {"response": "5m", "resolution": "1h"}},
        "sla: must have either byPriority: true or targets",
    ),
}


@pytest.mark.parametrize(("requested", "message"), REFUSED.values(), ids=REFUSED)
async def test_a_request_for_neither_or_both_is_refused(
    api: Api, requested: object, message: str
) -> None:
    [error] = (await api.ask(ANNA, CREATE, sla=requested))["errors"]
    assert error["extensions"]["code"] == "invalid_input"
    assert message in error["message"]


async def test_targets_of_a_requester_are_refused(api: Api) -> None:
    refused = await api.refusal(
        ANNA, CREATE, sla={"targets": {"response": "1s", "resolution": "1h"}}
    )
    assert (refused["code"], refused["reason"]) == ("forbidden", "role_required")
    assert (refused["field"], refused["allowedRoles"]) == ("sla.targets", ["admin", "group_member"])


@pytest.mark.parametrize("text", ["5", "PT", "P1M", "1.5h", "", "PT0S", "3651d", 5, None])
async def test_an_invalid_duration_is_refused(shared_api: Api, text: object) -> None:
    requested = {"targets": {"response": text, "resolution": "1h"}}
    [error] = (await shared_api.ask(ANNA, CREATE, sla=requested))["errors"]
    assert error["extensions"]["code"] == "invalid_variables"
