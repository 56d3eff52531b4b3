"""The objects of the chart are valid, hardened, and have settings that servers accept."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

import helm_python
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import all_versions
from pydantic import SecretStr
from syrupy.assertion import SnapshotAssertion

from api.settings import Settings
from tests.support.chart import (
    REQUIRED,
    Manifest,
    job_of,
    load_chart,
    manifests_of,
    one_of,
    pod_of,
    texts_of,
)
from tests.support.paths import CHART
from tools.chart_values import SECRET, SET_BY_CHART

OTHER_APIS: Final = {"gateway.networking.k8s.io", "monitoring.coreos.com"}
"""The APIs of other projects, whose schemas are not among those of Kubernetes."""
SECRET_NAMES: Final = (
    *("databaseDirectUrl", "migrationDatabaseUrl", "oidcClientSecret", "apiKeys"),
    *("licenseKey", "anchorKey", "anchorUrl", "tracesUrl"),
)
OTHER_SECRETS: Final = "\n  ".join(
    f"{name}: {{existingSecret: secret-{name.lower()}}}" for name in SECRET_NAMES
)
EVERYTHING: Final = f"""
image: {{repository: registry.example.com/interlock, digest: "sha256:{64 * "a"}"}}
imagePullSecrets: [{{name: registry}}]
fullnameOverride: desk
autoscaling: {{enabled: true, maxReplicas: 8}}
secrets:
  databaseUrl: {{existingSecret: database, key: server-url}}
  jwtSecret: {{existingSecret: tokens}}
  webhookSecrets: {{existingSecret: webhooks}}
  {
    "".join(
        f"{name}: {{existingSecret: secret-{name.lower()}}}" + chr(10) + "  "
        for name in SECRET_NAMES
    )
}
settings:
  INTERLOCK_STATUS_PAGE_PORT: 8081
  INTERLOCK_DATABASE_CONNECTIONS: 48
  INTERLOCK_DRAIN_SECONDS: 12.5
  INTERLOCK_EXPLORER: true
  INTERLOCK_LIMITS: viewer_rate=400
  INTERLOCK_OIDC_CLIENT_ID: interlock
  INTERLOCK_PUBLIC_URL: https://desk.example.com
  INTERLOCK_TRUSTED_PROXIES: 10.0.0.0/8
deploy: {{serverRole: interlock_server, extraEnv: [{{name: PGSSLMODE, value: verify-full}}]}}
declaration: {{configMaps: [payment-team, network-team]}}
service: {{type: LoadBalancer, annotations: {{example.com/internal: "true"}}}}
ingress:
  enabled: true
  className: nginx
  annotations: {{nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"}}
  hosts: [desk.example.com]
  tls: [{{secretName: desk-tls, hosts: [desk.example.com]}}]
httpRoute:
  enabled: true
  annotations: {{example.com/team: platform}}
  parentRefs: [{{name: public, namespace: gateways}}]
  hostnames: [desk.example.com]
serviceAccount: {{name: interlock, annotations: {{iam.example.com/role: database}}}}
podDisruptionBudget: {{maxUnavailable: "30%"}}
networkPolicy:
  from: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: ingress}}}}}}]
  egress: [{{ports: [{{port: 5432}}]}}]
