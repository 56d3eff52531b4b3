"""The models of the sections of the chart's values, one for each object or group of objects."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

JsonObject = Annotated[dict[str, Any], Field()]
Objects = list[dict[str, Any]]
Texts = dict[str, str]
Name = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$", max_length=253)]
PortNumber = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[int, Field(ge=1)]


class Values(BaseModel):
    """The base: camelCase, unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        use_attribute_docstrings=True,
    )


class Image(Values):
    """The image of Interlock."""

    repository: Annotated[str, Field(min_length=1)] = "interlock"
    """The repository, with its registry."""
    tag: str = ""
    """The tag; by default the version of the chart's application."""
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    """The digest, which wins over the tag."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When nodes pull the image."""


class SecretKey(Values):
    """A value in a Secret that exists."""

    existing_secret: Name = ""
    """The name of the Secret; empty if the value is not set."""
    key: Annotated[str, Field(min_length=1)] = "value"
    """The key in the Secret."""


class SecretFolder(Values):
    """A Secret that exists, whose keys are all mounted."""

    existing_secret: Name = ""
    """The name of the Secret; empty for none."""


class Secrets(Values):
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
    traces_url: SecretKey = SecretKey(key="url")
    """The URL of the receiver of traces (INTERLOCK_TRACES_URL)."""
    webhook_secrets: SecretFolder = SecretFolder()
    """The secrets of webhooks, each under its `secretName`."""


class Deploy(Values):
    """The job that migrates the database and applies the declaration."""

    hook: bool = True
    """Whether Helm runs the job as a hook; false for Argo CD, Flux and `helm install --wait`."""
    server_role: str = ""
    """The database role of the servers, to which the job grants its rights."""
    timeout_seconds: Seconds = 240
    """How long the job waits for the database and the servers."""
    active_deadline_seconds: Seconds = 1_200
    """How long the job can take, with all attempts."""
    backoff_limit: Annotated[int, Field(ge=0)] = 3
    """How often the job is repeated; a refused plan is not."""
    extra_env: Objects = []
    """More environment variables of the job."""
    resources: JsonObject = {"requests": {"cpu": "100m", "memory": "256Mi"}}
    """The resources of the job."""


class DeclarationPieces(Values):
    """Pieces of the declaration in ConfigMaps of other teams, each under the key ticketing.yaml."""

    config_maps: list[Annotated[Name, Field(min_length=1)]] = []
    """The names of the ConfigMaps."""
    label: Annotated[str, Field(pattern=r"^([^=\s]+(=[^=\s]*)?)?$")] = ""
    """A label, such as interlock/declaration=true, of more ConfigMaps. Helm looks them up."""


class ServiceObject(Values):
    """The Service."""

    type: Literal["ClusterIP", "LoadBalancer", "NodePort"] = "ClusterIP"
    """The type of the Service."""
    port: PortNumber = 80
    """The port of the Service."""
    annotations: Texts = {}
    """The annotations of the Service."""


class Ingress(Values):
    """The Ingress."""

    enabled: bool = False
    """Whether to create it."""
    class_name: str = ""
    """Its class; empty for the default class."""
    annotations: Texts = {}
    """Its annotations."""
    hosts: list[str] = []
    """The names of the host."""
    tls: Objects = []
    """The certificates, as in an Ingress."""


class HttpRoute(Values):
    """The HTTPRoute of the Gateway API."""

    enabled: bool = False
    """Whether to create it."""
    annotations: Texts = {}
    """Its annotations."""
    parent_refs: Objects = []
    """The gateways."""
    hostnames: list[str] = []
    """The names of the host; none for those of the gateway."""


class ServiceAccount(Values):
    """The ServiceAccount. No pod gets its token."""

    create: bool = True
    """Whether to create it."""
    name: str = ""
    """Its name; by default that of the release."""
    annotations: Texts = {}
    """Its annotations."""


class PodDisruptionBudget(Values):
    """The PodDisruptionBudget."""

    enabled: bool = True
    """Whether to create it."""
    max_unavailable: Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern="^[0-9]+%$")] = 1
    """How many servers an eviction can take away."""


class Autoscaling(Values):
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


class NetworkPolicy(Values):
    """The NetworkPolicy."""

    enabled: bool = True
    """Whether to create it."""
    from_: Annotated[Objects, Field(alias="from")] = []
    """Who can send requests; empty for everyone."""
    egress: Objects = []
    """Where servers can connect to; empty for everywhere."""


class Monitor(Values):
    """An object for the Prometheus operator or for Grafana."""

    enabled: bool = False
    """Whether to create it."""
    labels: Texts = {}
    """More labels, by which it is selected."""


class ServiceMonitor(Monitor):
    """The ServiceMonitor of the Prometheus operator."""

    interval: str = "30s"
    """The time between two scrapes."""


class Postgresql(Values):
    """For trials only: a PostgreSQL without a standby, backups and upgrades."""

    enabled: bool = False
    """Whether to create it."""
    image: Annotated[str, Field(min_length=1)] = "docker.io/library/postgres:18"
    """The image of PostgreSQL."""
    existing_secret: Name = ""
    """A Secret with the key `password`; by default the chart creates one."""
    storage: str = "1Gi"
    """The size of its volume."""
    resources: JsonObject = {"requests": {"cpu": "100m", "memory": "256Mi"}}
    """Its resources."""
