"""A stored declaration that is not valid is named in one line."""

import pytest

from engine.errors import CorruptRecord
from engine.resources.resource import AUTO_CLOSE, Key, Kind, Resource

WORKFLOW = Key(Kind.WORKFLOW, "hotfix")
CORRUPT = {
    "an unknown field": (WORKFLOW, '{"x": 1}', "workflow hotfix cannot be read: "),
    "another type": (WORKFLOW, "[1]", "workflow hotfix cannot be read: it must be an object."),
    "no JSON": (WORKFLOW, "{", "workflow hotfix cannot be read: it is not valid."),
    "deep nesting": (WORKFLOW, "[" * 3_000 + "]" * 3_000, "it is not valid."),
    "an invalid value": (
        Key(Kind.SETTING, AUTO_CLOSE),
        '{"afterResolved": "soon"}',
        "setting autoClose cannot be read: afterResolved: must be a duration",
    ),
    "an unknown setting": (Key(Kind.SETTING, "colour"), "{}", "setting colour cannot be read: "),
}


@pytest.mark.parametrize(("key", "declaration", "message"), CORRUPT.values(), ids=CORRUPT)
def test_a_corrupt_declaration_is_named(key: Key, declaration: str, message: str) -> None:
    with pytest.raises(CorruptRecord) as refused:
        _ = Resource(key, declaration).model
    assert message in refused.value.message
    assert "\n" not in refused.value.message
