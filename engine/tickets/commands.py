"""The commands that create or change a ticket, as validated input.

The JSON Schema keywords of a field describe its validators approximately.
"""

import re
from datetime import timedelta
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
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from engine import limits
from engine.declaration.durations import parse_duration
from engine.errors import InvalidInput
from engine.invisible_characters import (
    BIDIRECTIONAL_CONTROLS,
    IGNORABLE,
    describe_character,
    find_bidirectional_control,
    has_visible_character,
)
from engine.tickets.history import EntryKind
from engine.validation_messages import describe_error
from engine.vocabulary import SYSTEM, Priority, Status

_CONTROLS: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_LINE_BREAKS: Final = r"\t\n\r\u2028\u2029"
CONTROL_CHARACTERS: Final = re.compile(f"[{_CONTROLS}]")
_LINE_BREAK: Final = re.compile(f"[{_LINE_BREAKS}]")
_VISIBLE_ASCII: Final = re.compile(r"[!-~]*")


def _json_schema(**keywords: JsonValue) -> Any:  # noqa: ANN401  # as pydantic types its fields
    return Field(json_schema_extra=keywords)


def _visible_without(characters: str) -> str:
    """Return a pattern for text with a visible character and without the given characters."""
    return rf"^[^{characters}]*[^{characters}\s{IGNORABLE}][^{characters}]*$"


TEXT_SCHEMA: Final = _json_schema(pattern=f"^[^{_CONTROLS}]*$")
_NOT_IN_LINES: Final = _CONTROLS + _LINE_BREAKS + BIDIRECTIONAL_CONTROLS
LINE_SCHEMA: Final = _json_schema(pattern=_visible_without(_NOT_IN_LINES))
_DURATION_PATTERN: Final = (
    r"^(?=.*[1-9])(([0-9]{1,3}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?"
    r"|P([0-9]{1,3}D)?(T([0-9]{1,4}H)?([0-9]{1,5}M)?([0-9]{1,7}S)?)?)$"
)
"""Matches only durations within the limits, but not all of them."""


def check_printable(text: str) -> str:
    """Refuse control characters except tab and line breaks; PostgreSQL cannot store NUL."""
    if found := CONTROL_CHARACTERS.search(text):
        raise PydanticCustomError(
            "unprintable",
            "must not contain the character U+{code} (at position {position})",
            {"code": f"{ord(found.group()):04X}", "position": found.start()},
        )
    return text


def _check_line(text: str) -> str:
    """Refuse control characters, tabs and line breaks."""
    if found := _LINE_BREAK.search(check_printable(text)):
        message = "must be one line without tabs (line break or tab at position {position})"
        raise PydanticCustomError("several_lines", message, {"position": found.start()})
    return text


def _check_visible(text: str) -> str:
    """Refuse a text in which a reader cannot see anything."""
    if not has_visible_character(text):
        raise PydanticCustomError("blank", "must contain a visible character")
    return text


def check_name(text: str) -> str:
    """Refuse a text that is not one visible line, or that can look like another one."""
    _check_visible(_check_line(text))
    if (index := find_bidirectional_control(text)) is not None:
        raise PydanticCustomError(
            "bidirectional",
            "must not contain {character}, which changes the direction of writing (at position"
            " {position})",
            {"character": describe_character(text[index]), "position": index},
        )
    return text


def _check_user(user: str) -> str:
    if check_name(user) == SYSTEM:
        raise PydanticCustomError("system_user", "must be the id of a user; system is reserved")
    return user


def _check_visible_ascii(text: str) -> str:
    """Refuse all other characters, so that a key is the same text in a header and in a log."""
    if not _VISIBLE_ASCII.fullmatch(text):
        message = "must contain only visible ASCII characters and no spaces"
        raise PydanticCustomError("not_visible_ascii", message)
    return text


def _check_has_comment(internal: bool, info: ValidationInfo) -> bool:  # noqa: FBT001  # pydantic
    if internal and "comment" in info.data and info.data["comment"] is None:
        raise PydanticCustomError("no_comment", "must not be true without a comment")
    return internal


def _parse_duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        raise PydanticCustomError("wrong_duration", "{why}", {"why": str(error)}) from None


def text_length(most: int, *, least: int | None = 1, strip: bool = False) -> StringConstraints:
    """Return constraints for the length of a text; `strip` removes surrounding whitespace first."""
    return StringConstraints(strip_whitespace=strip, min_length=least, max_length=most, strict=True)


