"""The answer of whatever reconciles: the plan that was carried out."""

from typing import Final

from aiohttp import web

from api.http.body import JSON
from api.rest.openapi.operation import Response
from engine.errors import InvalidDeclaration, InvalidInput, LockHeld, RefusedByGuard
from reconciler.document import document_of
from reconciler.document.form import PlanDocument
from reconciler.plan import Plan

PLANNED: Final = Response("The plan that was carried out; it may be empty.", PlanDocument)
PLAN_REFUSALS: Final = (InvalidInput, InvalidDeclaration, RefusedByGuard, LockHeld)


def plan_response(plan: Plan) -> web.Response:
    """Return the answer that tells a plan."""
    return web.Response(text=document_of(plan), content_type=JSON)