serviceMonitor: {{enabled: true, labels: {{release: prometheus}}}}
prometheusRule: {{enabled: true, labels: {{release: prometheus}}}}
dashboard: {{enabled: true, labels: {{grafana_dashboard: "1"}}}}
podAnnotations: {{example.com/logs: json}}
podLabels: {{team: platform}}
nodeSelector: {{kubernetes.io/arch: amd64}}
tolerations: [{{key: dedicated, operator: Exists}}]
affinity: {{nodeAffinity: {{}}}}
priorityClassName: high
extraEnv: [{{name: SSL_CERT_FILE, value: /etc/ca/ca.crt}}]
extraVolumes: [{{name: ca, configMap: {{name: ca}}}}]
extraVolumeMounts: [{{name: ca, mountPath: /etc/ca, readOnly: true}}]
ticketing: {{groups: [payment-team]}}
"""
VALUE_SETS: Final[Mapping[str, str]] = {
    "required": "{}",
    "everything": EVERYTHING,
    "openid": """
        secrets: {jwtSecret: {existingSecret: ""}}
        settings: {INTERLOCK_OIDC_ISSUER: https://login.example.com, INTERLOCK_JWT_AUDIENCE: desk}
        replicaCount: 1
    """,
    "argo_cd": "deploy: {hook: false}",
    "trial": """
        secrets: {databaseUrl: {existingSecret: ""}}
        postgresql: {enabled: true, existingSecret: trial-password}
    """,
}


@pytest.fixture(scope="module")
def chart() -> Iterator[helm_python.Chart]:
    with load_chart() as loaded:
        yield loaded


def values_of(name: str) -> dict[str, Any]:
    """Return a value set over the required values, as Helm merges them."""
    own = yaml.safe_load(VALUE_SETS[name])
    secrets = {**REQUIRED["secrets"], **own.pop("secrets", {})}
    return {**own, "secrets": secrets}


@pytest.fixture(params=VALUE_SETS)
def manifests(request: pytest.FixtureRequest, chart: helm_python.Chart) -> list[Manifest]:
    return manifests_of(chart, values_of(request.param))


def pods(manifests: list[Manifest]) -> list[Manifest]:
    kinds = {"Deployment", "Job", "StatefulSet"}
    return [pod_of(each) for each in manifests if each["kind"] in kinds]


def shown(name: str, text: str) -> str:
    """Return a template for a snapshot, without the files of the monitoring."""
    if name != "monitoring.yaml":
        return text
    return re.sub(r"(groups:|interlock\.json: \|)\n(?: {4,}.*\n|\n)+", r"\1 …\n", text + "\n")


@pytest.mark.parametrize("name", VALUE_SETS)
def test_the_chart_renders(
    chart: helm_python.Chart, name: str, snapshot: SnapshotAssertion
) -> None:
    texts = texts_of(chart, values_of(name))
    assert "".join(f"# {each}\n{shown(each, text)}\n" for each, text in texts.items()) == snapshot


@pytest.mark.parametrize("name", VALUE_SETS)
def test_the_chart_passes_helm_lint(name: str) -> None:
    report = helm_python.lint(CHART, values_of(name), strict=True)
    assert (report["errors"], [each for each in report["messages"] if each["severity"] > 1]) == (
        [],
        [],
    )


OLDEST: Final = re.findall(r'kubeVersion: ">=([0-9.]+)\.0-0"', (CHART / "Chart.yaml").read_text())[
    0
]
NEWEST: Final = all_versions()[-1]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_accepts_each_manifest(manifests: list[Manifest], version: str) -> None:
    checked = 0
    for manifest in manifests:
        if manifest["apiVersion"].partition("/")[0] not in OTHER_APIS:
            kubernetes_validate.validate(manifest, version, strict=True)
            checked += 1
    assert checked >= len(manifests) - 3


def test_each_object_has_a_name_of_its_own(manifests: list[Manifest]) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in manifests]
    assert len(set(names)) == len(names)
    assert max(len(name) for _, name in names) <= 63


def test_no_pod_can_do_more_than_it_must(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "tmp" in {each["name"] for each in container["volumeMounts"]}
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    for account in (each for each in manifests if each["kind"] == "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_every_mounted_volume_exists(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        volumes = {each["name"] for each in pod["volumes"]}
        mounts = {each["name"] for c in pod["containers"] for each in c["volumeMounts"]}
        claims = {"data"}
        assert mounts - claims == volumes


def test_every_selector_finds_exactly_its_pods(manifests: list[Manifest]) -> None:
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in manifests
        if each["kind"] in {"Deployment", "Job", "StatefulSet"}
    }
    selectors = {
        "Service": lambda spec: spec["selector"],
        "Deployment": lambda spec: spec["selector"]["matchLabels"],
        "StatefulSet": lambda spec: spec["selector"]["matchLabels"],
        "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
        "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
    }
    for manifest in manifests:
        if select := selectors.get(manifest["kind"]):
            selector = select(manifest["spec"]).items()
            found = [name for name, each in labels.items() if selector <= each.items()]
            assert found == [manifest["metadata"]["name"]]


def environment_of(manifest: Manifest) -> dict[str, str]:
    """Return the environment of the only container, with a value for each secret."""
    [container] = pod_of(manifest)["containers"]
    given = {
        "INTERLOCK_ANCHOR_URL": "https://anchors.example.com",
        "INTERLOCK_API_KEYS": f"reload={64 * 'a'}",
        "INTERLOCK_DATABASE_DIRECT_URL": "postgresql://db",
        "INTERLOCK_DATABASE_URL": "postgresql://pooler",
        "INTERLOCK_TRACES_URL": "http://collector:4318/v1/traces",
    }
    names = [each["name"] for each in container["env"]]
    assert len(set(names)) == len(names)
    return {
        each["name"]: each.get("value", given.get(each["name"], "x")) for each in container["env"]
    }


def test_servers_accept_their_settings(manifests: list[Manifest]) -> None:
    settings = Settings.from_env(environment_of(one_of(manifests, "Deployment")))
    assert settings.require_key_source()
    assert (settings.host, settings.port, settings.database_schema) == ("0.0.0.0", 8080, "wait")  # noqa: S104
    assert settings.log_format == "text"  # the image sets it


def test_the_job_accepts_its_settings(manifests: list[Manifest]) -> None:
    settings = Settings.from_env(environment_of(job_of(manifests)))
    assert settings.database_url is not None


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        ({}, "interlock-database"),
        ({"databaseDirectUrl": {"existingSecret": "direct"}}, "direct"),
        ({"migrationDatabaseUrl": {"existingSecret": "owner"}}, "owner"),
    ],
    ids=["servers", "pooler", "owner"],
)
def test_the_job_uses_the_owner_and_no_pooler(
    chart: helm_python.Chart, secrets: dict[str, Any], expected: str
) -> None:
    values = {"secrets": {**REQUIRED["secrets"], **secrets}, "deploy": {"serverRole": "server"}}
    [container] = pod_of(job_of(manifests_of(chart, values)))["containers"]
    [variable] = container["env"]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": expected, "key": "url"}


def test_every_setting_is_a_value_a_secret_or_set_by_the_chart(chart: helm_python.Chart) -> None:
    manifests = manifests_of(chart, values_of("everything"))
    settings = Settings.from_env(environment_of(one_of(manifests, "Deployment")))
    assert (settings.database_connections, settings.drain_seconds) == (48, 12.5)
    by_file = {"jwt_secret", "oidc_client_secret", "anchor_key"}
    for name in SECRET | {f"{each}_file" for each in by_file} | {"webhook_secrets_dir"}:
        assert (getattr(settings, name) in {None, ()}) == (name in by_file), name
    assert Settings.model_fields.keys() >= SECRET | SET_BY_CHART
    secret = {
        name
        for name, field in Settings.model_fields.items()
        if SecretStr in get_args(field.annotation)
    }
    assert secret <= SECRET


def test_a_stop_is_shorter_than_the_time_that_kubernetes_gives(chart: helm_python.Chart) -> None:
    pod = pod_of(one_of(manifests_of(chart, {}), "Deployment"))
    assert pod["terminationGracePeriodSeconds"] > Settings().drain_seconds + 20


def test_nothing_of_a_trial_is_in_production(chart: helm_python.Chart) -> None:
    kinds = {each["kind"] for each in manifests_of(chart, values_of("required"))}
    assert not kinds & {"Secret", "StatefulSet", "Ingress", "HTTPRoute"}


def test_a_trial_needs_no_secret(chart: helm_python.Chart) -> None:
    """Without a Secret of its own, the chart creates random ones."""
    trial = {"postgresql": {"enabled": True}, "secrets": {}}
    manifests = manifests_of(chart, trial)
    secret = one_of(manifests, "Secret")
    assert secret["data"].keys() == {"password", "jwt-secret"}
    assert secret["data"] != one_of(manifests_of(chart, trial), "Secret")["data"]
    assert "THIS IS A TRIAL" in texts_of(chart, trial)["NOTES.txt"]


def test_the_alerts_and_the_dashboard_are_those_of_the_chart(chart: helm_python.Chart) -> None:
    manifests = manifests_of(chart, values_of("everything"))
    alerts = (CHART / "monitoring/alerts.yaml").read_text("utf-8")
    assert one_of(manifests, "PrometheusRule")["spec"] == yaml.safe_load(alerts)
    dashboard = (CHART / "monitoring/interlock.json").read_text("utf-8")
    assert one_of(manifests, "ConfigMap", "-dashboard")["data"]["interlock.json"] == dashboard


def test_the_job_of_a_hook_has_a_fixed_name_and_that_of_argo_cd_a_new_one(
    chart: helm_python.Chart,
) -> None:
    def names(values: dict[str, Any]) -> set[str]:
        created = manifests_of(chart, values)
        return {
            each["metadata"]["name"] for each in created if each["kind"] in {"Job", "ConfigMap"}
        }

    changed = {"ticketing": {"groups": ["network-team"]}}
    assert names({}) == names(changed)
    plain = {"deploy": {"hook": False}}
    assert names(plain) == names(plain)
    assert not names(plain) & names({**plain, **changed})
    image = {"image": {"tag": "2"}}
    assert len(names(plain) & names({**plain, **image})) == 1  # the declaration is the same


@pytest.mark.parametrize("is_upgrade", [False, True])
def test_only_an_installation_requires_a_server(
    chart: helm_python.Chart, *, is_upgrade: bool
) -> None:
    """Before an upgrade, all servers can be down; then the job must bring them back."""
    [container] = pod_of(job_of(manifests_of(chart, {}, is_upgrade=is_upgrade)))["containers"]
    assert ("--servers=1" in container["args"]) is not is_upgrade


MISSING: Final[Mapping[str, tuple[dict[str, Any], str]]] = {
    "no database": ({"secrets": {}}, "Set secrets.databaseUrl.existingSecret"),
    "no keys": (
        {"secrets": {"databaseUrl": {"existingSecret": "database"}}},
        "Set settings.INTERLOCK_OIDC_ISSUER",
    ),
    "no role": (
        {"secrets": {**REQUIRED["secrets"], "migrationDatabaseUrl": {"existingSecret": "owner"}}},
        "Set deploy.serverRole",
    ),
    "no hosts": ({"ingress": {"enabled": True}}, "Set ingress.hosts"),
    "no gateway": ({"httpRoute": {"enabled": True}}, "Set httpRoute.parentRefs"),
}


@pytest.mark.parametrize(("values", "message"), MISSING.values(), ids=MISSING)
def test_a_missing_value_is_named(
    chart: helm_python.Chart, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(helm_python.HelmRenderError, match=re.escape(message)):
        texts_of(chart, values)


WRONG: Final[Mapping[str, str]] = {
    "an unknown key": "imge: {tag: 1.0}",
    "an unknown nested key": "image: {name: interlock}",
    "a secret in the values": "secrets: {databaseUrl: {value: postgresql://u:p@db}}",
    "a setting that comes from a secret": "settings: {INTERLOCK_JWT_SECRET: x}",
    "a setting of the chart": "settings: {INTERLOCK_PORT: 80}",
    "an unknown setting": "settings: {INTERLOCK_LOGFORMAT: text}",
    "a number of servers as text": "replicaCount: two",
    "a negative number of servers": "replicaCount: -1",
    "a port out of range": "service: {port: 70000}",
    "a digest without its algorithm": f"image: {{digest: {64 * 'a'}}}",
    "a pull policy in lower case": "image: {pullPolicy: always}",
    "hosts as objects": "ingress: {hosts: [{host: desk.example.com}]}",
    "environment as a map": "extraEnv: {SSL_CERT_FILE: /ca.crt}",
    "a hook by its name": "deploy: {hook: pre-upgrade}",
    "an approval that is none": "ticketing: {approvedPlan: latest}",
    "an unknown priority": "ticketing: {sla: {URGENT: {response: 5m}}}",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_the_schema_rejects_wrong_values(chart: helm_python.Chart, text: str) -> None:
    with pytest.raises(helm_python.HelmValuesError):
        chart.validate_schema(yaml.safe_load(text))


@pytest.mark.parametrize("name", VALUE_SETS)
def test_the_schema_accepts_the_value_sets(chart: helm_python.Chart, name: str) -> None:
    chart.validate_schema(values_of(name))


def test_each_value_is_used_by_a_template() -> None:
    templates = "".join(each.read_text("utf-8") for each in Path(CHART / "templates").iterdir())
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    unused = [key for key in values if key not in templates]
    assert unused == ["global"]
