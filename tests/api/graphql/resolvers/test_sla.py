"""What was promised for a ticket, through the API."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.storage.postgres.database import Database
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.reader import read_ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.api_client import Api
from tests.support.declared_resources import declare
from tests.support.personas import ANNA

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
    history { nodes { kind from to actor } }
  }
}
"""
MOVE = """
mutation ($id: ID!, $to: Status!) { transitionTicket(id: $id, to: $to) { ticket { updatedAt } } }
"""
UPDATE = """
mutation ($id: ID!, $priority: Priority!) {
  updateTicket(id: $id, priority: $priority) { ticket { sla { responseDueAt resolutionDueAt } } }
}
"""


async def opened(api: Api, sla: object = None) -> str:
    created = await api.data(ANNA, CREATE, sla=sla)
    ticket: str = created["createTicket"]["ticket"]["id"]
    return ticket


async def shown(api: Api, ticket: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await api.data(ANNA, SLA, id=ticket))["ticket"]
    return answer


def after(moment: str, **time: float) -> str:
    """Return a moment so long after another."""
    at = datetime.fromisoformat(moment) + timedelta(**time)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_from_an_empty_form_nothing_is_promised_unless_it_asks(api: Api) -> None:
    assert (await shown(api, await opened(api)))["sla"] is None


async def test_what_the_priority_promises_is_told_with_its_reasons(api: Api) -> None:
    ticket = await opened(api, {"byPriority": True})
    answer = await shown(api, ticket)
    at, sla = answer["createdAt"], answer["sla"]
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
                    "text": "response promised by the priority HIGH",
                    "at": None,
                    "adds": "PT30M",
                },
                {"text": "due", "at": after(at, minutes=30), "adds": None},
            ],
            "resolution": [
                {"text": "opened", "at": at, "adds": None},
                {
                    "text": "resolution promised by the priority HIGH",
                    "at": None,
                    "adds": "PT8H",
                },
                {"text": "due", "at": after(at, hours=8), "adds": None},
            ],
        },
    }


AGREED = [("5m", "1h30m"), ("PT5M", "PT1H30M"), ("PT300S", "90m")]


@pytest.mark.parametrize("targets", AGREED)
async def test_targets_are_agreed_on_in_either_form(api: Api, targets: tuple[str, str]) -> None:
    asked = dict(zip(("response", "resolution"), targets, strict=True))
    answer = await shown(api, await opened(api, {"targets": asked}))
    sla, at = answer["sla"], answer["createdAt"]
    assert sla["responseDueAt"] == after(at, minutes=5)
    assert sla["resolutionDueAt"] == after(at, minutes=90)


async def test_the_timers_follow_the_ticket(api: Api) -> None:
    ticket = await opened(api, {"byPriority": True})
    moved = [
        (await api.data(ANNA, MOVE, id=ticket, to=to))["transitionTicket"]["ticket"]["updatedAt"]
        for to in ("IN_PROGRESS", "RESOLVED")
    ]
    sla = (await shown(api, ticket))["sla"]
    assert [sla["respondedAt"], sla["resolvedAt"]] == moved
    assert (sla["responseRemaining"], sla["resolutionRemaining"]) == (None, None)


async def test_another_priority_promises_anew(api: Api) -> None:
    ticket = await opened(api, {"byPriority": True})
    at = (await shown(api, ticket))["createdAt"]
    changed = await api.data(ANNA, UPDATE, id=ticket, priority="CRITICAL")
    assert changed["updateTicket"]["ticket"]["sla"] == {
        "responseDueAt": after(at, minutes=5),
        "resolutionDueAt": after(at, hours=2),
    }


async def test_a_missed_target_stands_in_the_history(api: Api, database: Database) -> None:
    ticket = await opened(api, {"byPriority": True})
    created_at = (await read_ticket(database, SYSTEM_VIEWER, ticket)).created_at
    await sweep_due_times(database, created_at + timedelta(minutes=31))
    answer = await shown(api, ticket)
    assert answer["history"]["nodes"][-1] == {
        "kind": "SLA_BREACH",
        "from": None,
        "to": "response",
        "actor": "system",
    }
    assert answer["sla"]["responseBreached"]


async def test_only_working_time_counts_by_a_calendar(api: Api, database: Database) -> None:
    mondays = {"name": "mondays", "timeZone": "UTC", "hours": {"monday": ["09:00-10:00"]}}
    sla_of_high = {"response": "PT1H", "calendar": "mondays"}
    await declare(database, calendars=[mondays], sla={"HIGH": sla_of_high})
    sla = (await shown(api, await opened(api, {"byPriority": True})))["sla"]
    assert sla["responseDueAt"].endswith("T10:00:00Z")
    texts = [reason["text"] for reason in sla["explanation"]["response"]]
    assert "only working hours of mondays count" in texts


REFUSED = {
    "neither": ({}, "sla: must be either byPriority or targets"),
    "both": (
        {"byPriority": True, "targets": {"response": "5m", "resolution": "1h"}},
        "sla: must be either byPriority or targets",
    ),
}


@pytest.mark.parametrize(("asked", "words"), REFUSED.values(), ids=REFUSED)
async def test_one_thing_is_promised(api: Api, asked: object, words: str) -> None:
    answer = await api.ask(ANNA, CREATE, sla=asked)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "invalid_input"
    assert words in error["message"]


@pytest.mark.parametrize("text", ["5", "PT", "P1M", "1.5h", "", "PT0S", "3651d", 5, None])
async def test_what_is_no_duration_is_refused(api: Api, text: object) -> None:
    asked = {"targets": {"response": text, "resolution": "1h"}}
    [error] = (await api.ask(ANNA, CREATE, sla=asked))["errors"]
    assert error["extensions"]["code"] == "invalid_variables"
