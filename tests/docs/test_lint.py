"""docs/lint.md lists every code of a finding."""

import ast
import re
from collections.abc import Iterator

from engine.declaration.diagnostics import ENUM_FIELDS, VALIDATION_CODES
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "lint.md").read_text("utf-8")
ROW = re.compile(r"^\| (`.*?`) \| (?:error|warning|information) \|", re.MULTILINE)
MODULES = ("engine/declaration", "engine/workflows/analysis.py", "reconciler", "api/cli/lint.py")
REPORTS = {"AmbiguousScalar", "Finding", "finding", "report", "stop"}
"""The functions whose first argument is the code of a finding."""
REFERENCES = {"calendar", "category", "group", "service", "workflow"}
"""The kinds of resources that a declaration refers to by name."""


def literal_codes() -> Iterator[str]:
    """Yield the codes that the source contains as literals."""
    for place in MODULES:
        path = ROOT / place
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and node.args:
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    if name in REPORTS and isinstance(node.args[0], ast.Constant):
                        yield str(node.args[0].value)


def test_every_code_is_documented() -> None:
    documented = {code for row in ROW.findall(PAGE) for code in re.findall(r"`(\w+)`", row)}
    nouns = REFERENCES | {noun for noun, _ in ENUM_FIELDS.values()}
    emitted = {
        *literal_codes(),
        *VALIDATION_CODES.values(),
        *(f"unknown_{noun}" for noun in nouns),
        *("template", "wrong_type"),
    }
    assert documented == emitted
