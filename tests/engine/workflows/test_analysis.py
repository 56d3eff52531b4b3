"""Each rule of `lint` reports its findings, and no others."""

import pytest

from engine.declaration.defaults import default_workflows
from engine.declaration.parse import parse_declaration
from engine.findings import Severity
from engine.workflows.analysis import analyse


def findings_of(*transitions: str) -> dict[str, tuple[Severity, int]]:
    """Return the severity and line of each finding, by code.

    Transitions are written as `FROM TO role`; the first one is on line 5.
    """
    lines = ["ticketing:", "  workflows:", "    - name: w", "      transitions:"]
    for source, target, role in map(str.split, transitions):
        lines.append(f"        - {{from: {source}, to: {target}, role: {role}}}")
    findings = analyse(parse_declaration("\n".join(lines), "values.yaml"))
    return {finding.code: (finding.severity, finding.at.line) for finding in findings}


WHOLE = ("OPEN IN_PROGRESS any", "IN_PROGRESS RESOLVED any", "RESOLVED CLOSED any")
CASES = {
    "CLOSED is unreachable": (
        ("OPEN IN_PROGRESS any", "IN_PROGRESS OPEN any"),
        {
            "closed_unreachable": (Severity.ERROR, 5),
            "unreachable_status": (Severity.WARNING, 3),
        },
    ),
    "CLOSED is unreachable from one status": (
        (
            *("OPEN CLOSED any", "OPEN IN_PROGRESS any"),
            *("IN_PROGRESS RESOLVED any", "RESOLVED IN_PROGRESS any"),
        ),
        {
            "closed_unreachable": (Severity.ERROR, 7),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "a status is reachable only from CLOSED": (
        (
            *("OPEN CLOSED any", "CLOSED IN_PROGRESS any"),
            *("IN_PROGRESS RESOLVED any", "RESOLVED CLOSED any"),
        ),
        {
            "unreachable_status": (Severity.WARNING, 8),
            "closed_has_exit": (Severity.WARNING, 6),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "OPEN is a dead end": (
        WHOLE[1:],
        {
            "dead_end": (Severity.ERROR, 3),
            "unreachable_status": (Severity.WARNING, 6),
        },
    ),
    "another status is a dead end": (
        (*WHOLE[:2], "IN_PROGRESS CLOSED requester"),
        {
            "dead_end": (Severity.ERROR, 3),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "a transition from CLOSED": (
        (*WHOLE, "CLOSED OPEN any"),
        {
            "closed_has_exit": (Severity.WARNING, 8),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "only the requester can close": (
        (*WHOLE[:2], "RESOLVED CLOSED requester"),
        {
            "system_ticket_stuck": (Severity.WARNING, 7),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "only the assignee can start": (
        ("OPEN IN_PROGRESS assignee", *WHOLE[1:]),
        {
            "unassigned_ticket_stuck": (Severity.INFORMATION, 5),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "only the assignee can resolve": (
        ("OPEN IN_PROGRESS any", "IN_PROGRESS RESOLVED assignee", WHOLE[2]),
        {
            "unassigned_ticket_stuck": (Severity.INFORMATION, 6),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "a dead end before CLOSED": (
        ("OPEN IN_PROGRESS assignee", "IN_PROGRESS RESOLVED assignee"),
        {
            "closed_unreachable": (Severity.ERROR, 5),
            "dead_end": (Severity.ERROR, 3),
            "unassigned_ticket_stuck": (Severity.INFORMATION, 5),
        },
    ),
    "one user can make all transitions": (
        WHOLE,
        {"no_separation_of_duties": (Severity.INFORMATION, 3)},
    ),
}


@pytest.mark.parametrize(("transitions", "expected"), CASES.values(), ids=CASES)
def test_the_findings_of_a_workflow(
    transitions: tuple[str, ...], expected: dict[str, tuple[Severity, int]]
) -> None:
    assert findings_of(*transitions) == expected


ENDLESS = "{from: OPEN, to: RESOLVED, role: any}, {from: OPEN, to: CLOSED, role: any}"
AUTO_CLOSE = {
    "no transition to CLOSED": (ENDLESS, "24h", True),
    "no transition to CLOSED, and never closed": (ENDLESS, "never", False),
    "a transition to CLOSED": ("{from: RESOLVED, to: CLOSED, role: any}", "24h", False),
}


@pytest.mark.parametrize(
    ("transitions", "period", "is_reported"), AUTO_CLOSE.values(), ids=AUTO_CLOSE
)
def test_a_grace_period_without_effect_is_reported(
    transitions: str, period: str, *, is_reported: bool
) -> None:
    text = (
        f"ticketing:\n  workflows:\n    - name: w\n      transitions: [{transitions}]\n"
        f"      autoClose: {{afterResolved: {period}}}\n"
    )
    findings = [
        each for each in analyse(parse_declaration(text, "v")) if each.code == "no_auto_close"
    ]
    assert [(each.severity, each.at.line) for each in findings] == [
        (Severity.WARNING, 5)
    ] * is_reported


def test_no_default_workflow_has_an_error() -> None:
    for workflow in default_workflows():
        transitions = [f"{each.source} {each.target} {each.role}" for each in workflow.transitions]
        assert all(
            severity is not Severity.ERROR for severity, _ in findings_of(*transitions).values()
        )
