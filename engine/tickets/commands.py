"""What people send: the forms that create or change a ticket, checked before anything happens."""

import re
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from engine import limits
from engine.declaration.durations import parse_duration
from engine.errors import InvalidInput
from engine.validation_messages import describe_error
from engine.vocabulary import SYSTEM, Priority, Status

CONTROLS: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
BREAKS: Final = r"\t\n\r\u2028\u2029"
CONTROL_CHARACTERS: Final = re.compile(f"[{CONTROLS}]")
LINE_BREAK: Final = re.compile(f"[{BREAKS}]")
VISIBLE_ASCII: Final = re.compile(r"[!-~]*")


def in_schema(**keywords: JsonValue) -> Any:  # noqa: ANN401  # as pydantic types its fields
    """Return what a JSON Schema says of text beside its length: nearly what the functions check."""
    return Field(json_schema_extra=keywords)


def without(characters: str) -> str:
    """Return the pattern of text that has none of these characters."""
    return f"^[^{characters}]*$"


def visible_without(characters: str) -> str:
    """Return the pattern of text that also has something to see."""
    return rf"^[^{characters}]*[^{characters}\s][^{characters}]*$"


TEXT_SCHEMA: Final = in_schema(pattern=without(CONTROLS))
VISIBLE_TEXT: Final = in_schema(pattern=visible_without(CONTROLS))
LINE_SCHEMA: Final = in_schema(pattern=visible_without(CONTROLS + BREAKS))
DURATION_IN_SCHEMA: Final = (
    r"^(?=.*[1-9])(([0-9]{1,3}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?"
    r"|P([0-9]{1,3}D)?(T([0-9]{1,4}H)?([0-9]{1,5}M)?([0-9]{1,7}S)?)?)$"
)
"""What is surely within the bounds; others may be."""


def check_printable(text: str) -> str:
    """Refuse control characters, tab and line breaks aside; PostgreSQL stores no NUL."""
    if found := CONTROL_CHARACTERS.search(text):
        raise PydanticCustomError(
            "unprintable",
            "must not hold the character U+{code} (at {position})",
            {"code": f"{ord(found.group()):04X}", "position": found.start()},
        )
    return text


def check_single_line(text: str) -> str:
    """Refuse a text of several lines."""
    if found := LINE_BREAK.search(text):
        message = "must be one line without tabs (found one at {position})"
        raise PydanticCustomError("several_lines", message, {"position": found.start()})
    return text


def not_blank(text: str) -> str:
    """Refuse a name that nobody can see."""
    if not text.strip():
        raise PydanticCustomError("blank", "must not be blank")
    return text


def visible_ascii(text: str) -> str:
    """Refuse anything but visible ASCII, so that a key is the same key in a header and a log."""
    if not VISIBLE_ASCII.fullmatch(text):
        raise PydanticCustomError("not_visible_ascii", "must be visible ASCII without spaces")
    return text


def duration_in(given: object) -> timedelta:
    """Return a duration that was written as text, or is one already."""
    if isinstance(given, timedelta):
        return given
    try:
        return parse_duration(given if isinstance(given, str) else "")
    except ValueError as error:
        raise PydanticCustomError("wrong_duration", "{why}", {"why": str(error)}) from None


def a_person(user: str) -> str:
    """Refuse the name of the actor of automatic events."""
    if user == SYSTEM:
        raise PydanticCustomError("system_user", "must be a person; system is reserved")
    return user


