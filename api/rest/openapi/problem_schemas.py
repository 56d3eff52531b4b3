"""What problem documents hold, as the OpenAPI document tells it; `problems` makes them."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.http.etags import PreconditionFailed
from engine.errors import ForbiddenTransition, InterlockError, InvalidInput
from engine.vocabulary import Status
from engine.workflows.explanation import Reason


class ProblemDocument(BaseModel):
    """Why a request was refused (RFC 9457), with whatever else a program can use."""

    model_config = ConfigDict(
        extra="allow", alias_generator=to_camel, use_attribute_docstrings=True
    )

    type: str
    """A URN that names the kind of problem: `urn:interlock:problem:` and its code."""
    title: str
    """The kind of problem, for people."""
    status: int
    """The status of the answer."""
    detail: str
    """What was wrong and what would be right, for people."""
    instance: str
    """The path that was asked for."""
    code: str
    """The kind of problem, for programs; it never changes its meaning."""
    request_id: str
    """Names the request in the server's log."""


class Complaint(BaseModel):
    """One thing that is wrong with a body."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    path: str
    """Where, as a JSON path such as `$.alerts[0].status`."""
    message: str
    """What is wrong."""


class WrongInput(ProblemDocument):
    """The request is not of the form that the operation takes."""

    code: Literal["invalid_input"]
    """The kind of problem."""
    problems: tuple[Complaint, ...] = ()
    """Everything that is wrong with the body, if it is that."""


class RefusedMove(ProblemDocument):
    """The workflow does not allow a transition to whoever asked."""

    code: Literal["forbidden_transition"]
    """The kind of problem."""
    ticket: str
    """The id of the ticket."""
    workflow: str
    """The name of its workflow."""
    source: Status = Field(alias="from")
    """Where the ticket stands."""
    target: Status = Field(alias="to")
    """The wanted status."""
    held: tuple[str, ...] = Field(alias="actorRoles")
    """What whoever asked is towards the ticket."""
    allowed: Literal[False]
    """Whether they may."""
    reason: Reason
    """Why not."""
    allowed_roles: tuple[str, ...]
    """What one would have to be; any one of them is enough."""
    available_statuses: tuple[Status, ...]
    """Where whoever asked may move the ticket now."""
    shortest_path: tuple[Status, ...]
    """The fewest moves that lead there, whoever makes them, both ends included."""


class MovedOn(ProblemDocument):
    """The ticket is not at the version that `If-Match` names."""

    code: Literal["version_conflict"]
    """The kind of problem."""
    ticket: str
    """The id of the ticket."""
    current_version: int
    """The version that it is at."""


DOCUMENTS: Final[Mapping[type[InterlockError], type[ProblemDocument]]] = {
    InvalidInput: WrongInput,
    ForbiddenTransition: RefusedMove,
    PreconditionFailed: MovedOn,
}
"""What tells of a refusal more than any problem document does."""


def document_of(refusal: type[InterlockError]) -> type[ProblemDocument]:
    """Return what a refusal is told by."""
    return DOCUMENTS.get(refusal, ProblemDocument)
