"""Every mistake in a declaration is told with its place, its code and what would be right."""

import pytest

from engine.errors import InvalidDeclaration
from engine.workflows.documents import declare

HEAD = "ticketing:\n  workflows:\n    - name: hotfix\n      transitions:\n"
OPENING = "        - {from: OPEN, to: IN_PROGRESS, role: assignee}\n"

MISTAKES = {
    "no section": ("other: 1\n", [("missing_section", 1, 1)], "top-level 'ticketing'"),
    "an unknown key": ("ticketing:\n  workflow: []\n", [("unknown_key", 2, 3)], "'workflows'"),
    "an unknown status": (
        HEAD + "        - {from: OPENED, to: CLOSED, role: any}\n",
        [("unknown_status", 5, 18)],
        "Did you mean 'OPEN'?",
    ),
    "an unknown role": (
        HEAD + "        - {from: OPEN, to: CLOSED, role: asignee}\n",
        [("unknown_role", 5, 42)],
        "Did you mean 'assignee'?",
    ),
    "a missing field": (
        HEAD + "        - {from: OPEN, role: any}\n",
        [("missing_field", 5, 11)],
        "'to' is missing",
    ),
    "a transition to itself": (
        HEAD + "        - {from: OPEN, to: OPEN, role: any}\n",
        [("self_transition", 5, 11)],
        "leads nowhere",
    ),
    "a transition declared twice": (
        HEAD + OPENING + OPENING,
        [("duplicate_transition", 6, 11)],
        "first at values.yaml:5:11",
    ),
    "a workflow declared twice": (
        HEAD
        + OPENING
        + "    - {name: hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}\n",
        [("duplicate_name", 6, 14)],
        "first stands at values.yaml:3:13",
    ),
    "a wrong type": ("ticketing: {enabled: 1}\n", [("wrong_type", 1, 22)], "boolean"),
    "a name of the wrong form": (
        "ticketing:\n  workflows:\n    - {name: Hot Fix, transitions: []}\n",
        [("wrong_form", 3, 14)],
        "name",
    ),
    "a workflow without transitions": (
        "ticketing:\n  workflows:\n    - {name: hotfix, transitions: []}\n",
        [("no_transitions", 3, 35)],
        "at least one",
    ),
    "a duration of the wrong form": (
        "ticketing: {autoClose: {afterResolved: soon}}\n",
        [("wrong_duration", 1, 40)],
        "30m, 4h",
    ),
    "all at once": (
        (
            "ticketing:\n  enable: true\n  workflows:\n"
            "    - {name: x, transitions: [{from: A, to: B}]}\n"
        ),
        [
            ("unknown_key", 2, 3),
            ("missing_field", 4, 31),
            ("unknown_status", 4, 38),
            ("unknown_status", 4, 45),
        ],
        "enabled",
    ),
}


@pytest.mark.parametrize(("text", "wanted", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place(
    text: str, wanted: list[tuple[str, int, int]], words: str
) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        declare(text, "values.yaml")
    found = [(each.code, each.at.line, each.at.column) for each in caught.value.findings]
    assert found == wanted
    assert words in str(caught.value)


def test_a_whole_section_is_read() -> None:
    text = """
ticketing:
  enabled: true
  defaultWorkflows: [incident_response]
  workflows:
    - {name: hotfix, displayName: Hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}
  catalog:
    categories: [{name: incidents, displayName: Incidents, icon: report_problem}]
    items:
      - name: network_outage
        category: incidents
        displayName: Network Outage
        workflow: hotfix
        defaults: {priority: HIGH, assigneeGroup: network-team}
        sla: {response: 10m, resolution: 1h30m}
  services: [{path: acme/shop/api, slaGroup: payment-team, autoTicket: true}]
  autoClose: {afterResolved: never}
"""
    ticketing = declare(text, "values.yaml").ticketing
    assert ticketing.default_workflows == ("incident_response",)
    assert ticketing.catalog.items[0].defaults.assignee_group == "network-team"
    assert ticketing.services[0].auto_ticket
    assert ticketing.auto_close.after_resolved == "never"
