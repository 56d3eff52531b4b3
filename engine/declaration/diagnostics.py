"""Turns the validation errors of the models into findings."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from engine import limits
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION, DefaultWorkflow, Ticketing
from engine.declaration.scalars import describe_value
from engine.declaration.source_map import Path
from engine.findings import Finding, did_you_mean
from engine.validation_messages import describe_error
from engine.vocabulary import Priority, Role, Status, TicketEvent, Visibility

VALIDATION_CODES: Final[Mapping[str, str]] = {
    "missing": "missing_field",
    "string_pattern_mismatch": "wrong_form",
    "invisible_character": "invisible_character",
    "string_too_long": "too_long",
    "too_long": "too_many",
    "wrong_duration": "wrong_duration",
    "wrong_hours": "wrong_hours",
    "wrong_date": "wrong_date",
    "unknown_time_zone": "unknown_time_zone",
    "wrong_url": "wrong_url",
    "wrong_time": "wrong_time",
    "wrong_color": "wrong_color",
}
"""The stable code for each type of error; `wrong_type` for all others."""

ENUM_FIELDS: Final[Mapping[str, tuple[str, type[StrEnum]]]] = {
    "from": ("status", Status),
    "to": ("status", Status),
    "role": ("role", Role),
    "priority": ("priority", Priority),
    "defaultWorkflows": ("workflow", DefaultWorkflow),
    "events": ("event", TicketEvent),
    "visibility": ("visibility", Visibility),
}
"""The fields with a fixed set of values: the noun for a value, and the set."""


def finding_of(document: YamlDocument, error: ErrorDetails) -> Finding:
    """Return a validation error as a finding."""
    path = _written_path(document, error)
    if error["type"] == "extra_forbidden":
        return Finding("unknown_key", _unknown_key(path), document.key_location(path))
    code = VALIDATION_CODES.get(error["type"], "wrong_type")
    value = describe_value(error["input"])
    match error["type"]:
        case "missing":
            message = f"the required key {error['loc'][-1]!r} is missing."
        case "enum":
            noun, words = ENUM_FIELDS[next(s for s in reversed(path) if isinstance(s, str))]
            message = f"must be one of {', '.join(words)} (found {value})."
            if isinstance(error["input"], str):
                code = f"unknown_{noun}"
                message += did_you_mean(error["input"][: limits.NAME_CHARACTERS], words)
        case "model_type":
            message = f"must be a mapping (found {value})."
        case _:
            message = f"{describe_error(error)} (found {value})."
    return Finding(code, f"{dotted(path)}: {message}", document.location(path))


def _written_path(document: YamlDocument, error: ErrorDetails) -> Path:
    """Return the path of an error in the document, without the steps that the models add."""
    path: Path = (SECTION,)
    for step in error["loc"]:
        if document.contains((*path, step)):
            path = (*path, step)
    return path


def _unknown_key(path: Path) -> str:
    """Return the message for a key that the model does not have."""
    parent, key = path[:-1], str(path[-1])
    model: type[BaseModel] = Ticketing
    for step in parent[1:]:
        if isinstance(step, str):
            field = next(f for f in model.model_fields.values() if f.alias == step)
            model = next(models_in(field.annotation))
    known = [str(field.alias) for field in model.model_fields.values()]
    hint = did_you_mean(key[: limits.NAME_CHARACTERS], known)
    known_keys = f"Known keys: {', '.join(known)}."
    return f"{dotted(parent)}: unknown key {describe_value(key)}.{hint} {known_keys}"


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models in the annotation of a field."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def dotted(path: Path) -> str:
    """Return a path as text: `ticketing.workflows[0].name`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).lstrip(".")
