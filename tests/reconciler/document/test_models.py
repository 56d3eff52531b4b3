"""The JSON Schema of a plan's document, and its documentation."""

import json

from reconciler.document.models import schema_text
from tests.support.paths import DOCS


def test_the_published_schema_is_current() -> None:
    schema = (DOCS / "plan.schema.json").read_text(encoding="utf-8")
    assert schema == schema_text(), "write reconciler.document.models.schema_text() to it"


def test_every_key_and_value_is_documented() -> None:
    schema = json.loads(schema_text())
    page = (DOCS / "plan-format.md").read_text(encoding="utf-8")
    for part in [schema, *schema["$defs"].values()]:
        for word in [*part.get("properties", ()), *part.get("enum", ())]:
            assert f"`{word}`" in page, word
