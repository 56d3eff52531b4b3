"""The plan as a JSON document: written, proven whole, and read back (docs/plan-format.md)."""

from reconciler.document.form import schema_text
from reconciler.document.reading import PLAN_BYTES, plan_in
from reconciler.document.writing import document_of, plan_id, written

__all__ = ["PLAN_BYTES", "document_of", "plan_id", "plan_in", "schema_text", "written"]
