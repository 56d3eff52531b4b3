"""Comments that silence findings."""

import pytest

from engine.declaration.silenced_findings import without_silenced
from engine.findings import Finding, Location, Severity


def finding(code: str, line: int, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(code, "A message.", Location("v", line, 3), severity)


REMAINING: dict[str, tuple[str, list[Finding], list[tuple[str, int]]]] = {
    "no comment": ("a: 1\n", [finding("x", 1)], [("x", 1)]),
    "a comment on the line": ("a: 1 # interlock: ignore[x] why\n", [finding("x", 1)], []),
    "a comment on the line above": ("# interlock: ignore[x] why\na: 1\n", [finding("x", 2)], []),
    "an information": (
        "a: 1 # interlock: ignore[x] why\n",
        [finding("x", 1, Severity.INFORMATION)],
        [],
    ),
    "an error": (
        "a: 1 # interlock: ignore[x] why\n",
        [finding("x", 1, Severity.ERROR)],
        [("x", 1), ("unused_ignore", 1)],
    ),
    "another code": (
        "a: 1 # interlock: ignore[y] why\n",
        [finding("x", 1)],
        [("x", 1), ("unused_ignore", 1)],
    ),
    "another line": (
        "a: 1 # interlock: ignore[x] why\nb: 1\n",
        [finding("x", 2)],
        [("unused_ignore", 1), ("x", 2)],
    ),
    "no reason": (
        "a: 1 # interlock: ignore[x]  \n",
        [finding("x", 1)],
        [("x", 1), ("wrong_ignore", 1)],
    ),
    "no code": ("a: 1 # interlock: ignore why\n", [], [("wrong_ignore", 1)]),
    "two findings of one line": (
        "a: 1 # interlock: ignore[x] why\n",
        [finding("x", 1), finding("y", 1)],
        [("y", 1)],
    ),
    "other comments": ("# interlock is great\na: 1 # ignore[x]\n", [], []),
}


@pytest.mark.parametrize(("text", "findings", "remaining"), REMAINING.values(), ids=REMAINING)
def test_a_comment_with_a_reason_silences_a_finding(
    text: str, findings: list[Finding], remaining: list[tuple[str, int]]
) -> None:
    found = without_silenced(findings, text, "v")
    assert [(each.code, each.at.line) for each in found] == remaining
