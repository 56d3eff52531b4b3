"""Mistakes in workflows and in `defaultWorkflows`."""

from typing import Final

from engine import limits
from tests.engine.declaration.mistakes.texts import HEAD, OPENING, Mistake

WORKFLOWS: Final[dict[str, Mistake]] = {
    "an unknown status": (
        HEAD + "        - {from: OPENED, to: CLOSED, role: any}\n",
        [("unknown_status", 5, 18)],
        "Did you mean 'OPEN'?",
    ),
    "a status in lower case": (
        HEAD + "        - {from: open, to: CLOSED, role: any}\n",
        [("unknown_status", 5, 18)],
        "Did you mean 'OPEN'?",
    ),
    "an unknown role": (
        HEAD + "        - {from: OPEN, to: CLOSED, role: asignee}\n",
        [("unknown_role", 5, 42)],
        "Did you mean 'assignee'?",
    ),
    "statuses and roles that are not text": (
        HEAD + "        - {from: [OPEN], to: null, role: true}\n",
        [("wrong_type", 5, 18), ("wrong_type", 5, 30), ("wrong_type", 5, 42)],
        "must be one of OPEN, IN_PROGRESS, RESOLVED, CLOSED (found a list)",
    ),
    "a transition to itself": (
        HEAD + "        - {from: OPEN, to: OPEN, role: any}\n",
        [("self_transition", 5, 11)],
        "OPEN -> OPEN changes nothing",
    ),
    "a duplicate transition": (
        HEAD + OPENING + OPENING,
        [("duplicate_transition", 6, 11)],
        "OPEN -> IN_PROGRESS is already declared at values.yaml:5:11",
    ),
    "too many transitions": (
        HEAD + OPENING * (limits.WORKFLOW_TRANSITIONS + 1),
        [("too_many", 5, 9)]
        + [("duplicate_transition", 5 + number, 11) for number in range(1, 100)]
        + [("too_many_findings", 105, 11)],
        "at most 100 entries",
    ),
    "transitions that are null": (
        "ticketing:\n  workflows:\n    - {name: w, transitions: null}\n",
        [("wrong_type", 3, 30)],
        "transitions: must be a list (found null)",
    ),
    "a workflow without transitions": (
        "ticketing:\n  workflows:\n    - {name: hotfix, transitions: []}\n",
        [("no_transitions", 3, 35)],
        "at least one",
    ),
    "a duplicate workflow": (
        HEAD
        + OPENING
        + "    - {name: hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}\n",
        [("duplicate_name", 6, 14)],
        "'hotfix' is already declared at values.yaml:3:13",
    ),
    "a workflow repeated by an alias": (
        (
            "ticketing:\n  workflows:\n"
            "    - &w {name: w, transitions: [{from: OPEN, to: CLOSED, role: any}]}\n    - *w\n"
        ),
        [("duplicate_name", 3, 17)],
        "'w' is already declared at values.yaml:3:17",
    ),
    "workflows that are a mapping": (
        "ticketing: {workflows: {}}\n",
        [("wrong_type", 1, 24)],
        "must be a list (found a mapping)",
    ),
    "workflows that are not mappings": (
        "ticketing:\n  workflows:\n    - null\n    - []\n    - hotfix\n",
        [("wrong_type", 3, 7), ("wrong_type", 4, 7), ("wrong_type", 5, 7)],
        "must be a mapping (found null)",
    ),
    "default workflows that are a number": (
        "ticketing: {defaultWorkflows: 3}\n",
        [("wrong_type", 1, 31)],
        "ticketing.defaultWorkflows: must be true, false or a list of names (found 3)",
    ),
    "unknown default workflows": (
        "ticketing: {defaultWorkflows: [incident_respons, 4]}\n",
        [("unknown_workflow", 1, 32), ("wrong_type", 1, 50)],
        "defaultWorkflows[0]: must be one of access_request, change_request,",
    ),
    "a duplicate default workflow": (
        "ticketing: {defaultWorkflows: [access_request, access_request]}\n",
        [("duplicate_name", 1, 48)],
        "'access_request' is already declared at values.yaml:1:32",
    ),
}
