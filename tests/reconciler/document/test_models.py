"""The JSON Schema of a plan's document, and its documentation."""

import json
import re

from engine.resources.resource import SETTINGS
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


def test_every_setting_is_documented() -> None:
    page = (DOCS / "plan-format.md").read_text(encoding="utf-8")
    [sentence] = re.findall(r"The settings are (.*?)\.", page)
    assert sorted(re.findall(r"`(\w+)`", sentence)) == sorted(SETTINGS)
