"""Renders findings as text, JSON and SARIF."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from engine.findings import Finding, Severity
from reconciler.report.escaping import visible


class FindingsFormat(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


_SARIF_LEVELS: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "note",
}
_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render_findings(findings: Sequence[Finding], output: FindingsFormat) -> str:
    """Return findings in a format."""
    match output:
        case FindingsFormat.TEXT:
            return _to_text(findings)
        case FindingsFormat.JSON:
            return json.dumps([finding.facts for finding in findings], indent=2)
        case FindingsFormat.SARIF:
            return json.dumps(_to_sarif(findings), indent=2)


def _to_text(findings: Sequence[Finding]) -> str:
    """Return one line for each finding, and a line with their counts."""
    counts = [
        f"{count} {severity}{'s' if count > 1 and severity is not Severity.INFORMATION else ''}"
        for severity in Severity
        if (count := sum(finding.severity is severity for finding in findings))
    ]
    return "\n".join(
        [*(visible(str(each)) for each in findings), ", ".join(counts) or "No findings."]
    )


def _to_sarif(findings: Sequence[Finding]) -> dict[str, object]:
    """Return a SARIF 2.1.0 log with one run."""
    rules = [{"id": code} for code in sorted({finding.code for finding in findings})]
    driver = {"name": "interlock", "rules": rules}
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": list(map(_sarif_result, findings))}],
    }


def _sarif_result(finding: Finding) -> dict[str, object]:
    region = {"startLine": finding.at.line, "startColumn": finding.at.column}
    location = {"artifactLocation": {"uri": finding.at.file}, "region": region}
    return {
        "ruleId": finding.code,
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
    }
