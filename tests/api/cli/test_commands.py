"""The command line, run as users run it."""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from engine.declaration.defaults import default_workflows
from engine.workflows.compiler import compile_workflow
from engine.workflows.rendering import GraphFormat, render
from tests.support.command import COMMAND, interlock, interlock_process
from tests.support.paths import CHART, ROOT

DEMO_VALUES = ROOT / "api" / "demo" / "values.yaml"


def test_explain_prints_the_table_of_all_transitions_as_json() -> None:
    rows = json.loads(interlock("explain", "incident_response", "--all", "--json").stdout)
    assert len(rows) == 4 * 4 * 8
    assert {
        "from": "RESOLVED",
        "to": "CLOSED",
        "actorRoles": ["assignee"],
        "allowed": False,
        "reason": "role_required",
    } in rows


def test_explain_prints_the_reason_and_the_available_statuses() -> None:
    words = ("--from", "RESOLVED", "--to", "CLOSED", "--as", "assignee")
    printed = interlock("explain", "incident_response", *words).stdout
    assert (
        "refused (role_required): Only the requester can move a ticket from RESOLVED to CLOSED"
        in printed
    )
    assert "Statuses that this actor can move the ticket to: IN_PROGRESS." in printed


def test_every_row_of_the_table_has_the_same_five_keys() -> None:
    rows = json.loads(interlock("explain", "change_request", "--all", "--json").stdout)
    assert {tuple(row) for row in rows} == {("from", "to", "actorRoles", "allowed", "reason")}
    assert len({(row["from"], row["to"], *row["actorRoles"]) for row in rows}) == 4 * 4 * 8
    assert all(row["allowed"] is (row["reason"] == "allowed") for row in rows)


def test_explain_prints_the_table_of_one_actor() -> None:
    words = ("--as", "requester,assignee", "--all", "--json")
    rows = json.loads(interlock("explain", "change_request", *words).stdout)
    assert len(rows) == 4 * 4
    assert {tuple(row["actorRoles"]) for row in rows} == {("assignee", "requester")}


def test_explain_prints_only_the_declared_transitions_by_default() -> None:
    rows = json.loads(interlock("explain", "access_request", "--json").stdout)
    pairs = {(row["from"], row["to"]) for row in rows}
    assert pairs == {
        ("OPEN", "IN_PROGRESS"),
        ("IN_PROGRESS", "RESOLVED"),
        ("RESOLVED", "CLOSED"),
        ("RESOLVED", "IN_PROGRESS"),
    }
    assert {tuple(row["actorRoles"]) for row in rows} == {("assignee",), ("requester",), ("admin",)}
    printed = interlock("explain", "access_request").stdout
    assert printed.count("RESOLVED") == 3


def test_the_version_is_printed() -> None:
    done = interlock("--version")
    assert (done.returncode, done.stdout) == (0, f"interlock {metadata.version('interlock')}\n")


def test_a_file_from_standard_input_is_checked() -> None:
    values = "ticketing: {workflow: []}\n"
    done = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, "lint", "-"], input=values, capture_output=True, text=True, check=False
    )
    assert done.returncode == 6
    assert "-:1:13: error: ticketing: unknown key 'workflow'." in done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("declarations")
    move = "transitions: [{from: OPEN, to: CLOSED, role: any}]"
    (folder / "none.yaml").write_text("ticketing: {}\n")
    (folder / "wrong.yaml").write_text("ticketing: {workflow: []}\n")
    (folder / "bytes.yaml").write_bytes(b"ticketing: \xff\xfe\x00")
    (folder / "two.yaml").write_text(
        f"ticketing: {{workflows: [{{name: first, {move}}}, {{name: second, {move}}}]}}\n"
    )
    (folder / "folder.yaml").mkdir()
    (folder / "loop.yaml").symlink_to("loop.yaml")
    return folder


