"""What models find wrong is told in our words, whatever is sent."""

import json
from collections.abc import Iterator
from itertools import product
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

import api.bootstrap.application  # noqa: F401  # every model of the product is there once this is
from api.settings import Settings
from engine.validation_messages import MESSAGES, describe_error

PARTS = ("api.", "engine.", "reconciler.")
VALUES: tuple[object, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, float("nan"), "", "x", "x" * 200_000, "\ud83d", "1", "yes"),
    *([], {}, [None], ["x"] * 5_000, {"x": 1}, "2026-13-01", "2026-01-01T00:00:00"),
)
OF_PYDANTIC = set(get_args(ErrorType))


def models(base: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        if model.__module__.startswith(PARTS) and model is not Settings:
            yield model
        yield from models(model)


def complaints(model: type[BaseModel], said: object) -> Iterator[ErrorDetails]:
    try:
        model.model_validate_json(json.dumps(said))
    except ValidationError as error:
        yield from error.errors()
    if not model.model_config.get("strict"):  # those that are read from JSON alone
        try:
            model.model_validate(said)
        except ValidationError as error:
            yield from error.errors()


MODELS = sorted(models(), key=lambda model: (model.__module__, model.__name__))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_whatever_is_wrong_has_a_sentence_of_ours(model: type[BaseModel]) -> None:
    names = {field.alias or name for name, field in model.model_fields.items()}
    bodies = [*VALUES, *({name: value} for name, value in product(names, VALUES))]
    found = [each for said in bodies for each in complaints(model, said)]
    types = {each["type"] for each in found} - {"value_error"}  # which our own checks raise
    assert types
    assert types & OF_PYDANTIC <= MESSAGES.keys()
    assert not {sentence for sentence in map(describe_error, found) if "Input" in sentence}
