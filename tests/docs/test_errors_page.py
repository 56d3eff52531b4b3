"""docs/errors.md lists every error code and reason.

The codes are those of all error classes. The reasons are those in calls that raise errors
(`reason="…"` and `reason=SomeEnum.MEMBER`), and the members of enums whose docstring has "the
`reason` in the details of `SomeError`".
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import api
import engine
import reconciler
from api.http.etags import PreconditionFailed
from api.http.idempotency_key import IdempotencyKeyReused
from api.http.problem_details import HTTP_PROBLEMS
from engine.errors import InterlockError
from engine.workflows.explanation import Reason
from reconciler.hazards import HazardCode
from tests.support.paths import DOCS

PAGE = (DOCS / "errors.md").read_text("utf-8")
CODE_ROW = re.compile(r"^\| `(\w+)` \| (\d..) \| \S.*\S \| \S.*\S \|$", re.MULTILINE)
REASON_ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| \S.*\S \| \S.*\S \|$", re.MULTILINE)
REASON_ENUM = re.compile(r"the `reason` in the\s+details\s+of\s+`(\w+)`")
NOT_ERRORS = {Reason.ALLOWED}


def modules() -> Iterator[ModuleType]:
    for package in (engine, reconciler, api):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations.versions" not in found.name and "migrations.env" not in found.name:
                yield importlib.import_module(found.name)


MODULES = list(modules())
DEFINED = [each for module in MODULES for each in vars(module).values() if isinstance(each, type)]
ERRORS = {each.__name__: each for each in DEFINED if issubclass(each, InterlockError)}
ENUMS = {each.__name__: each for each in DEFINED if issubclass(each, StrEnum)}


def codes() -> set[tuple[str, str]]:
    """Return every code with its status, of our errors and those of aiohttp."""
    ours = {(each.code, str(each.status)) for each in ERRORS.values()}
    of_aiohttp = {(code, str(status)) for status, (code, _) in HTTP_PROBLEMS.items()}
    return ours | of_aiohttp | {("http_error", "4xx")}


def reasons() -> set[tuple[str, str]]:
    """Return every reason with its code."""
    raised = {pair for module in MODULES for pair in reasons_raised_in(module)}
    declared = {
        (ERRORS[name].code, str(member))
        for enum in ENUMS.values()
        for name in REASON_ENUM.findall(enum.__doc__ or "")
        for member in enum
        if member not in NOT_ERRORS
    }
    return raised | declared | {("refused_by_guard", str(each)) for each in HazardCode}


def reasons_raised_in(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield the reasons in calls of a module that create errors."""
    assert module.__file__
    for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        error = ERRORS.get(node.func.id)
        reasons = [each.value for each in node.keywords if each.arg == "reason"]
        if error and reasons and (reason := constant_of(reasons[0])):
            yield error.code, reason


def constant_of(node: ast.expr) -> str | None:
    """Return the value of a constant expression; None if it is a variable."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Attribute(value=ast.Name(id=enum), attr=member) if enum in ENUMS:
            return str(ENUMS[enum][member])
    return None


def rows(pairs: set[tuple[str, str]]) -> list[str]:
    """Return the beginnings of the rows of the page."""
    return [f"| `{first}` | {second} |" for first, second in sorted(pairs)]


def test_the_page_lists_every_code_and_no_other() -> None:
    listed = CODE_ROW.findall(PAGE)
    assert listed == sorted(set(listed))
    missing, unknown = codes() - set(listed), set(listed) - codes()
    assert not missing, f"Under Codes, docs/errors.md lacks {rows(missing)}"
    assert not unknown, f"Under Codes, docs/errors.md has unknown rows: {rows(unknown)}"


def test_the_page_lists_every_reason_and_no_other() -> None:
    listed = REASON_ROW.findall(PAGE)
    assert listed == sorted(set(listed))
    missing, unknown = reasons() - set(listed), set(listed) - reasons()
    assert not missing, f"Under Reasons, docs/errors.md lacks {rows(missing)}"
    assert not unknown, f"Under Reasons, docs/errors.md has unknown rows: {rows(unknown)}"


def test_a_code_has_one_status_except_for_conditional_headers() -> None:
    by_header = {
        (each.code, str(each.status)) for each in (IdempotencyKeyReused, PreconditionFailed)
    }
    ours = codes() - by_header
    assert len({code for code, _ in ours}) == len(ours)