NO_COMMAND: tuple[str, ...] = ()
NOT_UTF8 = ("lint", "b\udcff.yaml")
OPEN_CHANGE = ("explain", "change_request", "--from", "OPEN")
REFUSED = {
    "no command": (NO_COMMAND, 64, "Usage: interlock"),
    "an unknown command": (("explian",), 64, "No such command 'explian'"),
    "an unknown option": (("lint", "--strict", "none.yaml"), 64, "--strict"),
    "a missing argument": (("lint",), 64, "Missing argument"),
    "an unknown format": (("graph", "change_request", "--format", "png"), 64, "'svg'"),
    "an unknown status": ((*OPEN_CHANGE, "--to", "CLOSE"), 64, "Did you mean 'CLOSED'?"),
    "an unknown role": (
        (*OPEN_CHANGE, "--to", "CLOSED", "--as", "asignee"),
        64,
        "Did you mean 'assignee'?",
    ),
    "--from without --to": (OPEN_CHANGE, 64, "pass both --from and --to"),
    "--as without SVG": (("graph", "change_request", "--as", "admin"), 64, "add --format svg"),
    "an unknown workflow": (
        ("graph", "incident_respons"),
        1,
        "Did you mean 'incident_response'?",
    ),
    "a missing file": (("graph", "nowhere.yaml"), 6, "nowhere.yaml: can't be read: No such file"),
    "a folder": (
        ("explain", "folder.yaml"),
        6,
        "folder.yaml: has no values files",
    ),
    "a link to itself": (("explain", "loop.yaml"), 6, "loop.yaml: can't be read"),
    "a binary file": (
        ("graph", "bytes.yaml"),
        6,
        "bytes.yaml:1:12: can't be read: it isn't UTF-8 text.",
    ),
    "an argument that is not UTF-8": (NOT_UTF8, 1, r"b\xff.yaml is not UTF-8 text"),
    "a file without a workflow": (("explain", "none.yaml"), 1, "declares no workflow"),
    "a file with two workflows": (
        ("explain", "two.yaml"),
        1,
        "declares first, second. Pass one of these names",
    ),
    "a wrong declaration": (("explain", "x", "--file", "wrong.yaml"), 6, "wrong.yaml:1:13: error:"),
}


@pytest.mark.parametrize(("words", "code", "sentence"), REFUSED.values(), ids=REFUSED)
def test_wrong_usage_gets_a_message_and_an_exit_code(
    words: tuple[str, ...], code: int, sentence: str, folder: Path
) -> None:
    run = interlock_process if words in {NO_COMMAND, NOT_UTF8} else interlock
    done = run(*words, folder=folder)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr


UNPRIVILEGED = """
import os
from api.cli.main import main
if os.geteuid() == 0:  # root may read every file
    os.setuid(65534)
main()
"""


