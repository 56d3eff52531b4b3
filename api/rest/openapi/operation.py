"""What REST takes and answers, declared beside each route.

    routes = [By(WithKey(Scope.HEALTH), Operation(web.post(PATH, report), body=REPORT, ...))]

`openapi` makes the document of these declarations. A handler reads its body by the same `JsonBody`
that its operation declares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, ClassVar, Final, Generic, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from api import limits
from api.http.body import JSON, UnsupportedMediaType, read_json
from api.json_encoding import JsonObject
from api.timestamps import format_timestamp
from engine.errors import InterlockError, InvalidInput
from engine.validation_messages import describe_error
from reconciler.document.differences import path_of

"""What pydantic calls it in words of Python."""


REFERENCES: Final = "#/components/schemas/{model}"
"""Where the document has a model."""

Moment = Annotated[
    datetime,
    PlainSerializer(format_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""As it is answered."""


class RequestModel(BaseModel):
    """The base of what a body says: camelCase in JSON, immutable, and no unknown key."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=False,
        use_attribute_docstrings=True,
    )


class ResponseModel(BaseModel):
    """The base of what is answered: camelCase in JSON, made by the names of its fields."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        from_attributes=True,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


RequestModel_co = TypeVar("RequestModel_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True, slots=True)
class JsonBody(Generic[RequestModel_co]):
    """A body in JSON.

    Attributes:
        model: its form.
        others: the forms that are meant where the body has a field that only they have.

    """

    media_type: ClassVar[str] = JSON

    model: type[RequestModel_co]
    others: Mapping[str, type[RequestModel_co]] = field(default_factory=dict)

    @property
    def models(self) -> tuple[type[RequestModel_co], ...]:
        """Every form that a body may have."""
        return (self.model, *self.others.values())

    async def read(self, request: web.Request) -> RequestModel_co:
        """Return what the body of a request says.

        Raises:
            UnsupportedMediaType: it is not declared as JSON.
            InvalidInput: it is not JSON, or not of the form; every complaint names its JSON path.

        """
        said = await read_json(request)
        if not isinstance(said, dict):
            raise InvalidInput("The body must be a JSON object.")
        meant = (model for name, model in self.others.items() if name in said)
        try:
            return next(meant, self.model).model_validate(said)
        except ValidationError as error:
            raise wrong_body(error) from None


def wrong_body(error: ValidationError) -> InvalidInput:
    """Return the refusal of a body that is not of its form."""
    found = error.errors(include_url=False, include_input=False)
    problems = [complaint(each) for each in found[: limits.BODY_PROBLEMS]]
    text = "; ".join(f"{each['path']}: {each['message']}" for each in problems)
    more = f"; and {len(found) - len(problems)} more" if len(found) > len(problems) else ""
    return InvalidInput(f"{text}{more}.", problems=problems)


def complaint(error: ErrorDetails) -> dict[str, str]:
    """Return what is wrong with a body, and at which JSON path."""
    return {"path": path_of(error["loc"]), "message": describe_error(error)}


@dataclass(frozen=True, slots=True)
class TextBody:
    """A body that is text of another kind.

    Attributes:
        media_type: the one to use.
        aliases: other names of it, which are taken too.
        schema: of what the text says.
        models: those that the schema refers to.

    """

    media_type: str
    aliases: tuple[str, ...]
    schema: JsonObject
    models: tuple[type[BaseModel], ...] = ()

    async def read(self, request: web.Request) -> str:
        """Return the body of a request.

        Raises:
            UnsupportedMediaType: it is not declared as one of the media types.
            InvalidInput: it is not UTF-8.

        """
        if request.content_type not in {self.media_type, *self.aliases}:
            raise UnsupportedMediaType(
                f"Send the body as {self.media_type}, with `Content-Type` saying so.",
                content_type=request.headers.get(hdrs.CONTENT_TYPE),
            )
        try:
            return (await request.read()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"The body is not UTF-8 text (byte {error.start}).") from None


class Place(StrEnum):
    """Where a parameter stands."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a request says beside its body."""

    name: str
    place: Place
    description: str
    schema: JsonObject
    example: str

    @property
    def documented(self) -> JsonObject:
        """The parameter as OpenAPI has it."""
        return {
            "name": str(self.name),
            "in": self.place,
            "required": self.place is Place.PATH,
            "description": self.description,
            "schema": self.schema,
            "example": self.example,
        }


@dataclass(frozen=True, slots=True)
class Response:
    """How a request is answered that was not refused.

    Attributes:
        schema: of the body: a model, or a JSON Schema; None if there is no body.
        headers: their names, each with what it says.
        links: names of operations that take the `id` that is answered.

    """

    description: str
    schema: type[BaseModel] | JsonObject | None
    status: HTTPStatus = HTTPStatus.OK
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation(web.AbstractRouteDef):
    """A route of REST with everything that its document says.

    Attributes:
        name: unique; what generated clients call it.
        summary: what it does, in one line.
        refusals: beside those that follow from entrance, body and parameters.

    """

    route: web.RouteDef
    name: str
    summary: str
    answers: tuple[Response, ...]
    body: JsonBody[BaseModel] | TextBody | None = None
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[type[InterlockError], ...] = ()

    def register(self, router: web.UrlDispatcher) -> list[web.AbstractRoute]:
        """Add the route to a router."""
        return self.route.register(router)
