"""The JSON Schema of values files, for editors and Helm, generated from the models."""

from collections.abc import Sequence

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import CoreSchema

from engine.declaration.models import SECTION, Ticketing


class UntitledSchema(GenerateJsonSchema):
    """Omits the titles of properties, because they only repeat the keys."""

    def field_title_should_be_set(self, _schema: CoreSchema) -> bool:
        """Return False for all properties."""
        return False


def values_schema(key: Sequence[str] = ()) -> JsonSchemaValue:
    """Return the schema of a values file with the `ticketing:` section under `key`.

    All other keys are allowed, because they belong to other charts.
    """
    _, definitions = models_json_schema(
        [(Ticketing, "validation")], schema_generator=UntitledSchema
    )
    schema: JsonSchemaValue = {"$ref": f"#/$defs/{Ticketing.__name__}"}
    for step in reversed((*key, SECTION)):
        schema = {"type": "object", "properties": {step: schema}}
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, **definitions}
