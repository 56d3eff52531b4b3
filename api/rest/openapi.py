"""`GET /api/v1/openapi.json`: the OpenAPI document of the REST API. It needs no credentials.

`openapi.yaml` is written by hand; the schemas of bodies are those of the models that handlers use.
"""

import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from ruamel.yaml import YAML

from api.http.access import ProtectedRoute, allow_anyone
from api.http.body import JSON
from api.rest.alert_reports import AlertsResponse
from api.rest.alertmanager import AlertmanagerWebhook
from api.rest.directory import GroupListResponse, UserListResponse
from api.rest.maintenance import WindowListResponse, WindowResponse
from api.rest.service_response import ServiceResponse
from api.rest.status import StatusResponse
from api.rest.ticket_list import TicketListResponse
from api.rest.ticket_models import (
    AssigneeGroupRequest,
    AssigneeRequest,
    AssignToMeRequest,
    CommentRequest,
    NewTicket,
    NewTicketFromItem,
    StartRequest,
    TicketResponse,
    TransitionRequest,
)
from engine.declaration.json_schema import UntitledSchema
from engine.declaration.models import Ticketing
from engine.outages.health_report import HealthReport
from engine.outages.maintenance import NewWindow
from reconciler.document.models import PlanDocument

OPENAPI_PATH: Final = "/api/v1/openapi.json"

_MODELS: Final[dict[type[BaseModel], JsonSchemaMode]] = {
    NewTicket: "validation",
    NewTicketFromItem: "validation",
    TransitionRequest: "validation",
    StartRequest: "validation",
    AssignToMeRequest: "validation",
    CommentRequest: "validation",
    AssigneeRequest: "validation",
    AssigneeGroupRequest: "validation",
    HealthReport: "validation",
    AlertmanagerWebhook: "validation",
    Ticketing: "validation",
    TicketResponse: "serialization",
    TicketListResponse: "serialization",
    UserListResponse: "serialization",
    GroupListResponse: "serialization",
    ServiceResponse: "serialization",
    AlertsResponse: "serialization",
    NewWindow: "validation",
    WindowResponse: "serialization",
    WindowListResponse: "serialization",
    StatusResponse: "serialization",
    PlanDocument: "validation",
}


def openapi_route() -> ProtectedRoute:
    """Return the route of the document."""
    document = _build_document()

    async def read_document(_request: web.Request) -> web.Response:
        headers = {hdrs.CACHE_CONTROL: "public, max-age=300"}
        return web.Response(body=document, content_type=JSON, headers=headers)

    return ProtectedRoute(allow_anyone, web.get(OPENAPI_PATH, read_document))


@cache
def _build_document() -> bytes:
    document = YAML(typ="safe").load(Path(__file__).with_suffix(".yaml"))
    _, models = models_json_schema(
        list(_MODELS.items()),
        ref_template="#/components/schemas/{model}",
        schema_generator=UntitledSchema,
    )
    document["info"]["version"] = version("interlock")
    schemas = document["components"]["schemas"] | models["$defs"]
    document["components"]["schemas"] = {
        name: {"title": name, **schema} for name, schema in schemas.items()
    }
    return json.dumps(document).encode()
