"""Every validation error has a message of ours, for any input."""

import json
from collections.abc import Iterator
from itertools import product
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

import api.bootstrap.application  # noqa: F401  # imports every model
from api.rest.models import ResponseModel
from api.settings.fields import SettingsGroup
from engine.validation_messages import MESSAGES, describe_error

PACKAGES = ("api.", "engine.", "reconciler.")
VALUES: tuple[object, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, float("nan"), "", "x", "x" * 200_000, "\ud83d", "1", "yes"),
    *([], {}, [None], ["x"] * 5_000, {"x": 1}, "2026-13-01", "2026-01-01T00:00:00"),
)
NOT_READ_FROM_CLIENTS = (ResponseModel, SettingsGroup)
OF_PYDANTIC = set(get_args(ErrorType))


def models(base: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        if issubclass(model, NOT_READ_FROM_CLIENTS):
            continue
        if model.__module__.startswith(PACKAGES):
            yield model
        yield from models(model)


def validation_errors(model: type[BaseModel], value: object) -> Iterator[ErrorDetails]:
    try:
        model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        yield from error.errors()
    if not model.model_config.get("strict"):  # strict models are read only from JSON
        try:
            model.model_validate(value)
        except ValidationError as error:
            yield from error.errors()


MODELS = sorted(models(), key=lambda model: (model.__module__, model.__name__))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_validation_error_has_a_message_of_ours(model: type[BaseModel]) -> None:
    names = {field.alias or name for name, field in model.model_fields.items()}
    bodies = [*VALUES, *({name: value} for name, value in product(names, VALUES))]
    errors = [each for body in bodies for each in validation_errors(model, body)]
    types = {each["type"] for each in errors} - {"value_error"}  # of our own validators
    assert types
    assert types & OF_PYDANTIC <= MESSAGES.keys()
    assert not [message for message in map(describe_error, errors) if "Input" in message]
