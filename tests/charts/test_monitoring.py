"""The dashboard and the alerts ask for metrics that exist, and each alert fires when it should."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from tests.support.paths import CHART, DOCS

FOLDER = CHART / "monitoring"
ALERTS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))[
    "groups"
][0]["rules"]
DASHBOARD = json.loads((FOLDER / "interlock.json").read_text("utf-8"))
PANELS = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
METRICS = dict(
    re.findall(
        r"^\| `(interlock_\w+)` \| (\w+)", (DOCS / "metrics.md").read_text("utf-8"), re.MULTILINE
    )
)
HISTOGRAM: Final = re.compile(r"_(bucket|sum|count)$")
VARIABLES: Final = {"$job": ".*", "$__rate_interval": "5m"}
DURATIONS = 'interlock_http_request_duration_seconds_bucket{{interface="rest",le="{}"}}'
MINUTES = 90
"""How long the metrics of a case are recorded, one value a minute."""


class Case(NamedTuple):
    """Metrics with which an alert fires, and others with which it does not.

    The notation is that of promtool: `0+5x90` is 0, and then 90 values that grow by 5.
    """

    firing: dict[str, str]
    silent: dict[str, str]


def share(name: str, labels: str, bad: str, good: str) -> Case:
    """Return the case of a counter in which 2 of 100 are bad, and one in which 0.5 of 100 are."""
    total = f"{name}{{{labels}{good}}}"
    failed = f"{name}{{{labels}{bad}}}"
    return Case({failed: "0+12x90", total: "0+588x90"}, {failed: "0+3x90", total: "0+597x90"})


def above(metric: str, firing: str, silent: str) -> Case:
    return Case({metric: firing}, {metric: silent})


CASES: dict[str, Case] = {
    "InterlockGone": above('interlock_server_info{version="1"}', "_x90", "1x90"),
    "InterlockRequestsFail": share(
        "interlock_http_requests_total", 'interface="rest",', 'status="503"', 'status="200"'
    ),
    "InterlockOperationsFail": share(
        "interlock_graphql_operations_total", 'type="query",', 'outcome="failed"', 'outcome="ok"'
    ),
    "InterlockSlow": Case(
        {
            DURATIONS.format(1): "0+97x90",
            DURATIONS.format(10): "0+100x90",
            DURATIONS.format("+Inf"): "0+100x90",
        },
        {
            DURATIONS.format(1): "0+100x90",
            DURATIONS.format("+Inf"): "0+100x90",
        },
    ),
    "InterlockOverloaded": above(
        'interlock_requests_refused_total{queue="reads"}', "0+1x90", "7x90"
    ),
    "InterlockConnectionsUsedUp": Case(
        {
            'interlock_database_connections_in_use{kind="reads"}': "8x90",
            'interlock_database_connections_limit{kind="reads"}': "8x90",
        },
        {
            'interlock_database_connections_in_use{kind="reads"}': "7x90",
            'interlock_database_connections_limit{kind="reads"}': "8x90",
        },
    ),
    "InterlockBackgroundTaskLate": above(
        'interlock_background_task_lag_seconds{task="seals"}', "0+60x90", "100x90"
    ),
    "InterlockBackgroundTaskFails": above(
        'interlock_background_task_runs_total{task="seals",outcome="failed"}', "0+6x90", "0+1x90"
    ),
    "InterlockDatabaseLostChanges": above("interlock_log_rewinds_total", "0x80 1x10", "1x90"),
    "InterlockClocksDiffer": above("interlock_clock_difference_seconds", "-3x90", "1.5x90"),
    "InterlockDeclarationsDiffer": Case(
        {
            'interlock_declaration_info{digest="a"}': "1x90",
            'interlock_declaration_info{digest="b"}': "1x90",
        },
        {
            'interlock_declaration_info{digest="a",instance="1"}': "1x90",
            'interlock_declaration_info{digest="a",instance="2"}': "1x90",
        },
    ),
    "InterlockDeclarationOld": above(
        "interlock_declaration_read_timestamp_seconds", "60x90", "0+60x90"
    ),
    "InterlockValuesNotApplied": above("interlock_values_applied", "0x90", "1x90"),
    "InterlockVersionsDiffer": Case(
        {
            'interlock_server_info{version="1"}': "1x90",
            'interlock_server_info{version="2"}': "1x90",
        },
        {'interlock_server_info{version="2"}': "1x90"},
    ),
    "InterlockWebhookBlocked": above(
        'interlock_webhook_blocked{webhook="chat",reason="secret_missing"}', "1x90", "_x90"
    ),
    "InterlockWebhookLate": above(
        'interlock_webhook_deliveries{webhook="chat",state="pending"}', "2000x90", "900x90"
    ),
    "InterlockDeadLetters": above(
        'interlock_webhook_deliveries{webhook="chat",state="dead"}', "3+1x90", "3x90"
    ),
    "InterlockUnsealed": above("interlock_unsealed_seconds", "0+60x90", "10x90"),
    "InterlockAnchorOld": above("interlock_anchor_timestamp_seconds", "1x600", "0x600"),
    "InterlockTokenKeysOld": above(
        "interlock_token_keys_read_timestamp_seconds", "1x600", "0+60x600"
    ),
}


def run_promtool(*arguments: str | Path) -> None:
    """Run a check of Prometheus; print what it finds."""
    tool = shutil.which("promtool")
    if tool is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("promtool is not on the PATH.")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - found above
    assert done.returncode == 0, done.stdout + done.stderr


def expressions() -> Iterator[str]:
    """Yield the expressions of the dashboard and of the alerts, without variables."""
    for panel in PANELS:
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            yield text
    yield from (each["expr"] for each in ALERTS)


def test_prometheus_accepts_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"r{n}", "expr": each} for n, each in enumerate(expressions())]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}), "utf-8")
    run_promtool("check", "rules", file)
    run_promtool("check", "rules", FOLDER / "alerts.yaml")


def test_every_metric_in_an_expression_exists() -> None:
    for text in expressions():
        assert "$" not in text
        for name in re.findall(r"interlock_\w+", text):
            stem = HISTOGRAM.sub("", name)
            is_part = METRICS.get(stem) == "histogram" and stem != name
            assert is_part or METRICS[name] != "histogram", name


def test_each_panel_has_a_place_and_a_description() -> None:
    cells = [
        (x, y)
        for place in (each["gridPos"] for each in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({each["id"] for each in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(each["description"].endswith(".") for each in PANELS)


def test_each_alert_fires_only_when_it_should(tmp_path: Path) -> None:
    assert sorted(CASES) == sorted(each["alert"] for each in ALERTS)
    tests = [
        {
            "interval": "1m",
            "input_series": [
                {"series": series, "values": values} for series, values in metrics.items()
            ],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)',
                    "eval_time": f"{end}m",
                    "exp_samples": [{"labels": "{}", "value": count}],
                }
            ],
        }
        for name, case in CASES.items()
        for metrics, count in ((case.firing, 1), (case.silent, 0))
        for end in [599 if "x600" in str(metrics) else MINUTES - 1]
    ]
    file = tmp_path / "tests.yaml"
    rules = {"rule_files": [str(FOLDER / "alerts.yaml")], "evaluation_interval": "1m"}
    file.write_text(yaml.safe_dump(rules | {"tests": tests}), "utf-8")
    run_promtool("test", "rules", file)
