"""Commands: the limits of each field, and all problems at once."""

import unicodedata
from collections.abc import Mapping

import pytest

from engine import limits
from engine.errors import InvalidInput
from engine.tickets.bulk_commands import BulkCommand, TransferTickets, TransitionTickets
from engine.tickets.commands import (
    AssignTicket,
    AssignToMe,
    Command,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    StartTicket,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.vocabulary import Priority, Status

VALID: dict[type[Command], dict[str, object]] = {
    CreateTicket: {"title": "Payments fail", "workflow": "incident_response"},
    CreateTicketFromCatalog: {"item": "network_outage"},
    TransitionTicket: {"ticket": "tk_4f8e29", "to": "IN_PROGRESS"},
    StartTicket: {"ticket": "tk_4f8e29"},
    AssignToMe: {"ticket": "tk_4f8e29"},
    AssignTicket: {"ticket": "tk_4f8e29", "assignee": "u_c4"},
    TransferTicket: {"ticket": "tk_4f8e29", "assignee_group": "network-team"},
    CommentTicket: {"ticket": "tk_4f8e29", "text": "Looking"},
    UpdateTicket: {"ticket": "tk_4f8e29"},
}

NOT_TEXT = "must be text"
NO_TEXT = "must not be empty"
NOTHING_VISIBLE = "must contain a visible character"
NOT_ONE_LINE = "must be one line without tabs (line break or tab at position 1)"
NOT_A_PRIORITY = "must be 'CRITICAL', 'HIGH', 'MEDIUM' or 'LOW'"
NOT_A_STATUS = "must be 'OPEN', 'IN_PROGRESS', 'RESOLVED' or 'CLOSED'"
NOT_A_NUMBER = "must be a whole number"
NOT_VISIBLE = "must contain only visible ASCII characters and no spaces"


def more_than(characters: int) -> str:
    return "x" * (characters + 1)


def at_most(characters: int) -> str:
    return f"must have at most {characters:,} characters"


Messages = dict[object, str]

ANY_TEXT: Messages = {
    1: NOT_TEXT,
    False: NOT_TEXT,
    b"bytes": NOT_TEXT,
    ("a", "b"): NOT_TEXT,
    "a\0b": "must not contain the character U+0000 (at position 1)",
    "\x1b[31m": "must not contain the character U+001B (at position 0)",
    "a\x0bb": "must not contain the character U+000B (at position 1)",
    "del\x7f": "must not contain the character U+007F (at position 3)",
    "next\x85line": "must not contain the character U+0085 (at position 4)",
    "half \ud83d": "must be valid Unicode text",
}
ONE_LINE: Messages = ANY_TEXT | {
    "a\nb": NOT_ONE_LINE,
    "a\rb": NOT_ONE_LINE,
    "a\tb": NOT_ONE_LINE,
    "a\u2028b": NOT_ONE_LINE,
    "a\u2029b": NOT_ONE_LINE,
}
INVISIBLE: Messages = dict.fromkeys(
    (
        "\u200b",
        "\u200b \u2060\ufeff",
        "\u00ad\u200d",
        "\u2800",
        "\u3164\u115f\uffa0",
        "\ufe0f",
        "\U000e0041",
        "\u2066\u2069",
    ),
    NOTHING_VISIBLE,
)
NAME: Messages = (
    ONE_LINE
    | INVISIBLE
    | {
        f"a{control}b": (
            f"must not contain U+{ord(control):04X} ({unicodedata.name(control)}),"
            " which changes the direction of writing (at position 1)"
        )
        for control in "\u061c\u200e\u200f\u202a\u202d\u202e\u2066\u2068\u2069"
    }
)
TITLE: Messages = NAME | {
    "": NO_TEXT,
    " \n\t\u3000": NO_TEXT,
    more_than(limits.TITLE_CHARACTERS): at_most(limits.TITLE_CHARACTERS),
}
DESCRIPTION: Messages = ANY_TEXT | {
    more_than(limits.TICKET_DESCRIPTION_CHARACTERS): at_most(limits.TICKET_DESCRIPTION_CHARACTERS),
}
COMMENT: Messages = (
    ANY_TEXT
    | INVISIBLE
    | {
        "": NO_TEXT,
        " \n": NO_TEXT,
        more_than(limits.COMMENT_CHARACTERS): at_most(limits.COMMENT_CHARACTERS),
    }
)
PRIORITY: Messages = {
    "URGENT": NOT_A_PRIORITY,
    "low": NOT_A_PRIORITY,
    "": NOT_A_PRIORITY,
    1: NOT_A_PRIORITY,
}
USER: Messages = NAME | {
    "": NO_TEXT,
    " \u3000": NOTHING_VISIBLE,
    "system": "must be the id of a user; system is reserved",
    more_than(limits.USER_ID_CHARACTERS): at_most(limits.USER_ID_CHARACTERS),
}
GROUP: Messages = NAME | {
    "": NO_TEXT,
    " \u3000": NOTHING_VISIBLE,
    more_than(limits.GROUP_CHARACTERS): at_most(limits.GROUP_CHARACTERS),
}
REFERENCE: Messages = ANY_TEXT | {
    None: NOT_TEXT,
    "": NO_TEXT,
    more_than(limits.REFERENCE_CHARACTERS): at_most(limits.REFERENCE_CHARACTERS),
}
KEY: Messages = {
    1: NOT_TEXT,
    b"bytes": NOT_TEXT,
    "": NO_TEXT,
    "two words": NOT_VISIBLE,
    "k\n": NOT_VISIBLE,
    "k\0": NOT_VISIBLE,
    "ké": NOT_VISIBLE,
    more_than(limits.IDEMPOTENCY_KEY_CHARACTERS): at_most(limits.IDEMPOTENCY_KEY_CHARACTERS),
}
VERSION: Messages = {
    0: "must be greater than 0",
    -1: "must be greater than 0",
    2**31: "must be less than 2,147,483,648",
    "1": NOT_A_NUMBER,
    2.0: NOT_A_NUMBER,
    True: NOT_A_NUMBER,
}
REFUSED: dict[tuple[type[Command], str], Messages] = {
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
    (TransferTicket, "assigneeGroup"): GROUP,
    (CommentTicket, "text"): COMMENT | {None: NOT_TEXT},
    (TransitionTicket, "comment"): COMMENT,
    (StartTicket, "comment"): COMMENT,
    **{
        (command, "internal"): {
            True: "must not be true without a comment",
            None: "must be true or false",
            "yes": "must be true or false",
        }
        for command in (TransitionTicket, StartTicket)
    },
    (CommentTicket, "internal"): dict.fromkeys((None, 1, "yes"), "must be true or false"),
    (UpdateTicket, "title"): TITLE,
    (UpdateTicket, "description"): DESCRIPTION,
    (UpdateTicket, "priority"): PRIORITY,
}
ROWS = [
    (command, field, value, message)
    for (command, field), messages in REFUSED.items()
    for value, message in messages.items()
]


def attribute_of(field: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in field)


def refusal(command: type[Command], values: Mapping[str, object]) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        command.parse(**values)
    return refused.value


def problems(command: type[Command], values: Mapping[str, object]) -> dict[str, str]:
    """Return the messages for these values, by field."""
    found = refusal(command, values).details["problems"]
    assert isinstance(found, list)
    return {each["field"]: each["message"] for each in found}


@pytest.mark.parametrize(
    ("command", "field", "value", "message"),
    ROWS,
    ids=[f"{command.__name__}.{field} {value!r:.24}" for command, field, value, _ in ROWS],
)
def test_a_field_refuses(command: type[Command], field: str, value: object, message: str) -> None:
    values = VALID[command] | {attribute_of(field): value}
    assert problems(command, values) == {field: message}


ACCEPTED: dict[str, tuple[type[Command], str, object, object]] = {
    "a title of the maximum length": (CreateTicket, "title", "x" * 200, "x" * 200),
    "a title, without surrounding whitespace": (CreateTicket, "title", "\n A b ", "A b"),
    "a title outside the basic plane": (CreateTicket, "title", "\U0001f525 é", "\U0001f525 é"),
    "no description": (CreateTicket, "description", "", ""),
    "lines and tabs, unchanged": (CreateTicket, "description", " a\r\n\tb ", " a\r\n\tb "),
    "a priority": (CreateTicket, "priority", "LOW", Priority.LOW),
    "no assignee": (CreateTicket, "assignee", None, None),
    "no group at first": (CreateTicket, "assignee_group", None, None),
    "a group of several words": (CreateTicket, "assignee_group", "Payment Team", "Payment Team"),
    "a key of all kinds of visible ASCII characters": (
        CreateTicket,
        "idempotency_key",
        "!aZ0~",
        "!aZ0~",
    ),
    "a status": (TransitionTicket, "to", "CLOSED", Status.CLOSED),
    "the largest version": (TransitionTicket, "expected_version", 2**31 - 1, 2**31 - 1),
    "no assignee, for the queue": (AssignTicket, "assignee", None, None),
    "no group": (TransferTicket, "assignee_group", None, None),
    "a comment of several lines": (CommentTicket, "text", " a\n\tb\n", "a\n\tb"),
    "an unchanged title": (UpdateTicket, "title", None, None),
    "an empty description": (UpdateTicket, "description", "", ""),
}


@pytest.mark.parametrize(
    ("command", "field", "value", "parsed"),
    ACCEPTED.values(),
    ids=[f"accepts {each}" for each in ACCEPTED],
)
def test_a_field(command: type[Command], field: str, value: object, parsed: object) -> None:
    parsed_command = command.parse(**VALID[command] | {field: value})
    assert getattr(parsed_command, field) == parsed


def test_a_new_ticket_requires_a_title_and_a_workflow() -> None:
    command = CreateTicket.parse(title="Printer", workflow="service_request")
    assert command.model_dump() == {
        "idempotency_key": None,
        "title": "Printer",
        "description": "",
        "priority": Priority.MEDIUM,
        "workflow": "service_request",
        "requester": None,
        "assignee": None,
        "assignee_group": None,
        "sla": None,
    }


def test_a_ticket_from_an_item_takes_only_texts_and_a_requester() -> None:
    assert set(CreateTicketFromCatalog.model_fields) == {
        *("item", "title", "description", "requester"),
        "idempotency_key",
    }


def test_a_refusal_is_one_sentence() -> None:
    refused = refusal(CreateTicket, {"title": " ", "workflow": "access_request", "colour": "red"})
    assert refused.message == ("title: must not be empty; colour: is not a known field.")


MISSING: dict[type[Command], set[str]] = {
    CreateTicket: {"title", "workflow"},
    CreateTicketFromCatalog: {"item"},
    TransitionTicket: {"ticket", "to"},
    StartTicket: {"ticket"},
    AssignToMe: {"ticket"},
    AssignTicket: {"ticket", "assignee"},
    TransferTicket: {"ticket", "assigneeGroup"},
    CommentTicket: {"ticket", "text"},
    UpdateTicket: {"ticket"},
}


@pytest.mark.parametrize("command", MISSING)
def test_all_missing_fields_are_reported(command: type[Command]) -> None:
    assert problems(command, {}) == dict.fromkeys(MISSING[command], "is missing")


def test_all_problems_are_reported_at_once_with_the_field_names_of_the_api() -> None:
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
    "not a list": ("tk_1", "must be a list"),
    "a repeated id": (("tk_1", "tk_1"), "must not contain tk_1 twice"),
}


