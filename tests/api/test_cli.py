"""The command line, run as its users run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("interlock")


def interlock(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False)  # noqa: S603 - our own command


def test_explain_prints_the_whole_truth_table_as_json() -> None:
    rows = json.loads(interlock("explain", "incident_response", "--json").stdout)
    assert len(rows) == 4 * 4 * 8
    assert {
        "from": "RESOLVED",
        "to": "CLOSED",
        "as": ["assignee"],
        "allowed": False,
        "reason": "role_required",
    } in rows


def test_explain_tells_why_and_what_is_open_instead() -> None:
    words = ("--from", "RESOLVED", "--to", "CLOSED", "--as", "assignee")
    printed = interlock("explain", "incident_response", *words).stdout
    assert "refused (role_required): RESOLVED -> CLOSED takes the requester" in printed
    assert "Open to this actor now: IN_PROGRESS." in printed


REFUSED = {
    "an unknown workflow": (("explain", "incident_respons"), "Did you mean 'incident_response'?"),
    "an unknown status": (("explain", "change_request", "--from", "x", "--to", "OPEN"), "'x'"),
    "half a pair": (("explain", "change_request", "--from", "OPEN"), "both --from and --to"),
    "an unknown role": (
        ("explain", "change_request", "--from", "OPEN", "--to", "OPEN", "--as", "asignee"),
        "Did you mean 'assignee'?",
    ),
    "a missing file": (("lint", "nowhere.yaml"), "nowhere.yaml: can't be read"),
}


@pytest.mark.parametrize(("words", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_word_gets_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    done = interlock(*words)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


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


def test_lint_is_content_with_a_workflow_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(
        "ticketing: {workflows: [{name: w, transitions: [{from: OPEN, to: CLOSED, role: any}]}]}"
    )
    assert interlock("lint", str(file)).returncode == 0
    assert (
        "w has no transition OPEN -> RESOLVED"
        in interlock("explain", str(file), "--from", "open", "--to", "resolved").stdout
    )
