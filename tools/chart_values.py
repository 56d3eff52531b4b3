"""The values of the chart other than `ticketing:`, as models.

The JSON Schema of the chart is generated from them: see `tools/write_chart_schema.py`. Their
docstrings are its descriptions. Helm merges the defaults from `charts/interlock/values.yaml`, which
a test compares with those of the models.
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model
from pydantic.json_schema import JsonSchemaValue, models_json_schema

from api.settings import Settings, environment_variable
from engine.declaration.json_schema import UntitledSchema, values_schema
from engine.declaration.models import SECTION
from tools.chart_objects import (
    Autoscaling,
    DeclarationPieces,
    Deploy,
    HttpRoute,
    Image,
    Ingress,
    JsonObject,
    Monitor,
    NetworkPolicy,
    Objects,
    PodDisruptionBudget,
    Postgresql,
    Seconds,
    Secrets,
    ServiceAccount,
    ServiceMonitor,
    ServiceObject,
    Texts,
    Values,
)

SET_BY_CHART: Final = frozenset(
    {
        *("database_schema", "data_dir", "host", "port", "values_file", "values_key"),
        *("jwt_secret_file", "oidc_client_secret_file", "anchor_key_file", "webhook_secrets_dir"),
    }
)
"""The settings that the templates set."""
SECRET: Final = frozenset(
    {
        *("database_url", "database_direct_url", "jwt_secret", "oidc_client_secret"),
        *("api_keys", "license_key", "anchor_key", "anchor_url", "traces_url"),
    }
)
"""The settings that come from a Secret."""

_Setting = Annotated[
    str | bool | int | float | None,
    WithJsonSchema({"type": ["string", "boolean", "number", "null"]}),
]


def _settings_model() -> type[BaseModel]:
    """Return the model of the other settings, by the names of their variables."""
    fields: dict[str, Any] = {
        environment_variable(name): (
            _Setting,
            Field(default=None, description=str(field.description)),
        )
        for name, field in Settings.model_fields.items()
        if name not in SET_BY_CHART | SECRET
    }
    return create_model(
        "SettingValues",
        __config__=ConfigDict(extra="forbid"),
        __doc__="The settings of a server, by the names of their environment variables.",
        **fields,
    )


SettingValues: Final = _settings_model()


class ChartValues(Values, BaseModel):
    """The values of the chart, except `ticketing`."""

    global_: Annotated[JsonObject, Field(alias="global")] = {}
    """Helm passes the global values of a parent chart; the chart uses none."""
    fullname_override: Annotated[str, Field(max_length=40)] = ""
    """The name of all objects; by default that of the release."""
    image: Image = Image()
    """The image of Interlock."""
    image_pull_secrets: Objects = []
    """The Secrets with which nodes pull the image."""
    replica_count: Annotated[int, Field(ge=0)] = 2
    """The number of servers."""
    secrets: Secrets = Secrets()
    """The secrets: each is a key of a Secret that exists."""
    settings: SettingValues = Field(default_factory=SettingValues)  # type: ignore[valid-type]  # made from the settings
    """The settings of the servers, by the names of their environment variables."""
    deploy: Deploy = Deploy()
    """The job that migrates the database and applies the declaration."""
    declaration: DeclarationPieces = DeclarationPieces()
    """Pieces of the declaration in ConfigMaps of other teams."""
    service: ServiceObject = ServiceObject()
    """The Service."""
    ingress: Ingress = Ingress()
    """The Ingress; off by default."""
    http_route: HttpRoute = HttpRoute()
    """The HTTPRoute of the Gateway API; off by default."""
    service_account: ServiceAccount = ServiceAccount()
    """The ServiceAccount."""
    pod_disruption_budget: PodDisruptionBudget = PodDisruptionBudget()
    """The PodDisruptionBudget."""
    autoscaling: Autoscaling = Autoscaling()
    """The HorizontalPodAutoscaler; off by default."""
    network_policy: NetworkPolicy = NetworkPolicy()
    """The NetworkPolicy."""
    service_monitor: ServiceMonitor = ServiceMonitor()
    """The ServiceMonitor of the Prometheus operator; off by default."""
    prometheus_rule: Monitor = Monitor()
    """The PrometheusRule with the alerts; off by default."""
    dashboard: Monitor = Monitor()
    """The ConfigMap with the dashboard for Grafana; off by default."""
    resources: JsonObject = {
        "requests": {"cpu": "250m", "memory": "384Mi"},
        "limits": {"memory": "1Gi"},
    }
    """The resources of a server."""
    termination_grace_period_seconds: Seconds = 40
    """The time to stop: INTERLOCK_DRAIN_SECONDS, 20 seconds and some reserve."""
    pod_annotations: Texts = {}
    """More annotations of the pods of servers."""
    pod_labels: Texts = {}
    """More labels of all pods."""
    node_selector: Texts = {}
    """The labels of the nodes for all pods of Interlock."""
    tolerations: Objects = []
    """The taints that these pods tolerate."""
    affinity: JsonObject = {}
    """The affinity of these pods."""
    priority_class_name: str = ""
    """The priority class of these pods."""
    extra_env: Objects = []
    """More environment variables of the servers."""
    extra_volumes: Objects = []
    """More volumes of all pods of Interlock."""
    extra_volume_mounts: Objects = []
    """More mounts of all containers of Interlock."""
    postgresql: Postgresql = Postgresql()
    """For trials only: a PostgreSQL without a standby, backups and upgrades."""


def chart_schema() -> JsonSchemaValue:
    """Return the JSON Schema of the whole values file of the chart."""
    _, own = models_json_schema([(ChartValues, "validation")], schema_generator=UntitledSchema)
    schema = values_schema()
    root = own["$defs"].pop(ChartValues.__name__)
    properties = {**root["properties"], SECTION: schema["properties"][SECTION]}
    if shared := own["$defs"].keys() & schema["$defs"].keys():
        raise ValueError(f"Two models have the name {', '.join(shared)}.")
    definitions = {**own["$defs"], **schema["$defs"]}
    return {
        "$schema": schema["$schema"],
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": definitions,
    }
