"""The values on docs/install-kubernetes.md install what the page says."""

import re
from textwrap import dedent
from typing import Any, Final

import pytest
import yaml

from reconciler.desired import read_desired
from reconciler.pieces import Pieces
from reconciler.values import ValuesInput
from tests.support.chart import NAMESPACE, declaration_files, job_of, load_chart, pod_of
from tests.support.paths import CHART, DOCS

PAGE: Final = (DOCS / "install-kubernetes.md").read_text("utf-8")
BLOCKS: Final[list[dict[str, Any]]] = [
    yaml.safe_load(dedent(text))
    for text in re.findall(r"^ *```yaml\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)
]
PRODUCTION, ARGO_CD, FLUX, TEAM = BLOCKS


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    with load_chart() as chart:
        chart.validate_schema(values)
        templates = chart.render(values, name="desk", namespace=NAMESPACE)
    return [
        manifest
        for name, text in templates.items()
        if not name.endswith("NOTES.txt")
        for manifest in yaml.safe_load_all(text)
        if manifest
    ]


def test_the_values_for_production_install_the_named_objects() -> None:
    manifests = rendered(PRODUCTION)
    kinds = {each["kind"] for each in manifests}
    assert {"Deployment", "Ingress", "ServiceMonitor", "PrometheusRule"} <= kinds
    [container] = pod_of(job_of(manifests))["containers"]
    assert "--grant-to=interlock_server" in container["args"]


@pytest.mark.parametrize(
    "values",
    [ARGO_CD["spec"]["source"]["helm"]["valuesObject"], FLUX["spec"]["values"]],
    ids=["Argo CD", "Flux"],
)
def test_the_values_for_other_tools_make_the_job_an_object(values: dict[str, Any]) -> None:
    job = job_of(
        rendered({**PRODUCTION, **values, "deploy": values["deploy"] | PRODUCTION["deploy"]})
    )
    assert "annotations" not in job["metadata"]


def test_the_piece_of_a_team_can_be_joined_with_the_values() -> None:
    assert TEAM["kind"] == "ConfigMap"
    name = TEAM["metadata"]["name"]
    manifests = rendered({**PRODUCTION, "declaration": {"configMaps": [name]}})
    files = declaration_files(manifests, {name: TEAM["data"]["ticketing.yaml"]})
    desired = read_desired(ValuesInput([Pieces("declaration", tuple(sorted(files.items())))]))
    assert "payment-team.yaml:2:14" in map(str, desired.locations.values())
    assert "payment-team.yaml:2:14" in PAGE


def test_the_page_names_the_oldest_kubernetes() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    oldest = chart["kubeVersion"].removeprefix(">=").removesuffix(".0-0")
    assert f"It needs Kubernetes {oldest} or later" in PAGE
