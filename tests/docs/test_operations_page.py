"""docs/operations.md lists every background task, and its declaration is right."""

import re

from api.bootstrap.doctor import CHECKS
from engine.declaration.defaults import default_workflows
from engine.declaration.parse import parse_declaration
from engine.findings import Severity
from engine.vocabulary import ActorRoles, Role, Status
from engine.workflows.analysis import analyse
from engine.workflows.compiler import compile_workflow
from engine.workflows.policy import allowed_targets
from tests.support.background_work import WORK
from tests.support.paths import DOCS

PAGE = (DOCS / "operations.md").read_text("utf-8")
SECTION = PAGE.partition("### Background tasks\n")[2]
TABLE = SECTION.partition("| --- | --- | --- |\n")[2].partition("\n\n")[0]


def test_the_page_lists_every_background_task() -> None:
    names = [
        each for row in TABLE.splitlines() for each in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert sorted(names) == sorted([*WORK, "embedded_database"])


def test_two_transitions_close_duplicates_and_spam() -> None:
    text = PAGE.partition("## Close duplicates and spam\n")[2].partition("```yaml\n")[2]
    declaration = parse_declaration(text.partition("```")[0], "operations.md")
    [declared] = declaration.ticketing.workflows
    [default] = [each for each in default_workflows() if each.name == declared.name]
    *others, from_open, from_work = declared.transitions
    assert tuple(others) == default.transitions
    assert (from_open.source, from_open.target, from_open.role) == (
        Status.OPEN,
        Status.CLOSED,
        Role.ANY,
    )
    assert (from_work.source, from_work.target) == (Status.IN_PROGRESS, Status.CLOSED)
    policy = compile_workflow(declared).policy
    for actor in ActorRoles:
        assert Status.CLOSED in allowed_targets(policy, Status.OPEN, actor)
    assert not [each for each in analyse(declaration) if each.severity is Severity.ERROR]


def test_the_page_lists_every_check_of_doctor() -> None:
    section = PAGE.partition("### Check an installation\n")[2].partition("\n### ")[0]
    listed = [
        name
        for row in section.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([\w-]+)`", row.split("|")[1])
    ]
    assert listed == CHECKS
