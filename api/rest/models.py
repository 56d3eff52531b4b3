"""Base models of the bodies of REST, and how request bodies are read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError, WithJsonSchema
from pydantic.alias_generators import to_camel

from api import limits
from api.http.body import read_json
from api.timestamps import format_timestamp
from engine.errors import InvalidInput
from engine.validation_messages import describe_error
from reconciler.document.differences import path_of

Timestamp = Annotated[
    datetime,
    PlainSerializer(format_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
_Model = TypeVar("_Model", bound=BaseModel)


class RequestModel(BaseModel):
    """The base of request bodies: camelCase in JSON, immutable, without unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=False,
        use_attribute_docstrings=True,
    )


class ResponseModel(BaseModel):
    """The base of response bodies: camelCase in JSON, created by field names."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        from_attributes=True,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


async def read_body(
    request: web.Request,
    model: type[_Model],
    alternatives: Mapping[str, type[_Model]] | None = None,
) -> _Model:
    """Return the JSON body of a request as a model.

    Args:
        request: any request with a body.
        model: the expected model.
        alternatives: models to use instead if the body has a certain field.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON in UTF-8.
        InvalidInput: the body is not JSON or does not match the model; each problem has its JSON
            path.

    """
    body = await read_json(request)
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object.")
    chosen = next((each for name, each in (alternatives or {}).items() if name in body), model)
    return validated(chosen, body)


def validated(model: type[_Model], value: object, at: tuple[str | int, ...] = ()) -> _Model:
    """Return a value from a request as a model.

    Args:
        model: the expected model.
        value: the body, or a part of it.
        at: the place of the value in the body.

    Raises:
        InvalidInput: the value does not match the model; each problem has its JSON path.

    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    problems = [
        {"path": path_of((*at, *each["loc"])), "message": describe_error(each)}
        for each in errors[: limits.BODY_PROBLEMS]
    ]
    text = "; ".join(f"{each['path']}: {each['message']}" for each in problems)
    more = f"; and {len(errors) - len(problems)} more" if len(errors) > len(problems) else ""
    raise InvalidInput(f"{text}{more}.", problems=problems)
