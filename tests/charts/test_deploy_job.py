"""The job applies what the values declare: in one file, in many, and in those of several teams."""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import helm_python
import pytest
import yaml

from api.files import layers_digest, read_layer
from engine.declaration.models import SECTION
from engine.errors import InvalidDeclaration
from engine.resources.declaration_digest import declaration_digest
from engine.storage.postgres.database import Database, open_database
from reconciler.desired import Desired, read_desired
from reconciler.document.serialize import serialize_plan
from reconciler.planner import make_plan
from reconciler.values import ValuesInput, read_values
from tests.charts.test_interlock_chart import LAYERS
from tests.support.chart import (
    DECLARATION,
    Manifest,
    declaration_files,
    job_of,
    load_chart,
    manifests_of,
    pod_of,
)
from tests.support.command import interlock, on
from tests.support.databases import EMPTY, SERVER_ROLE, new_database
from tests.support.paths import CHART

MEBIBYTE: Final = 1024 * 1024
WORKFLOW: Final[Mapping[str, Any]] = {
    "displayName": "W",
    "transitions": [{"from": "OPEN", "to": "CLOSED", "role": "any"}],
}


@pytest.fixture(scope="module")
def chart() -> Iterator[helm_python.Chart]:
    with load_chart() as loaded:
        yield loaded


@pytest.fixture
async def empty_url(template: str) -> AsyncIterator[str]:
    """Return the address, for its owner, of a database without a schema."""
    async with new_database(template, EMPTY) as url:
        yield url


def mount(
    folder: Path, manifests: list[Manifest], others: Mapping[str, str] | None = None
) -> Desired:
    """Write the files that the job mounts, and return the resources in them."""
    for name, text in declaration_files(manifests, others).items():
        (folder / name).write_text(text, "utf-8")
    return read_desired(ValuesInput([read_layer(folder)]))


def arguments_of(manifests: list[Manifest], folder: Path) -> list[str]:
    """Return the arguments of the job for another folder."""
    [container] = pod_of(job_of(manifests))["containers"]
    return [each.replace(DECLARATION, str(folder)) for each in container["args"]]


def large(items: int) -> dict[str, Any]:
    """Return a declaration with so many items, each of a thousand characters."""
    return {
        "visibility": "involved",
        "workflows": [{"name": f"w{number}", **WORKFLOW} for number in range(100)],
        "catalog": {
            "categories": [{"name": "all", "displayName": "All"}],
            "items": [
                {
                    "name": f"i{number}",
                    "category": "all",
                    "displayName": "Item",
                    "description": f"{number} é\n" * 120,
                    "workflow": f"w{number % 100}",
                }
                for number in range(items)
            ],
        },
        "services": [{"path": "acme/api", "slaGroup": "payment-team"}],
    }


@pytest.mark.parametrize(("texts", "arguments"), LAYERS.values(), ids=LAYERS)
async def test_the_plan_of_the_mounted_file_is_that_of_the_raw_files(
    chart: helm_python.Chart,
    database: Database,
    tmp_path: Path,
    texts: list[str],
    arguments: list[str],
) -> None:
    layers = [(f"{number}.yaml", text) for number, text in enumerate(texts)]
    raw = ValuesInput(layers, arguments)
    merged = read_values(raw).draft
    assert isinstance(merged, dict)
    desired = mount(tmp_path, manifests_of(chart, merged))
    async with database.snapshot() as session:
        plans = [await make_plan(session, each, "test") for each in (read_desired(raw), desired)]
    changes = [[(each.before, each.after, each.impact) for each in plan.changes] for plan in plans]
    assert changes[0] == changes[1]


async def test_the_job_prepares_an_empty_database_and_can_be_repeated(
    chart: helm_python.Chart, empty_url: str, tmp_path: Path
) -> None:
    values = {
        SECTION: {"groups": ["payment-team"]},
        "deploy": {"serverRole": SERVER_ROLE},
        "replicaCount": 0,
    }
    manifests = manifests_of(chart, values)
    desired = mount(tmp_path, manifests)
    [first, again] = [
        interlock(*arguments_of(manifests, tmp_path), env=on(empty_url)) for _ in range(2)
    ]
    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    active = f"The declaration sha256:{declaration_digest(desired.resources)} is active."
    assert active in first.stdout.splitlines()
    assert "no changes" in again.stdout
    async with open_database(empty_url) as database, database.snapshot() as session:
        plan = await make_plan(session, desired, "test")
    assert plan.is_empty, serialize_plan(plan).text


