"""What people may send: each field's bounds, and every complaint at once."""

from collections.abc import Mapping

import pytest

from engine import limits
from engine.errors import InvalidInput
from engine.tickets.commands import (
    AssignTicket,
    Command,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransitionTicket,
    TransitionTickets,
    UpdateTicket,
)
from engine.vocabulary import Priority, Status

FILLED_IN: dict[type[Command], dict[str, object]] = {
    CreateTicket: {"title": "Payments fail", "workflow": "incident_response"},
    CreateTicketFromCatalog: {"item": "network_outage"},
    TransitionTicket: {"ticket": "tk_4f8e29", "to": "IN_PROGRESS"},
    AssignTicket: {"ticket": "tk_4f8e29", "assignee": "u_c4"},
    CommentTicket: {"ticket": "tk_4f8e29", "text": "Looking"},
    UpdateTicket: {"ticket": "tk_4f8e29"},
}

NOT_TEXT = "must be text"
NO_TEXT = "must not be empty"
NOT_ONE_LINE = "must be one line without tabs (found one at 1)"
NOT_A_PRIORITY = "must be 'CRITICAL', 'HIGH', 'MEDIUM' or 'LOW'"
NOT_A_STATUS = "must be 'OPEN', 'IN_PROGRESS', 'RESOLVED' or 'CLOSED'"
NOT_A_NUMBER = "must be a whole number"
NOT_VISIBLE = "must be visible ASCII without spaces"


def more_than(characters: int) -> str:
    return "x" * (characters + 1)


def at_most(characters: int) -> str:
    return f"must have at most {characters:,} characters"


Complaints = dict[object, str]