def without_repetition(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that names the same twice."""
    for place, name in enumerate(names):
        if name in names[:place]:
            raise PydanticCustomError("repeated", "must not name {name} twice", {"name": name})
    return names


Title = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=limits.TITLE_CHARACTERS, strict=True
    ),
    AfterValidator(check_printable),
    AfterValidator(check_single_line),
    LINE_SCHEMA,
]
Description = Annotated[
    str,
    StringConstraints(max_length=limits.TICKET_DESCRIPTION_CHARACTERS, strict=True),
    AfterValidator(check_printable),
    TEXT_SCHEMA,
]
CommentText = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=limits.COMMENT_CHARACTERS, strict=True
    ),
    AfterValidator(check_printable),
    VISIBLE_TEXT,
]
UserId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.USER_ID_CHARACTERS, strict=True),
    AfterValidator(check_printable),
    AfterValidator(check_single_line),
    AfterValidator(not_blank),
    AfterValidator(a_person),
    in_schema(pattern=visible_without(CONTROLS + BREAKS), **{"not": {"const": SYSTEM}}),
]
ServicePath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.SERVICE_PATH_CHARACTERS, strict=True),
    AfterValidator(check_printable),
    TEXT_SCHEMA,
]
GroupName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.GROUP_CHARACTERS, strict=True),
    AfterValidator(check_printable),
    AfterValidator(check_single_line),
    AfterValidator(not_blank),
    LINE_SCHEMA,
]
IdempotencyKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.IDEMPOTENCY_KEY_CHARACTERS, strict=True),
    AfterValidator(visible_ascii),
    in_schema(pattern=f"^{VISIBLE_ASCII.pattern}$"),
]
Reference = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.REFERENCE_CHARACTERS, strict=True),
    AfterValidator(check_printable),
    TEXT_SCHEMA,
]
"""What the request names something by that may or may not be there."""
Version = Annotated[int, Field(gt=0, lt=2**31, strict=True)]
Duration = Annotated[
    timedelta,
    BeforeValidator(duration_in),
    WithJsonSchema({"type": "string", "pattern": DURATION_IN_SCHEMA}),
]


class InputModel(BaseModel):
    """The base of what people fill in: immutable, and no unknown field."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def parse(cls, **values: object) -> Self:
        """Return the filled-in form.

        Raises:
            InvalidInput: with every complaint in `problems`, each naming its field.

        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = [problem_of(each) for each in error.errors(include_url=False)]
            text = "; ".join(f"{each['field']}: {each['message']}" for each in problems)
            raise InvalidInput(f"{text}.", problems=problems) from None


class Command(InputModel):
    """The base of every form.

    Attributes:
        idempotency_key: the same key by the same actor carries a request out once only.

    """

    idempotency_key: IdempotencyKey | None = None


class RequestedTargets(BaseModel):
    """What the person who opens a ticket has agreed with somebody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    response: Duration
    resolution: Duration


class RequestedSla(BaseModel):
    """What shall be promised: what the priority promises, now and when it changes, or targets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by_priority: StrictBool = False
    targets: RequestedTargets | None = None

    @model_validator(mode="after")
    def is_one(self) -> Self:
        """Refuse both, and neither."""
        if self.by_priority == (self.targets is not None):
            raise PydanticCustomError("not_one", "must be either byPriority or targets")
        return self


class CreateTicket(Command):
    """The empty form: everything by hand.

    Attributes:
        sla: what shall be promised; nothing if it is None.

    """

    title: Title
    description: Description = ""
    priority: Priority = Priority.MEDIUM
    workflow: Reference
    assignee: UserId | None = None
    assignee_group: GroupName | None = None
    sla: RequestedSla | None = None


class CreateTicketFromCatalog(Command):
    """Open a ticket from a catalog item, which says everything else.

    Attributes:
        title: if None, the item's name for people.
        description: if None, empty.

    """

    item: Reference
    title: Title | None = None
    description: Description | None = None


class ChangeCommand(Command):
    """The base of the forms that change a ticket.

    Attributes:
        expected_version: refuse if the ticket has moved on from this version.

    """

    ticket: Reference
    expected_version: Version | None = None


class TransitionTicket(ChangeCommand):
    """Move a ticket to another status."""

    to: Status


class TransitionTickets(Command):
    """Move tickets to another status, each for itself."""

    ids: Annotated[
        tuple[Reference, ...],
        Field(min_length=1, max_length=limits.BULK_TICKETS),
        AfterValidator(without_repetition),
    ]
    to: Status

    def each(self) -> Iterator[TransitionTicket]:
        """Yield the form of each ticket, under a key of its own if there is a key."""
        for ticket in self.ids:
            key = self.idempotency_key and sha256(f"{self.idempotency_key} {ticket}".encode())
            yield TransitionTicket(
                ticket=ticket, to=self.to, idempotency_key=key and key.hexdigest()
            )


class AssignTicket(ChangeCommand):
    """Hand a ticket to somebody; to nobody (None) puts it back into the queue."""

    assignee: UserId | None


class CommentTicket(ChangeCommand):
    """Say something about a ticket.

    Attributes:
        internal: for the assignee's side only.

    """

    text: CommentText
    internal: Annotated[bool, Field(strict=True)] = False


class UpdateTicket(ChangeCommand):
    """Change what a ticket says of itself; None leaves a field as it is."""

    title: Title | None = None
    description: Description | None = None
    priority: Priority | None = None


def problem_of(error: ErrorDetails) -> dict[str, str]:
    """Return one complaint about a form: which field (as the API names it), and what is wrong."""
    field = to_camel(".".join(map(str, error["loc"])))
    return {"field": field, "message": describe_error(error)}
