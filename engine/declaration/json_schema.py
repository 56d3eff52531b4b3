"""The JSON Schema of values files, from the models that read them: for editors and for Helm."""

from collections.abc import Sequence
from typing import Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import CoreSchema

from engine.declaration.models import SECTION, Ticketing

REFERENCE: Final = {"$ref": f"#/$defs/{Ticketing.__name__}"}


class UntitledSchema(GenerateJsonSchema):
    """Leaves out the titles of properties, which would only repeat their keys."""

    def field_title_should_be_set(self, _schema: CoreSchema) -> bool:
        """Return that none is wanted."""
        return False


def values_schema(key: Sequence[str] = ()) -> JsonSchemaValue:
    """Return the schema of a values file in which the section stands below `key`.

    Whatever else stands in the file is free: it belongs to others.
    """
    _, definitions = models_json_schema(
        [(Ticketing, "validation")], schema_generator=UntitledSchema
    )
    schema: JsonSchemaValue = REFERENCE
    for step in reversed((*key, SECTION)):
        schema = {"type": "object", "properties": {step: schema}}
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, **definitions}
