"""The complaints of the models, in the words of this product and with their places."""

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
from engine.findings import Finding, Location, did_you_mean
from engine.validation_messages import describe_error
from engine.vocabulary import Priority, Role, Status, TicketEvent, Visibility

CODES: Final[Mapping[str, str]] = {
    "missing": "missing_field",
    "string_pattern_mismatch": "wrong_form",
    "string_too_long": "too_long",
    "too_long": "too_many",
    "wrong_duration": "wrong_duration",
    "wrong_hours": "wrong_hours",
    "wrong_date": "wrong_date",
    "unknown_time_zone": "unknown_time_zone",
    "wrong_url": "wrong_url",
}
"""The stable codes of the models' errors; of all others it is `wrong_type`."""

WORDS: Final[Mapping[str, tuple[str, type[StrEnum]]]] = {
    "from": ("status", Status),
    "to": ("status", Status),
    "role": ("role", Role),
    "priority": ("priority", Priority),
    "defaultWorkflows": ("workflow", DefaultWorkflow),
    "events": ("event", TicketEvent),
    "visibility": ("visibility", Visibility),
}
"""The keys whose values are words of a fixed set: what such a word is called, and the set."""


def complaint(document: YamlDocument, error: ErrorDetails) -> Finding:
    """Return one complaint of the models as a finding with its place."""
    path = written_path(document, error)
    if error["type"] == "extra_forbidden":
        return Finding("unknown_key", unknown_key(path), document.key_locations[path])
    at = document.location(path)
    if error["type"] == "enum":
        return unknown_word(path, error["input"], at)
    code = CODES.get(error["type"], "wrong_type")
    return Finding(code, f"{dotted(path)}: {sentence(error, path)}", at)


def written_path(document: YamlDocument, error: ErrorDetails) -> Path:
    """Return the path of an error without the steps that the models add to it."""
    path: Path = (SECTION,)
    for step in error["loc"]:
        if (*path, step) in document.value_locations:
            path = (*path, step)
    return (*path, error["loc"][-1]) if error["type"] == "missing" else path


def sentence(error: ErrorDetails, path: Path) -> str:
    """Return what is wrong and what would be right."""
    if error["type"] == "missing":
        return f"{path[-1]!r} is missing; it is required here."
    wanted = "must be a mapping" if error["type"] == "model_type" else describe_error(error)
    return f"{wanted} (found {describe_value(error['input'])})."


def unknown_key(path: Path) -> str:
    """Return the sentence for a key that the models do not know."""
    key, known = str(path[-1]), known_keys(path[:-1])
    hint = did_you_mean(key[: limits.NAME_CHARACTERS], known)
    known_list = ", ".join(known)
    return (
        f"{dotted(path[:-1])}: unknown key {describe_value(key)}.{hint} Known keys: {known_list}."
    )


def unknown_word(path: Path, given: object, at: Location) -> Finding:
    """Return the finding for a word that is none of a fixed set."""
    noun, words = WORDS[next(step for step in reversed(path) if isinstance(step, str))]
    if not isinstance(given, str):
        message = f"must be one of {', '.join(words)} (found {describe_value(given)})."
        return Finding("wrong_type", f"{dotted(path)}: {message}", at)
    hint = did_you_mean(given[: limits.NAME_CHARACTERS], words)
    message = f"{dotted(path)}: {describe_value(given)} is not one of {', '.join(words)}.{hint}"
    return Finding(f"unknown_{noun}", message, at)


def known_keys(path: Path) -> list[str]:
    """Return the keys of the model at `path` (from the root of the document)."""
    model: type[BaseModel] = Ticketing
    for step in path[1:]:
        if isinstance(step, str):
            field = next(f for f in model.model_fields.values() if f.alias == step)
            model = next(models_in(field.annotation))
    return [str(field.alias) for field in model.model_fields.values()]


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that a field's annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def dotted(path: Path) -> str:
    """Return a path as people write it: `ticketing.workflows[0].name`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).lstrip(".")
