"""`/api/v1/health/report` and the webhook of Alertmanager: health reports of monitoring systems."""

from typing import Final

from aiohttp import web

from api.auth.api_keys import Scope
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.app_keys import API_KEY
from api.http.body import JSON
from api.rest.alert_reports import AlertReports
from api.rest.alertmanager import AlertGroup
from api.rest.models import read_body
from api.rest.service_response import ServiceResponse
from engine.outages.health_report import HealthReport

_DEFAULT_LABEL: Final = "service"


def health_report_routes(alerts: AlertReports) -> list[ProtectedRoute]:
    """Return the routes."""
    health_reports = alerts.health_reports

    async def report_health(request: web.Request) -> web.Response:
        report = await read_body(request, HealthReport)
        response = ServiceResponse.of(
            await health_reports.record(report.path, [report], request[API_KEY])
        )
        return web.Response(text=response.model_dump_json(), content_type=JSON)

    async def report_alerts(request: web.Request) -> web.Response:
        group = await read_body(request, AlertGroup)
        label = request.query.get("label", _DEFAULT_LABEL)
        response = await alerts.record(group, label, request[API_KEY])
        return web.Response(text=response.model_dump_json(), content_type=JSON)

    access = ApiKeyAccess(Scope.HEALTH)
    return [
        ProtectedRoute(access, web.post("/api/v1/health/report", report_health)),
        ProtectedRoute(access, web.post("/api/v1/alerts/alertmanager", report_alerts)),
    ]
