"""docs/metrics.md lists every metric of a server, with the words of the server itself."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr

from api.bootstrap.application import open_application
from api.http.app_keys import METRICS
from api.settings import Settings
from engine.sealing.anchor_key import AnchorKey
from tests.support.api_client import SECRET
from tests.support.paths import CHART, DOCS

PAGE = (DOCS / "metrics.md").read_text("utf-8")
ALERTS = CHART / "monitoring" / "alerts.yaml"
ROW = re.compile(r"^\| `(interlock_\w+)` \| (\w+) \|(.*?)\| (.*) \|$", re.MULTILINE)
SUFFIXES = {"counter": "_total", "info": "_info"}


class MetricRow(NamedTuple):
    """A metric: its name in queries, its type, its labels and its meaning."""

    name: str
    type: str
    labels: tuple[str, ...]
    meaning: str


@pytest.fixture
async def registry(database_url: str, tmp_path: Path) -> AsyncIterator[CollectorRegistry]:
    """Return the metrics of a server whose settings use everything that has metrics."""
    values, secrets = tmp_path / "values.yaml", tmp_path / "secrets"
    values.write_text("ticketing: {}", "utf-8")
    secrets.write_text(SECRET.get_secret_value(), "utf-8")
    settings = Settings(
        database_url=SecretStr(database_url),
        jwt_secret_file=secrets,
        values_file=values,
        anchor_key=SecretStr(AnchorKey.new().pem),
        anchor_file=tmp_path / "anchors",
    )
    async with open_application(settings) as application:
        yield application[METRICS].registry


def rows_of(registry: CollectorRegistry) -> Iterator[MetricRow]:
    """Yield the metrics of a registry, without those of the process."""
    for collector in registry._collector_to_names:  # noqa: SLF001 - also those without samples
        wrapper = collector if isinstance(collector, MetricWrapperBase) else None
        for family in collector.collect():
            if family.name.startswith("interlock_"):
                labels = labels_of(family) if wrapper is None else wrapper._labelnames  # noqa: SLF001
                name = family.name + SUFFIXES.get(family.type, "")
                yield MetricRow(name, family.type, tuple(labels), family.documentation)


def labels_of(family: Metric) -> tuple[str, ...]:
    """Return the names of the labels; those of an info are only in its sample, if it has one."""
    if family.type == "info":
        return tuple(label for sample in family.samples for label in sample.labels)
    declared: tuple[str, ...] = getattr(family, "_labelnames", ())
    return declared


def rows_of_page() -> list[MetricRow]:
    return [
        MetricRow(name, kind, tuple(re.findall(r"`(\w+)`", labels)), meaning)
        for name, kind, labels, meaning in ROW.findall(PAGE)
    ]


async def test_the_page_describes_every_metric_in_the_words_of_the_server(
    registry: CollectorRegistry,
) -> None:
    described = {row.name: row for row in rows_of_page()}
    exposed = {row.name: row for row in rows_of(registry)}
    assert sorted(described) == sorted(exposed)
    for name, row in exposed.items():
        assert described[name].type == row.type
        assert described[name].labels == row.labels or (row.type, row.labels) == ("info", ())
        assert described[name].meaning.startswith(row.meaning.removesuffix("."))


def test_pages_name_only_metrics_that_exist() -> None:
    exposed = {row.name for row in rows_of_page()}
    for page in DOCS.glob("*.md"):
        queries = re.findall(r"\b(interlock_\w+)[{\[]", page.read_text("utf-8"))
        assert set(queries) <= exposed, page.name


def test_the_page_says_what_to_do_about_each_alert() -> None:
    alerts = re.findall(r"^ +- alert: (\w+)$", ALERTS.read_text("utf-8"), re.MULTILINE)
    assert re.findall(r"^\| `(Interlock\w+)` \|", PAGE, re.MULTILINE) == alerts