BULK: dict[type[BulkCommand], dict[str, object]] = {
    TransitionTickets: {"to": "OPEN"},
    TransferTickets: {"assignee_group": "network-team"},
}


@pytest.mark.parametrize(("ids", "message"), NO_TICKETS.values(), ids=NO_TICKETS)
@pytest.mark.parametrize("command", BULK)
def test_an_invalid_list_of_tickets_is_refused(
    command: type[BulkCommand], ids: object, message: str
) -> None:
    assert problems(command, BULK[command] | {"ids": ids}) == {"ids": message}


def test_each_ticket_of_a_bulk_command_has_an_idempotency_key_of_its_own() -> None:
    ids = ("tk_000001", "tk_000002")
    keyed = TransferTickets.parse(ids=ids, assignee_group=None, idempotency_key="k")
    keys = [keyed.command_for(each).idempotency_key for each in ids]
    assert len({*keys}) == len(ids)
    assert keys == [keyed.command_for(each).idempotency_key for each in ids]
    without = TransferTickets.parse(ids=ids, assignee_group="network-team")
    assert [without.command_for(each) for each in ids] == [
        TransferTicket(ticket=each, assignee_group="network-team") for each in ids
    ]


@pytest.mark.parametrize("command", BULK)
def test_a_malformed_id_is_an_error_for_one_ticket_only(command: type[BulkCommand]) -> None:
    bulk = command.parse(**BULK[command], ids=("tk_000001", "", "x" * 999))
    assert isinstance(bulk, TransitionTickets | TransferTickets)
    assert bulk.command_for("tk_000001").ticket == "tk_000001"
    for malformed in bulk.ids[1:]:
        with pytest.raises(InvalidInput):
            bulk.command_for(malformed)


@pytest.mark.parametrize("command", VALID)
def test_an_unknown_field_is_refused(command: type[Command]) -> None:
    values = VALID[command] | {"status": "CLOSED"}
    assert problems(command, values) == {"status": "is not a known field"}


VISIBLE = {
    "an emoji with a variation selector": "\u26a0\ufe0f",
    "a flag of tag characters": "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "a family": "\U0001f469\u200d\U0001f467",
    "Persian with a non-joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Hebrew": "\u05e9\u05dc\u05d5\u05dd",
    "one visible character": "\u200bx",
}


@pytest.mark.parametrize("text", VISIBLE.values(), ids=VISIBLE)
def test_a_text_with_a_visible_character_is_accepted(text: str) -> None:
    assert CreateTicket.parse(title=text, workflow="w").title == text
    assert CommentTicket.parse(ticket="tk_4f8e29", text=text).text == text


def test_a_comment_can_change_the_direction_of_writing() -> None:
    text = "\u2067\u05e9\u05dc\u05d5\u05dd\u2069 prod"
    assert CommentTicket.parse(ticket="tk_4f8e29", text=text).text == text
