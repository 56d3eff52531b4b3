"""The values of the chart other than `ticketing:`, as models.

The JSON Schema of the chart is generated from them: see `tools/write_chart_schema.py`. Their
docstrings are its descriptions. Helm merges the defaults from `charts/interlock/values.yaml`, which
a test compares with those of the models.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue, models_json_schema

from api.settings import Settings, environment_variable
from engine.declaration.json_schema import UntitledSchema, values_schema
from engine.declaration.models import SECTION

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
        *("api_keys", "license_key", "anchor_key", "anchor_url"),
    }
)
"""The settings that come from a Secret."""

_Setting = Annotated[
    str | bool | int | float | None,
    WithJsonSchema({"type": ["string", "boolean", "number", "null"]}),
]
_Object = Annotated[dict[str, Any], Field()]
_Objects = list[dict[str, Any]]
_Texts = dict[str, str]
Name = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$", max_length=253)]
_PortNumber = Annotated[int, Field(ge=1, le=65_535)]
_Seconds = Annotated[int, Field(ge=1)]


class _Values(BaseModel):
    """The base: camelCase, unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        use_attribute_docstrings=True,
    )


class Image(_Values):
    """The image of Interlock."""

    repository: Annotated[str, Field(min_length=1)] = "interlock"
    """The repository, with its registry."""
    tag: str = ""
    """The tag; by default the version of the chart's application."""
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    """The digest, which wins over the tag."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When nodes pull the image."""


class SecretKey(_Values):
    """A value in a Secret that exists."""

    existing_secret: Name = ""
    """The name of the Secret; empty if the value is not set."""
    key: Annotated[str, Field(min_length=1)] = "value"
    """The key in the Secret."""


class SecretFolder(_Values):
    """A Secret that exists, whose keys are all mounted."""

    existing_secret: Name = ""
    """The name of the Secret; empty for none."""


class Secrets(_Values):
    """The secrets. The chart contains none: each is a key of a Secret that exists."""

    database_url: SecretKey = SecretKey(key="url")
    """The URL of the database for the servers (INTERLOCK_DATABASE_URL)."""
    database_direct_url: SecretKey = SecretKey(key="url")
    """The URL of PostgreSQL itself, if the other one is that of a pooler."""
    migration_database_url: SecretKey = SecretKey(key="url")
    """The URL for the role that owns the tables; by default `databaseUrl`."""
    jwt_secret: SecretKey = SecretKey(key="secrets")
    """Secrets that verify tokens, one in each line (INTERLOCK_JWT_SECRET_FILE)."""
    oidc_client_secret: SecretKey = SecretKey(key="secret")
    """The secret of Interlock at the OpenID provider."""
    api_keys: SecretKey = SecretKey(key="entries")
    """The entries of the API keys (INTERLOCK_API_KEYS)."""
    license_key: SecretKey = SecretKey(key="licence")
    """The licence (INTERLOCK_LICENSE_KEY)."""
    anchor_key: SecretKey = SecretKey(key="key.pem")
    """The key that signs anchors."""
    anchor_url: SecretKey = SecretKey(key="url")
    """The URL of the receiver of anchors (INTERLOCK_ANCHOR_URL)."""
    webhook_secrets: SecretFolder = SecretFolder()
    """The secrets of webhooks, each under its `secretName`."""


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


class Deploy(_Values):
    """The job that migrates the database and applies the declaration."""

    hook: bool = True
    """Whether Helm runs the job as a hook; false for Argo CD, Flux and `helm install --wait`."""
    server_role: str = ""
    """The database role of the servers, to which the job grants its rights."""
    timeout_seconds: _Seconds = 300
    """How long the job waits for the database and the servers."""
    active_deadline_seconds: _Seconds = 1_200
    """How long the job can take, with all attempts."""
    backoff_limit: Annotated[int, Field(ge=0)] = 3
    """How often the job is repeated; a refused plan is not."""
    extra_env: _Objects = []
    """More environment variables of the job."""
    resources: _Object = {"requests": {"cpu": "100m", "memory": "256Mi"}}
    """The resources of the job."""


class DeclarationPieces(_Values):
    """Pieces of the declaration in ConfigMaps of other teams, each under the key ticketing.yaml."""

    config_maps: list[Annotated[Name, Field(min_length=1)]] = []
    """The names of the ConfigMaps."""
    label: Annotated[str, Field(pattern=r"^([^=\s]+(=[^=\s]*)?)?$")] = ""
    """A label, such as interlock/declaration=true, of more ConfigMaps. Helm looks them up."""


