"""The chart, rendered by Helm's own engine."""

from collections.abc import Mapping
from typing import Any, Final

import helm_python
import yaml

from engine.declaration.models import SECTION
from tests.support.paths import CHART

Manifest = dict[str, Any]
NAMESPACE: Final = "desk"
REQUIRED: Final[Mapping[str, Any]] = {
    "secrets": {
        "databaseUrl": {"existingSecret": "interlock-database"},
        "jwtSecret": {"existingSecret": "interlock-tokens"},
    }
}
"""The values without which the chart installs nothing."""
DECLARATION: Final = "/etc/interlock/declaration"
"""The folder in which the job finds the declaration."""


def load_chart() -> helm_python.Chart:
    return helm_python.Chart.load(CHART)


def texts_of(
    chart: helm_python.Chart, values: Mapping[str, Any], *, is_upgrade: bool = False
) -> dict[str, str]:
    """Return the rendered templates by their names, without empty ones."""
    rendered: dict[str, str] = chart.render(
        {**REQUIRED, **values},
        name="demo",
        namespace=NAMESPACE,
        is_install=not is_upgrade,
        is_upgrade=is_upgrade,
    )
    return {
        path.rpartition("/")[2]: text for path, text in sorted(rendered.items()) if text.strip()
    }


def manifests_of(
    chart: helm_python.Chart, values: Mapping[str, Any], *, is_upgrade: bool = False
) -> list[Manifest]:
    """Return all objects that the chart creates."""
    texts = texts_of(chart, values, is_upgrade=is_upgrade)
    return [
        manifest
        for name, text in texts.items()
        if name != "NOTES.txt"
        for manifest in yaml.load_all(text, yaml.CSafeLoader)
        if manifest
    ]


def one_of(manifests: list[Manifest], kind: str, end_of_name: str = "") -> Manifest:
    """Return the only object of a kind whose name has this end."""
    [found] = [
        each
        for each in manifests
        if each["kind"] == kind and each["metadata"]["name"].endswith(end_of_name)
    ]
    return found


def job_of(manifests: list[Manifest]) -> Manifest:
    return one_of(manifests, "Job")


def pod_of(manifest: Manifest) -> Manifest:
    """Return the specification of the pods of a Job, a Deployment or a StatefulSet."""
    pod: Manifest = manifest["spec"]["template"]["spec"]
    return pod


def declaration_files(
    manifests: list[Manifest], others: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the files of the declaration as the kubelet mounts them for the job.

    Args:
        manifests: of the chart.
        others: the texts of ConfigMaps that the chart does not create, by name.

    """
    texts = {
        each["metadata"]["name"]: each["data"]["ticketing.yaml"]
        for each in manifests
        if each["kind"] == "ConfigMap" and "ticketing.yaml" in each["data"]
    }
    [volume] = [each for each in pod_of(job_of(manifests))["volumes"] if "projected" in each]
    files = {}
    for source in volume["projected"]["sources"]:
        [item] = source["configMap"]["items"]
        assert item["key"] == "ticketing.yaml"
        files[item["path"]] = (texts | dict(others or {}))[source["configMap"]["name"]]
    return files


def mounted_declaration(chart: helm_python.Chart, ticketing: Mapping[str, Any] | None) -> str:
    """Return the only file of a declaration of usual size."""
    manifests = manifests_of(chart, {SECTION: ticketing})
    [text] = declaration_files(manifests).values()
    return text
