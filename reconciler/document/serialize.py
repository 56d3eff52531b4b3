"""Serializes a plan as a JSON document."""

import json
import re
from collections.abc import Iterable
from datetime import UTC
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

import orjson
from pydantic import JsonValue

from engine.gc_pause import gc_paused
from engine.resources.resource import Key
from reconciler.diff import Action
from reconciler.document.models import FORMAT, PlanContent
from reconciler.hazards import hazards, plan_approval
from reconciler.plan import Plan

_TO_ESCAPE: Final = re.compile(r"[^\n -~]")
"""All characters except printable ASCII and line feeds."""

JsonObject: TypeAlias = dict[str, JsonValue]


class SerializedPlan(NamedTuple):
    """The document of a plan, and its id."""

    id: str
    text: str


def serialize_plan(plan: Plan) -> SerializedPlan:
    """Return the document of a plan: the same text for the same plan.

    The text is ASCII, all other characters are escaped. So it survives any encoding, and no
    character in it is invisible.
    """
    document = document_of(plan)
    return SerializedPlan(str(document["id"]), text_of(document))


def text_of(document: JsonObject) -> str:
    """Return the text of a document, as `json` writes it with an indent of 2, but faster."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    return _TO_ESCAPE.sub(lambda match: json.dumps(match[0])[1:-1], text) + "\n"


@gc_paused()
def document_of(plan: Plan) -> JsonObject:
    """Return the document of a plan as plain values, with the id after the format."""
    parts = {
        "format": FORMAT,
        "created_at": plan.created_at.astimezone(UTC),
        "source": plan.source,
        "files": plan.files,
        "base": plan.base,
        "summary": {action: plan.count(action) for action in Action}
        | {"active": plan.active, "declared": plan.declared},
        "hazards": hazards(plan),
        "approval": plan_approval(plan),
        "changes": plan.changes,
        "replay": plan.replay,
        "tickets": plan.tickets,
        "digests": {
            "live": _digest_of_resources((each.key, each.before_digest) for each in plan.changes),
            "desired": _digest_of_resources((each.key, each.after_digest) for each in plan.changes),
        },
    }
    content = PlanContent.model_validate(parts, strict=False, by_alias=False, by_name=True)
    data = content.model_dump(mode="json", by_alias=True)
    return {"format": FORMAT, "id": digest_of(data), **data}


def digest_of(content: JsonObject) -> str:
    """Return SHA-256, in hex, over canonical JSON: sorted keys, no spaces, ASCII."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def _digest_of_resources(digests: Iterable[tuple[Key, str | None]]) -> str:
    """Return SHA-256, in hex, over the digests of resources, whatever their order."""
    lines = sorted(f"{key} {digest or ''}" for key, digest in digests)
    return sha256("\n".join(lines).encode()).hexdigest()