class ServiceObject(_Values):
    """The Service."""

    type: Literal["ClusterIP", "LoadBalancer", "NodePort"] = "ClusterIP"
    """The type of the Service."""
    port: _PortNumber = 80
    """The port of the Service."""
    annotations: _Texts = {}
    """The annotations of the Service."""


class Ingress(_Values):
    """The Ingress."""

    enabled: bool = False
    """Whether to create it."""
    class_name: str = ""
    """Its class; empty for the default class."""
    annotations: _Texts = {}
    """Its annotations."""
    hosts: list[str] = []
    """The names of the host."""
    tls: _Objects = []
    """The certificates, as in an Ingress."""


class HttpRoute(_Values):
    """The HTTPRoute of the Gateway API."""

    enabled: bool = False
    """Whether to create it."""
    annotations: _Texts = {}
    """Its annotations."""
    parent_refs: _Objects = []
    """The gateways."""
    hostnames: list[str] = []
    """The names of the host; none for those of the gateway."""


class ServiceAccount(_Values):
    """The ServiceAccount. No pod gets its token."""

    create: bool = True
    """Whether to create it."""
    name: str = ""
    """Its name; by default that of the release."""
    annotations: _Texts = {}
    """Its annotations."""


class PodDisruptionBudget(_Values):
    """The PodDisruptionBudget."""

    enabled: bool = True
    """Whether to create it."""
    max_unavailable: Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern="^[0-9]+%$")] = 1
    """How many servers an eviction can take away."""


class Autoscaling(_Values):
    """The HorizontalPodAutoscaler."""

    enabled: bool = False
    """Whether to create it; then `replicaCount` has no effect."""
    min_replicas: Annotated[int, Field(ge=1)] = 2
    """The fewest servers."""
    max_replicas: Annotated[int, Field(ge=1)] = 6
    """The most servers."""
    target_cpu_utilization_percentage: Annotated[
        int, Field(ge=1, alias="targetCPUUtilizationPercentage")
    ] = 70
    """The use of the requested CPU above which servers are added."""


class NetworkPolicy(_Values):
    """The NetworkPolicy."""

    enabled: bool = True
    """Whether to create it."""
    from_: Annotated[_Objects, Field(alias="from")] = []
    """Who can send requests; empty for everyone."""
    egress: _Objects = []
    """Where servers can connect to; empty for everywhere."""


class Monitor(_Values):
    """An object for the Prometheus operator or for Grafana."""

    enabled: bool = False
    """Whether to create it."""
    labels: _Texts = {}
    """More labels, by which it is selected."""


class ServiceMonitor(Monitor):
    """The ServiceMonitor of the Prometheus operator."""

    interval: str = "30s"
    """The time between two scrapes."""


class Postgresql(_Values):
    """For trials only: a PostgreSQL without a standby, backups and upgrades."""

    enabled: bool = False
    """Whether to create it."""
    image: Annotated[str, Field(min_length=1)] = "docker.io/library/postgres:18"
    """The image of PostgreSQL."""
    existing_secret: Name = ""
    """A Secret with the key `password`; by default the chart creates one."""
    storage: str = "1Gi"
    """The size of its volume."""
    resources: _Object = {"requests": {"cpu": "100m", "memory": "256Mi"}}
    """Its resources."""


class ChartValues(_Values):
    """The values of the chart, except `ticketing`."""

    global_: Annotated[_Object, Field(alias="global")] = {}
    """Helm passes the global values of a parent chart; the chart uses none."""
    fullname_override: Annotated[str, Field(max_length=40)] = ""
    """The name of all objects; by default that of the release."""
    image: Image = Image()
    """The image of Interlock."""
    image_pull_secrets: _Objects = []
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
    resources: _Object = {
        "requests": {"cpu": "250m", "memory": "384Mi"},
        "limits": {"memory": "1Gi"},
    }
    """The resources of a server."""
    termination_grace_period_seconds: _Seconds = 40
    """The time to stop: INTERLOCK_DRAIN_SECONDS, 20 seconds and some reserve."""
    pod_annotations: _Texts = {}
    """More annotations of the pods of servers."""
    pod_labels: _Texts = {}
    """More labels of all pods."""
    node_selector: _Texts = {}
    """The labels of the nodes for all pods of Interlock."""
    tolerations: _Objects = []
    """The taints that these pods tolerate."""
    affinity: _Object = {}
    """The affinity of these pods."""
    priority_class_name: str = ""
    """The priority class of these pods."""
    extra_env: _Objects = []
    """More environment variables of the servers."""
    extra_volumes: _Objects = []
    """More volumes of all pods of Interlock."""
    extra_volume_mounts: _Objects = []
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