def test_a_file_without_permission_gets_a_message(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.touch(mode=0)
    words = [sys.executable, "-c", UNPRIVILEGED, "graph", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == f"interlock: {file}: can't be read: Permission denied. [invalid_input]\n"


def test_an_endless_file_is_refused_by_its_size() -> None:
    done = interlock_process("lint", "/dev/zero")
    assert done.returncode == 6
    assert "too_large" in done.stdout


@pytest.mark.parametrize("group", ["", "db", "history", "license", "sla", "webhooks", "workflows"])
def test_the_help_of_a_group_describes_each_command_in_whole_sentences(group: str) -> None:
    printed = interlock(*group.split(), "--help").stdout.partition("Commands:")[2]
    commands = printed.partition("\n\n")[0].strip().splitlines()
    assert [each for each in commands if not each.endswith(".")] == []
    assert [each for each in commands if each.endswith("..")] == []


def test_the_help_lists_the_exit_codes() -> None:
    printed = " ".join(interlock_process("--help").stdout.split())
    assert "Exit codes: 0 success, 1 failed or refused," in printed
    assert "6 a file is missing, or a declaration or a plan has errors, 64 wrong usage." in printed
    assert "..." not in printed.replace("[ARGS]...", "")  # no summary is cut off


@pytest.mark.parametrize("form", GraphFormat)
def test_graph_prints_only_the_drawing(form: GraphFormat) -> None:
    workflow = next(each for each in default_workflows() if each.name == "access_request")
    done = interlock("graph", "access_request", "--format", form)
    assert done.stdout == render(compile_workflow(workflow), form)


def test_graph_marks_the_current_status_and_the_transitions_of_an_actor() -> None:
    words = ("--format", "svg", "--current", "resolved", "--as", "requester")
    printed = interlock("graph", "incident_response", *words).stdout
    assert 'class="edge requester yours" data-from="RESOLVED" data-to="CLOSED"' in printed
    assert 'class="edge assignee" data-from="OPEN" data-to="IN_PROGRESS"' in printed
    assert ">ticket is here<" in printed


def test_lint_reports_in_three_forms_and_exits_6_on_an_error(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("ticketing:\n  workflow: []\n")
    as_text, as_json, as_sarif = (
        interlock("lint", str(file), "--output", form) for form in ("text", "json", "sarif")
    )
    assert (as_text.returncode, as_json.returncode, as_sarif.returncode) == (6, 6, 6)
    assert f"{file}:2:3: error:" in as_text.stdout
    assert json.loads(as_json.stdout)[0]["code"] == "unknown_key"
    result = json.loads(as_sarif.stdout)["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 2


def test_lint_checks_the_other_files_when_one_cannot_be_read(folder: Path) -> None:
    files = ("nowhere.yaml", "bytes.yaml", "wrong.yaml")
    done = interlock("lint", *files, "--output", "json", folder=folder)
    found = [(each["file"], each["code"]) for each in json.loads(done.stdout)]
    codes = ("unreadable", "unreadable", "unknown_key")
    assert (done.returncode, found) == (6, list(zip(files, codes, strict=True)))
    printed = interlock("lint", *files, folder=folder).stdout.splitlines()
    assert printed[0] == (
        "nowhere.yaml:1:1: error: can't be read: No such file or directory. [unreadable]"
    )
    assert printed[1] == "bytes.yaml:1:12: error: can't be read: it isn't UTF-8 text. [unreadable]"


def test_lint_knows_the_icons_of_pages(tmp_path: Path) -> None:
    text = DEMO_VALUES.read_text("utf-8")
    (tmp_path / "values.yaml").write_text(text.replace("icon: wifi_off", "icon: wifi-off"))
    done = interlock("lint", str(DEMO_VALUES), "values.yaml", folder=tmp_path)
    assert re.findall(r"(\S+):\d+:\d+:.* Did you mean '(\w+)'.*\[unknown_icon\]", done.stdout) == [
        ("values.yaml", "wifi_off")
    ]


def test_lint_reads_below_a_key(tmp_path: Path) -> None:
    (tmp_path / "umbrella.yaml").write_text("interlock: {ticketing: {enabled: 1}}\n")
    done = interlock("lint", "umbrella.yaml", "--key", "interlock", folder=tmp_path)
    assert (done.returncode, "umbrella.yaml:1:34: error:" in done.stdout) == (6, True)


def test_schema_prints_the_section_of_the_schema_of_the_chart() -> None:
    printed = json.loads(interlock("schema").stdout)
    chart = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    assert printed["properties"].items() <= chart["properties"].items()
    assert printed["$defs"].items() <= chart["$defs"].items()


def test_schema_includes_the_key_of_a_parent_chart() -> None:
    schema = json.loads(interlock("schema", "--key", "interlock").stdout)
    assert "ticketing" in schema["properties"]["interlock"]["properties"]


def test_lint_and_explain_accept_a_workflow_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(
        "ticketing: {workflows: [{name: w, transitions: [{from: OPEN, to: CLOSED, role: any}]}]}"
    )
    assert interlock("lint", str(file)).returncode == 0
    assert (
        "The workflow w has no transition from OPEN to RESOLVED"
        in interlock("explain", str(file), "--from", "open", "--to", "resolved").stdout
    )
