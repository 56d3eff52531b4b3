"""Each rule of `lint` speaks when it should, and only then."""

import pytest

from engine.declaration.defaults import default_workflows
from engine.declaration.parse import parse_declaration
from engine.findings import Severity
from engine.workflows.analysis import analyse


def findings_of(*moves: str) -> dict[str, tuple[Severity, int]]:
    """Return code -> (severity, line) for moves written as `FROM TO role`; the first on line 5."""
    lines = ["ticketing:", "  workflows:", "    - name: w", "      transitions:"]
    for source, target, role in map(str.split, moves):
        lines.append(f"        - {{from: {source}, to: {target}, role: {role}}}")
    findings = analyse(parse_declaration("\n".join(lines), "values.yaml"))
    return {finding.code: (finding.severity, finding.at.line) for finding in findings}


WHOLE = ("OPEN IN_PROGRESS any", "IN_PROGRESS RESOLVED any", "RESOLVED CLOSED any")
CASES = {
    "closed is out of reach": (
        ("OPEN IN_PROGRESS any", "IN_PROGRESS OPEN any"),
        {
            "closed_unreachable": (Severity.ERROR, 5),
            "unreachable_status": (Severity.WARNING, 3),
        },
    ),
    "a status from which closed is out of reach": (
        (
            *("OPEN CLOSED any", "OPEN IN_PROGRESS any"),
            *("IN_PROGRESS RESOLVED any", "RESOLVED IN_PROGRESS any"),
        ),
        {
            "closed_unreachable": (Severity.ERROR, 7),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "a status that only a closed ticket comes to": (
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
    "a first status that nobody can leave": (
        WHOLE[1:],
        {
            "dead_end": (Severity.ERROR, 3),
            "unreachable_status": (Severity.WARNING, 6),
        },
    ),
    "a status that nobody can leave": (
        (*WHOLE[:2], "IN_PROGRESS CLOSED requester"),
        {
            "dead_end": (Severity.ERROR, 3),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "closed has a way out": (
        (*WHOLE, "CLOSED OPEN any"),
        {
            "closed_has_exit": (Severity.WARNING, 8),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "only a requester can confirm": (
        (*WHOLE[:2], "RESOLVED CLOSED requester"),
        {
            "system_ticket_stuck": (Severity.WARNING, 7),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "only an assignee can begin": (
        ("OPEN IN_PROGRESS assignee", *WHOLE[1:]),
        {
            "unassigned_ticket_stuck": (Severity.INFORMATION, 5),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "only an assignee can go on": (
        ("OPEN IN_PROGRESS any", "IN_PROGRESS RESOLVED assignee", WHOLE[2]),
        {
            "unassigned_ticket_stuck": (Severity.INFORMATION, 6),
            "no_separation_of_duties": (Severity.INFORMATION, 3),
        },
    ),
    "a way that ends before closed": (
        ("OPEN IN_PROGRESS assignee", "IN_PROGRESS RESOLVED assignee"),
        {
            "closed_unreachable": (Severity.ERROR, 5),
            "dead_end": (Severity.ERROR, 3),
            "unassigned_ticket_stuck": (Severity.INFORMATION, 5),
        },
    ),
    "nothing but that one person may do it all": (
        WHOLE,
        {"no_separation_of_duties": (Severity.INFORMATION, 3)},
    ),
}


@pytest.mark.parametrize(("moves", "wanted"), CASES.values(), ids=CASES)
def test_what_the_rules_say(
    moves: tuple[str, ...], wanted: dict[str, tuple[Severity, int]]
) -> None:
    assert findings_of(*moves) == wanted


ENDLESS = "{from: OPEN, to: RESOLVED, role: any}, {from: OPEN, to: CLOSED, role: any}"
CLOSINGS = {
    "where nobody may close": (ENDLESS, "24h", True),
    "where nobody may close, nor shall": (ENDLESS, "never", False),
    "where somebody may close": ("{from: RESOLVED, to: CLOSED, role: any}", "24h", False),
}


@pytest.mark.parametrize(("moves", "period", "is_told"), CLOSINGS.values(), ids=CLOSINGS)
def test_a_grace_period_without_effect_is_told(moves: str, period: str, *, is_told: bool) -> None:
    text = (
        f"ticketing:\n  workflows:\n    - name: w\n      transitions: [{moves}]\n"
        f"      autoClose: {{afterResolved: {period}}}\n"
    )
    found = [each for each in analyse(parse_declaration(text, "v")) if each.code == "no_auto_close"]
    assert [(each.severity, each.at.line) for each in found] == [(Severity.WARNING, 5)] * is_told


def test_no_default_has_an_error() -> None:
    for workflow in default_workflows():
        moves = [f"{move.source} {move.target} {move.role}" for move in workflow.transitions]
        assert all(severity is not Severity.ERROR for severity, _ in findings_of(*moves).values())