ANY_TEXT: Complaints = {
    1: NOT_TEXT,
    False: NOT_TEXT,
    b"bytes": NOT_TEXT,
    ("a", "b"): NOT_TEXT,
    "a\0b": "must not hold the character U+0000 (at 1)",
    "\x1b[31m": "must not hold the character U+001B (at 0)",
    "a\x0bb": "must not hold the character U+000B (at 1)",
    "del\x7f": "must not hold the character U+007F (at 3)",
    "next\x85line": "must not hold the character U+0085 (at 4)",
    "half \ud83d": "must be text in valid Unicode",
}
ONE_LINE: Complaints = ANY_TEXT | {
    "a\nb": NOT_ONE_LINE,
    "a\rb": NOT_ONE_LINE,
    "a\tb": NOT_ONE_LINE,
    "a\u2028b": NOT_ONE_LINE,
    "a\u2029b": NOT_ONE_LINE,
}
TITLE: Complaints = ONE_LINE | {
    "": NO_TEXT,
    " \n\t\u3000": NO_TEXT,
    more_than(limits.TITLE_CHARACTERS): at_most(limits.TITLE_CHARACTERS),
}
DESCRIPTION: Complaints = ANY_TEXT | {
    more_than(limits.TICKET_DESCRIPTION_CHARACTERS): at_most(limits.TICKET_DESCRIPTION_CHARACTERS),
}
PRIORITY: Complaints = {
    "URGENT": NOT_A_PRIORITY,
    "low": NOT_A_PRIORITY,
    "": NOT_A_PRIORITY,
    1: NOT_A_PRIORITY,
}
USER: Complaints = ONE_LINE | {
    "": NO_TEXT,
    " \u3000": "must not be blank",
    "system": "must be a person; system is reserved",
    more_than(limits.USER_ID_CHARACTERS): at_most(limits.USER_ID_CHARACTERS),
}
GROUP: Complaints = ONE_LINE | {
    "": NO_TEXT,
    " \u3000": "must not be blank",
    more_than(limits.GROUP_CHARACTERS): at_most(limits.GROUP_CHARACTERS),
}
REFERENCE: Complaints = ANY_TEXT | {
    None: NOT_TEXT,
    "": NO_TEXT,
    more_than(limits.REFERENCE_CHARACTERS): at_most(limits.REFERENCE_CHARACTERS),
}
KEY: Complaints = {
    1: NOT_TEXT,
    b"bytes": NOT_TEXT,
    "": NO_TEXT,
    "two words": NOT_VISIBLE,
    "k\n": NOT_VISIBLE,
    "k\0": NOT_VISIBLE,
    "ké": NOT_VISIBLE,
    more_than(limits.IDEMPOTENCY_KEY_CHARACTERS): at_most(limits.IDEMPOTENCY_KEY_CHARACTERS),
}
VERSION: Complaints = {
    0: "must be greater than 0",
    -1: "must be greater than 0",
    2**31: "must be less than 2,147,483,648",
    "1": NOT_A_NUMBER,
    2.0: NOT_A_NUMBER,
    True: NOT_A_NUMBER,
}
REFUSED: dict[tuple[type[Command], str], Complaints] = {
    (CreateTicket, "title"): TITLE | {None: NOT_TEXT},
    (CreateTicket, "description"): DESCRIPTION | {None: NOT_TEXT},
    (CreateTicket, "priority"): PRIORITY | {None: NOT_A_PRIORITY},
    (CreateTicket, "workflow"): REFERENCE,
    (CreateTicket, "assignee"): USER,
    (CreateTicket, "assigneeGroup"): GROUP,
    (CreateTicket, "idempotencyKey"): KEY,
    (CreateTicketFromCatalog, "item"): REFERENCE,
    (CreateTicketFromCatalog, "title"): TITLE,
    (CreateTicketFromCatalog, "description"): DESCRIPTION,
    (TransitionTicket, "ticket"): REFERENCE,
    (TransitionTicket, "to"): {None: NOT_A_STATUS, "DONE": NOT_A_STATUS, 1: NOT_A_STATUS},
    (TransitionTicket, "expectedVersion"): VERSION,
    (TransitionTicket, "idempotencyKey"): KEY,
    (AssignTicket, "assignee"): USER,
    (CommentTicket, "text"): ANY_TEXT
    | {
        None: NOT_TEXT,
        "": NO_TEXT,
        " \n": NO_TEXT,
        more_than(limits.COMMENT_CHARACTERS): at_most(limits.COMMENT_CHARACTERS),
    },
    (CommentTicket, "internal"): dict.fromkeys((None, 1, "yes"), "must be true or false"),
    (UpdateTicket, "title"): TITLE,
    (UpdateTicket, "description"): DESCRIPTION,
    (UpdateTicket, "priority"): PRIORITY,
}
ROWS = [
    (form, field, value, message)
    for (form, field), complaints in REFUSED.items()
    for value, message in complaints.items()
]


def in_python(field: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in field)


def refusal(form: type[Command], values: Mapping[str, object]) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        form.parse(**values)
    return refused.value


