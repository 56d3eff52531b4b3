"""Findings as text, JSON and SARIF."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from engine.findings import Finding, Severity


class Output(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


SARIF_LEVELS: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "note",
}
SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render_findings(findings: Sequence[Finding], output: Output) -> str:
    """Return findings in the wanted form."""
    match output:
        case Output.TEXT:
            return as_text(findings)
        case Output.JSON:
            return json.dumps([finding.facts for finding in findings], indent=2)
        case Output.SARIF:
            return json.dumps(as_sarif(findings), indent=2)


def as_text(findings: Sequence[Finding]) -> str:
    """Return a line a finding and a line that counts them."""
    counts = [
        f"{count} {severity}{'s' if count > 1 and severity is not Severity.INFORMATION else ''}"
        for severity in Severity
        if (count := sum(finding.severity is severity for finding in findings))
    ]
    return "\n".join([*map(str, findings), ", ".join(counts) or "Nothing to complain of."])


def as_sarif(findings: Sequence[Finding]) -> dict[str, object]:
    """Return a SARIF 2.1.0 log with one run."""
    rules = [{"id": code} for code in sorted({finding.code for finding in findings})]
    driver = {"name": "interlock", "rules": rules}
    results = [sarif_result(finding) for finding in findings]
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def sarif_result(finding: Finding) -> dict[str, object]:
    """Return one result of a SARIF run."""
    region = {"startLine": finding.at.line, "startColumn": finding.at.column}
    place = {"artifactLocation": {"uri": finding.at.file}, "region": region}
    return {
        "ruleId": finding.code,
        "level": SARIF_LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
    }