Title = Annotated[
    str, text_length(limits.TITLE_CHARACTERS, strip=True), AfterValidator(check_name), LINE_SCHEMA
]
Description = Annotated[
    str,
    text_length(limits.TICKET_DESCRIPTION_CHARACTERS, least=None),
    AfterValidator(check_printable),
    TEXT_SCHEMA,
]
CommentText = Annotated[
    str,
    text_length(limits.COMMENT_CHARACTERS, strip=True),
    AfterValidator(check_printable),
    AfterValidator(_check_visible),
    _json_schema(pattern=_visible_without(_CONTROLS)),
]
IsCommentInternal = Annotated[bool, Field(strict=True), AfterValidator(_check_has_comment)]
"""Whether the `comment` of the same command is an internal note."""
UserId = Annotated[
    str,
    text_length(limits.USER_ID_CHARACTERS),
    AfterValidator(_check_user),
    _json_schema(pattern=_visible_without(_NOT_IN_LINES), **{"not": {"const": SYSTEM}}),
]
GroupName = Annotated[
    str, text_length(limits.GROUP_CHARACTERS), AfterValidator(check_name), LINE_SCHEMA
]
ServicePath = Annotated[
    str, text_length(limits.SERVICE_PATH_CHARACTERS), AfterValidator(check_printable), TEXT_SCHEMA
]
Reference = Annotated[
    str, text_length(limits.REFERENCE_CHARACTERS), AfterValidator(check_printable), TEXT_SCHEMA
]
"""A name or an id, which may or may not exist."""
IdempotencyKey = Annotated[
    str,
    text_length(limits.IDEMPOTENCY_KEY_CHARACTERS),
    AfterValidator(_check_visible_ascii),
    _json_schema(pattern=f"^{_VISIBLE_ASCII.pattern}$"),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_parse_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION_PATTERN}),
]


class InputModel(BaseModel):
    """The base of user input: immutable, and without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def parse(cls, **values: object) -> Self:
        """Return the validated input.

        Raises:
            InvalidInput: `problems` lists each invalid field, as the API names it, with a message.

        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = [
                {
                    "field": to_camel(".".join(map(str, each["loc"]))),
                    "message": describe_error(each),
                }
                for each in error.errors(include_url=False)
            ]
            text = "; ".join(f"{each['field']}: {each['message']}" for each in problems)
            raise InvalidInput(f"{text}.", problems=problems) from None


class Command(InputModel):
    """The base of the commands.

    Attributes:
        idempotency_key: the command is executed only once for each actor and key.

    """

    idempotency_key: IdempotencyKey | None = None


class RequestedTargets(InputModel):
    """SLA targets of one ticket, which admins and members of its assignee group can state."""

    response: Duration
    resolution: Duration


class RequestedSla(InputModel):
    """The SLA targets of a new ticket: those of its priority, also when it changes, or others."""

    by_priority: StrictBool = False
    targets: RequestedTargets | None = None

    @model_validator(mode="after")
    def _check_exactly_one(self) -> Self:
        if self.by_priority == (self.targets is not None):
            message = "must have either byPriority: true or targets"
            raise PydanticCustomError("not_one", message)
        return self


class CreateTicket(Command):
    """Create a ticket without a catalog item.

    Attributes:
        requester: the user whom the ticket is for; None for the actor.
        sla: None for a ticket without SLA targets.

    """

    title: Title
    description: Description = ""
    priority: Priority = Priority.MEDIUM
    workflow: Reference
    requester: UserId | None = None
    assignee: UserId | None = None
    assignee_group: GroupName | None = None
    sla: RequestedSla | None = None


class CreateTicketFromCatalog(Command):
    """Create a ticket from a catalog item, which decides everything but texts and requester.

    Attributes:
        title: None for the display name of the item.
        description: None for an empty description.
        requester: the user whom the ticket is for; None for the actor.

    """

    item: Reference
    title: Title | None = None
    description: Description | None = None
    requester: UserId | None = None


class ChangeCommand(Command):
    """The base of the commands that change a ticket.

    Attributes:
        expected_version: refuse if the ticket has another version.

    """

    ticket: Reference
    expected_version: Annotated[int, Field(gt=0, lt=2**31, strict=True)] | None = None


class OptionalComment(InputModel):
    """A comment that a transition adds, before its own entry.

    Attributes:
        internal: whether the comment is an internal note.

    """

    comment: CommentText | None = None
    internal: IsCommentInternal = False

    @property
    def comment_kind(self) -> EntryKind | None:
        """The kind of the entry of the comment; None without a comment."""
        if self.comment is None:
            return None
        return EntryKind.NOTE if self.internal else EntryKind.COMMENT


class TransitionTicket(OptionalComment, ChangeCommand):
    """Move a ticket to another status."""

    to: Status


class StartTicket(OptionalComment, ChangeCommand):
    """Assign a ticket to the actor and move it to IN_PROGRESS."""


class AssignTicket(ChangeCommand):
    """Assign a ticket to a user; None puts it back into the queue."""

    assignee: UserId | None


class AssignToMe(ChangeCommand):
    """Assign a ticket to the actor."""


class TransferTicket(ChangeCommand):
    """Change the assignee group of a ticket; None for no group."""

    assignee_group: GroupName | None


class CommentTicket(ChangeCommand):
    """Add a comment to a ticket.

    Attributes:
        internal: whether the comment is an internal note.

    """

    text: CommentText
    internal: Annotated[bool, Field(strict=True)] = False


class UpdateTicket(ChangeCommand):
    """Change the title, description or priority of a ticket; None keeps the current value."""

    title: Title | None = None
    description: Description | None = None
    priority: Priority | None = None