def problems(form: type[Command], values: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with these values, by field."""
    told = refusal(form, values).details["problems"]
    assert isinstance(told, list)
    return {each["field"]: each["message"] for each in told}


@pytest.mark.parametrize(
    ("form", "field", "value", "message"),
    ROWS,
    ids=[f"{form.__name__}.{field} {value!r:.24}" for form, field, value, _ in ROWS],
)
def test_a_field_refuses(form: type[Command], field: str, value: object, message: str) -> None:
    values = FILLED_IN[form] | {in_python(field): value}
    assert problems(form, values) == {field: message}


ACCEPTED: dict[str, tuple[type[Command], str, object, object]] = {
    "a title as long as they get": (CreateTicket, "title", "x" * 200, "x" * 200),
    "a title without the space around it": (CreateTicket, "title", "\n A b ", "A b"),
    "a title outside the basic plane": (CreateTicket, "title", "\U0001f525 é", "\U0001f525 é"),
    "no description": (CreateTicket, "description", "", ""),
    "lines and tabs, as they are": (CreateTicket, "description", " a\r\n\tb ", " a\r\n\tb "),
    "a priority": (CreateTicket, "priority", "LOW", Priority.LOW),
    "nobody": (CreateTicket, "assignee", None, None),
    "no group": (CreateTicket, "assignee_group", None, None),
    "a group of several words": (CreateTicket, "assignee_group", "Payment Team", "Payment Team"),
    "a key of every kind of visible ASCII": (CreateTicket, "idempotency_key", "!aZ0~", "!aZ0~"),
    "a status": (TransitionTicket, "to", "CLOSED", Status.CLOSED),
    "the last version there can be": (TransitionTicket, "expected_version", 2**31 - 1, 2**31 - 1),
    "handing back to the queue": (AssignTicket, "assignee", None, None),
    "a comment of several lines": (CommentTicket, "text", " a\n\tb\n", "a\n\tb"),
    "a title left as it is": (UpdateTicket, "title", None, None),
    "a description taken away": (UpdateTicket, "description", "", ""),
}


@pytest.mark.parametrize(
    ("form", "field", "value", "taken"),
    ACCEPTED.values(),
    ids=[f"takes {each}" for each in ACCEPTED],
)
def test_a_field(form: type[Command], field: str, value: object, taken: object) -> None:
    filled_in = form.parse(**FILLED_IN[form] | {field: value})
    assert getattr(filled_in, field) == taken


def test_an_empty_form_asks_for_little() -> None:
    form = CreateTicket.parse(title="Printer", workflow="service_request")
    assert form.model_dump() == {
        "idempotency_key": None,
        "title": "Printer",
        "description": "",
        "priority": Priority.MEDIUM,
        "workflow": "service_request",
        "assignee": None,
        "assignee_group": None,
        "sla": None,
    }


def test_an_item_leaves_nothing_but_the_texts_to_say() -> None:
    assert set(CreateTicketFromCatalog.model_fields) == {
        *("item", "title", "description"),
        "idempotency_key",
    }


def test_a_refusal_reads_as_one_sentence() -> None:
    refused = refusal(CreateTicket, {"title": " ", "workflow": "access_request", "colour": "red"})
    assert refused.message == ("title: must not be empty; colour: is not known here.")


MISSING: dict[type[Command], set[str]] = {
    CreateTicket: {"title", "workflow"},
    CreateTicketFromCatalog: {"item"},
    TransitionTicket: {"ticket", "to"},
    AssignTicket: {"ticket", "assignee"},
    CommentTicket: {"ticket", "text"},
    UpdateTicket: {"ticket"},
}


@pytest.mark.parametrize("form", MISSING)
def test_a_form_names_every_field_that_it_lacks(form: type[Command]) -> None:
    assert problems(form, {}) == dict.fromkeys(MISSING[form], "is missing")


def test_all_complaints_come_at_once_in_the_words_of_the_api() -> None:
    values = {
        "title": " ",
        "description": "\0",
        "priority": "HIGHEST",
        "assignee": "system",
        "assignee_group": "",
        "idempotency_key": "a b",
        "colour_of_mood": "red",
    }
    assert list(problems(CreateTicket, values)) == [
        "idempotencyKey",
        "title",
        "description",
        "priority",
        "workflow",
        "assignee",
        "assigneeGroup",
        "colourOfMood",
    ]


NO_TICKETS: dict[str, tuple[object, str]] = {
    "none": ((), "must not be empty"),
    "too many": (
        tuple(f"tk_{number}" for number in range(101)),
        "must have at most 100 entries",
    ),
    "no list": ("tk_1", "must be a list"),
    "one twice": (("tk_1", "tk_1"), "must not name tk_1 twice"),
}


@pytest.mark.parametrize(("ids", "message"), NO_TICKETS.values(), ids=NO_TICKETS)
def test_a_list_of_tickets_is_told_of_as_a_list(ids: object, message: str) -> None:
    assert problems(TransitionTickets, {"ids": ids, "to": "OPEN"}) == {"ids": message}


@pytest.mark.parametrize("form", FILLED_IN)
def test_a_form_takes_no_field_that_it_does_not_know(form: type[Command]) -> None:
    values = FILLED_IN[form] | {"status": "CLOSED"}
    assert problems(form, values) == {"status": "is not known here"}
