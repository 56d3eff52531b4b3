"""The JSON document of a plan: written, verified and read back (see `docs/plan-format.md`)."""

from reconciler.document.models import schema_text
from reconciler.document.parse import PLAN_BYTES, parse_plan
from reconciler.document.serialize import SerializedPlan, serialize_plan

__all__ = ["PLAN_BYTES", "SerializedPlan", "parse_plan", "schema_text", "serialize_plan"]
