"""The response of operations that reconcile: the applied plan."""

from aiohttp import web

from api.http.body import JSON
from reconciler.document.serialize import serialize_plan
from reconciler.plan import Plan


def plan_response(plan: Plan) -> web.Response:
    """Return the response with an applied plan."""
    return web.Response(text=serialize_plan(plan).text, content_type=JSON)