def test_the_job_waits_for_the_content_of_its_own_values(
    chart: helm_python.Chart, empty_url: str, tmp_path: Path
) -> None:
    mount(tmp_path, manifests_of(chart, {SECTION: {"groups": ["old"]}, "replicaCount": 0}))
    manifests = manifests_of(chart, {SECTION: {"groups": ["new"]}, "replicaCount": 0})
    arguments = [*arguments_of(manifests, tmp_path), "--timeout=0"]
    late = interlock(*arguments, env=on(empty_url))
    assert late.returncode == 1
    assert "The files have the content" in late.stderr


def test_a_declaration_above_one_mebibyte_is_split(
    chart: helm_python.Chart, tmp_path: Path
) -> None:
    ticketing = large(2_000)
    manifests = manifests_of(chart, {SECTION: ticketing})
    maps = [each for each in manifests if each["kind"] == "ConfigMap"]
    sizes = [len(each["data"]["ticketing.yaml"].encode()) for each in maps]
    assert sum(sizes) > 2 * MEBIBYTE > MEBIBYTE > max(sizes)
    desired = mount(tmp_path, manifests)
    raw = yaml.dump({SECTION: ticketing}, Dumper=yaml.CSafeDumper, allow_unicode=True)
    assert desired.resources == read_desired(ValuesInput([("raw.yaml", raw)])).resources
    content = f"--content=sha256:{layers_digest([read_layer(tmp_path)])}"
    assert content in arguments_of(manifests, tmp_path)


TEAMS: Final[Mapping[str, str]] = {
    "network-team": "ticketing: {groups: [network-team]}",
    "payment-team": "ticketing: {groups: [payment-team]}",
}


def test_pieces_of_teams_are_mounted_into_one_folder(
    chart: helm_python.Chart, tmp_path: Path
) -> None:
    values = {"declaration": {"configMaps": [*reversed([*TEAMS])]}, SECTION: {"groups": ["base"]}}
    manifests = manifests_of(chart, values)
    desired = mount(tmp_path, manifests, TEAMS)
    names = [Path(each).name for each in desired.files]
    assert names == ["000-values.yaml", "network-team.yaml", "payment-team.yaml"]
    [groups] = [each for key, each in desired.resources.items() if key.name == "groups"]
    assert list(groups.model.model_dump()["groups"]) == ["base", "network-team", "payment-team"]
    assert not any(each.startswith("--content") for each in arguments_of(manifests, tmp_path))


def test_a_collision_of_a_team_with_the_values_names_both_places(
    chart: helm_python.Chart, tmp_path: Path
) -> None:
    manifests = manifests_of(chart, {"declaration": {"configMaps": ["team"]}})
    with pytest.raises(InvalidDeclaration) as raised:
        mount(tmp_path, manifests, {"team": "ticketing: {visibility: involved}"})
    [finding] = raised.value.findings
    assert finding.at.file.endswith("/team.yaml")
    assert "ticketing.visibility is already declared at" in finding.message
    assert "/000-values.yaml:" in finding.message


def test_labelled_config_maps_are_found(tmp_path: Path) -> None:
    """Render without a cluster: the objects that Helm would look up are in the template."""
    chart_folder = tmp_path / "interlock"
    copytree(CHART, chart_folder)
    template = chart_folder / "templates/_declaration.tpl"
    found = (
        '(dict "items" (list'
        ' (dict "metadata" (dict "name" "b" "labels" (dict "interlock/declaration" "true")))'
        ' (dict "metadata" (dict "name" "other" "labels" (dict "interlock/declaration" "no")))'
        ' (dict "metadata" (dict "name" "without"))'
        ' (dict "metadata" (dict "name" "a" "labels" (dict "interlock/declaration" "true")))))'
    )
    text = template.read_text("utf-8")
    lookup = '(lookup "v1" "ConfigMap" $.Release.Namespace "")'
    assert lookup in text
    template.write_text(text.replace(lookup, found), "utf-8")
    declaration = {"label": "interlock/declaration=true", "configMaps": ["c", "a"]}
    with helm_python.Chart.load(chart_folder) as chart:
        manifests = manifests_of(chart, {"declaration": declaration})
    files = declaration_files(manifests, dict.fromkeys("abc", "x"))
    assert sorted(files) == ["000-values.yaml", "a.yaml", "b.yaml", "c.yaml"]
