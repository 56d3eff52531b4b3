"""Every mistake in a declaration is told with its place, its code and what would be right."""

import pytest

from engine import limits
from engine.errors import InvalidDeclaration
from engine.workflows.declaration import Ticketing
from engine.workflows.documents import declare

HEAD = "ticketing:\n  workflows:\n    - name: hotfix\n      transitions:\n"
OPENING = "        - {from: OPEN, to: IN_PROGRESS, role: assignee}\n"

ITEM = (
    "ticketing:\n"
    "  workflows: [{name: hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}]\n"
    "  catalog:\n"
    "    categories: [{name: category, displayName: C}]\n"
    "    items: [{name: i, displayName: I, category: "
)

CALENDAR = "ticketing:\n  calendars:\n    - name: office\n"
OFFICE = "      timeZone: Europe/Budapest\n      hours: {monday: ['09:00-17:00']}\n"

WEBHOOK = "ticketing:\n  webhooks:\n    - name: chat\n      secretName: chat-webhook\n"

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
    "a wrong type": ("ticketing: {enabled: 1}\n", [("wrong_type", 1, 22)], "true or false"),
    "a name of the wrong form": (
        HEAD.replace("hotfix", "Hot Fix") + OPENING,
        [("wrong_form", 3, 13)],
        "lower-case letters",
    ),
    "a workflow without transitions": (
        "ticketing:\n  workflows:\n    - {name: hotfix, transitions: []}\n",
        [("no_transitions", 3, 35)],
        "at least one",
    ),
    "an empty text": ("", [("missing_section", 1, 1)], "top-level 'ticketing'"),
    "a section that stands deeper": (
        "interlock:\n  ticketing: {}\n",
        [("missing_section", 1, 1)],
        "There is one below 'interlock'",
    ),
    "a misspelt section": ("ticketting: {}\n", [("missing_section", 1, 1)], "misspelt"),
    "a text that is a list": ("- ticketing\n", [("missing_section", 1, 1)], "top-level"),
    "a section that is a list": ("ticketing: []\n", [("wrong_type", 1, 12)], "a mapping"),
    "the section twice": (
        "ticketing: {}\nticketing: {enabled: false}\n",
        [("duplicate_key", 2, 1)],
        "first at values.yaml:1:1",
    ),
    "workflows that are a mapping": (
        "ticketing: {workflows: {}}\n",
        [("wrong_type", 1, 24)],
        "must be a list (found a mapping)",
    ),
    "workflows that are nothing": (
        "ticketing:\n  workflows:\n    - null\n    - []\n    - hotfix\n",
        [("wrong_type", 3, 7), ("wrong_type", 4, 7), ("wrong_type", 5, 7)],
        "must be a mapping (found null)",
    ),
    "transitions that are nothing": (
        "ticketing:\n  workflows:\n    - {name: w, transitions: null}\n",
        [("wrong_type", 3, 30)],
        "transitions: must be a list (found null)",
    ),
    "statuses and roles that are no text": (
        HEAD + "        - {from: [OPEN], to: null, role: true}\n",
        [("wrong_type", 5, 18), ("wrong_type", 5, 30), ("wrong_type", 5, 42)],
        "must be one of OPEN, IN_PROGRESS, RESOLVED, CLOSED (found a list)",
    ),
    "a status in lower case": (
        HEAD + "        - {from: open, to: CLOSED, role: any}\n",
        [("unknown_status", 5, 18)],
        "Did you mean 'OPEN'?",
    ),
    "defaults that are a number": (
        "ticketing: {defaultWorkflows: 3}\n",
        [("wrong_type", 1, 31)],
        "ticketing.defaultWorkflows: must be true, false or a list of names (found 3)",
    ),
    "unknown defaults": (
        "ticketing: {defaultWorkflows: [incident_respons, 4]}\n",
        [("unknown_workflow", 1, 32), ("wrong_type", 1, 50)],
        "defaultWorkflows[0]: 'incident_respons' is not one of",
    ),
    "a default twice": (
        "ticketing: {defaultWorkflows: [access_request, access_request]}\n",
        [("duplicate_name", 1, 48)],
        "first stands at values.yaml:1:32",
    ),
    "a workflow repeated by an alias": (
        (
            "ticketing:\n  workflows:\n"
            "    - &w {name: w, transitions: [{from: OPEN, to: CLOSED, role: any}]}\n    - *w\n"
        ),
        [("duplicate_name", 3, 17)],
        "'w' is declared twice",
    ),
    "names of the catalog and services twice": (
        (
            "ticketing:\n  catalog:\n"
            "    categories: [{name: c, displayName: C}, {name: c, displayName: D}]\n"
            "    items:\n"
            "      - {name: i, category: c, displayName: I, workflow: access_request}\n"
            "      - {name: i, category: c, displayName: I, workflow: access_request}\n"
            "  services: [{path: a/b, slaGroup: g}, {path: a/b, slaGroup: g}]\n"
        ),
        [("duplicate_name", 3, 52), ("duplicate_name", 6, 16), ("duplicate_name", 7, 47)],
        "'a/b' is declared twice",
    ),
    "an item of a category and a workflow that are not there": (
        ITEM + "ctegory, workflow: hotfx}]\n",
        [("unknown_category", 5, 49), ("unknown_workflow", 5, 68)],
        "There is no category 'ctegory'; declare it, or name another. Did you mean 'category'?",
    ),
    "an item of a default workflow that was not chosen": (
        ITEM.replace("  workflows", "  defaultWorkflows: [access_request]\n  workflows")
        + "category, workflow: change_request}]\n",
        [("unknown_workflow", 6, 69)],
        "There is no workflow 'change_request'",
    ),
    "an item of a default workflow where there are none": (
        ITEM.replace("  workflows", "  defaultWorkflows: false\n  workflows")
        + "category, workflow: access_request}]\n",
        [("unknown_workflow", 6, 69)],
        "There is no workflow 'access_request'",
    ),
    "services whose tickets would have no workflow": (
        (
            "ticketing:\n  defaultWorkflows: [access_request]\n  services:\n"
            "    - {path: a, slaGroup: g, workflow: acess_request}\n"
            "    - {path: b, slaGroup: g, autoTicket: true}\n"
            "    - {path: c, slaGroup: g}\n"
        ),
        [("unknown_workflow", 4, 40), ("unknown_workflow", 5, 42)],
        "There is no workflow 'incident_response'; declare it, or name another.",
    ),
    "delays of a service that are none": (
        "ticketing: {services: [{path: a, slaGroup: g, holdDown: 0, reopenWithin: soon}]}\n",
        [("wrong_duration", 1, 57), ("wrong_duration", 1, 74)],
        "is not a duration",
    ),
    "an item that refers to nothing, beside a mistake of form": (
        ITEM + "lost, workflow: hotfix}]\n  enable: true\n",
        [("unknown_category", 5, 49), ("unknown_key", 6, 3)],
        "enabled",
    ),
    "a name that is too long": (
        HEAD.replace("hotfix", "a" * 64) + OPENING,
        [("too_long", 3, 13)],
        "at most 63 characters",
    ),
    "a name that ends in a line break": (
        HEAD.replace("hotfix", '"hotfix\\n"') + OPENING,
        [("wrong_form", 3, 13)],
        "lower-case letters",
    ),
    "text that can't be shown or stored": (
        'ticketing: {services: [{path: a, slaGroup: "a\\0b"}, {path: b, slaGroup: "  "}]}\n',
        [("wrong_form", 1, 44), ("wrong_form", 1, 73)],
        "without control characters",
    ),
    "too many transitions": (
        HEAD + OPENING * (limits.WORKFLOW_TRANSITIONS + 1),
        [("too_many", 5, 9)]
        + [("duplicate_transition", 5 + number, 11) for number in range(1, 100)]
        + [("too_many_findings", 105, 11)],
        "at most 100 entries",
    ),
    "a duration that is a number": (
        "ticketing: {autoClose: {afterResolved: 5}}\n",
        [("wrong_duration", 1, 40)],
        "write for example 30m, 4h, 1d or 1h30m (found 5)",
    ),
    "durations out of bounds": (
        (
            "ticketing:\n  catalog:\n    categories: [{name: c, displayName: C}]\n"
            "    items:\n      - name: i\n        category: c\n"
            "        displayName: I\n        workflow: access_request\n"
            f"        sla: {{response: 0m, resolution: {'9' * 39}d}}\n"
        ),
        [("wrong_duration", 9, 25), ("wrong_duration", 9, 41)],
        "longer than 0s and at most 3650d",
    ),
    "an unknown key beside a repeated transition elsewhere": (
        HEAD.replace("    - name", "    - titel: x\n      name")
        + OPENING
        + "    - name: other\n      transitions:\n"
        + OPENING
        + OPENING,
        [("unknown_key", 3, 7), ("duplicate_transition", 10, 11)],
        "'titel' is not a key here",
    ),
    "a doubtful value beside an unknown key elsewhere": (
        "ticketing:\n  enabled: yes\n  on: 1\n  services: [{path: a}]\n  autoclose: {}\n",
        [
            ("ambiguous_scalar", 2, 12),
            ("non_string_key", 3, 3),
            ("missing_field", 4, 14),
            ("unknown_key", 5, 3),
        ],
        "Did you mean 'autoClose'?",
    ),
    "more mistakes than anybody reads": (
        "ticketing:\n" + "".join(f"  key{number}: 1\n" for number in range(50_000)),
        [("unknown_key", 2 + number, 3) for number in range(100)] + [("too_many_findings", 102, 3)],
        "There is more; mend these first.",
    ),
    "a duration of the wrong form": (
        "ticketing: {autoClose: {afterResolved: soon}}\n",
        [("wrong_duration", 1, 40)],
        "30m, 4h",
    ),
    "times of no calendar": (
        CALENDAR
        + "      timeZone: Europe/Budapst\n"
        + "      hours: {monday: ['22:00-06:00', 9-17], tuesday: ['09:60-10:00', '24:00-24:00']}\n"
        + "      holidays: [2026-02-30, 1, 20261225]\n",
        [
            ("unknown_time_zone", 4, 17),
            *(("wrong_hours", 5, column) for column in (24, 39, 56, 71)),
            *(("wrong_date", 6, column) for column in (18, 30, 33)),
        ],
        "22:00-24:00 and 00:00-06:00 of the next day (found '22:00-06:00')",
    ),
    "hours that overlap": (
        CALENDAR
        + "      timeZone: UTC\n      hours:\n"
        + "        monday: ['09:00-12:00', '12:00-13:00', '11:00-14:00']\n"
        + "        friday: ['22:00-24:00', '23:00-23:30']\n",
        [("overlapping_hours", 6, 48), ("overlapping_hours", 7, 33)],
        "11:00-14:00 begins before 12:00-13:00 ends",
    ),
    "a calendar without hours": (
        CALENDAR + "      timeZone: UTC\n      hours: {monday: []}\n",
        [("no_hours", 5, 14)],
        "one weekday at least",
    ),
    "the name of the calendar that is always there": (
        CALENDAR.replace("office", "always") + OFFICE,
        [("reserved_name", 3, 13)],
        "choose another name",
    ),
    "calendars that are not there": (
        ITEM
        + "category, workflow: hotfix, sla: {response: 1m, resolution: P1D, calendar: offise}}]\n"
        + "  sla: {LOW: {calendar: ofice}, HIGH: {calendar: always}}\n"
        + CALENDAR.removeprefix("ticketing:\n")
        + OFFICE,
        [("unknown_calendar", 5, 124), ("unknown_calendar", 6, 25)],
        "There is no calendar 'ofice'; declare it, or name another. Did you mean 'office'?",
    ),
    "priorities and targets that are none": (
        "ticketing: {sla: {URGENT: {}, LOW: {response: 0s, resolution: PT, calendar: 1}}}\n",
        [
            ("unknown_key", 1, 19),
            ("wrong_duration", 1, 47),
            ("wrong_duration", 1, 63),
            ("wrong_type", 1, 77),
        ],
        "Known: CRITICAL, HIGH, MEDIUM, LOW",
    ),
    "a URL that leads nowhere": (
        WEBHOOK + "      url: hooks.example.com\n",
        [("wrong_url", 5, 12)],
        "ticketing.webhooks[0].url: is not a URL in ASCII; write for example https://",
    ),
    "a password in a URL": (
        WEBHOOK + "      url: https://me:word@hooks.example.com/\n",
        [("wrong_url", 5, 12)],
        "must hold no user and no password",
    ),
    "a number for a host": (
        WEBHOOK + "      url: https://2130706433/\n",
        [("wrong_url", 5, 12)],
        "'2130706433' is neither",
    ),
    "an event that there is not": (
        WEBHOOK + "      url: https://a.example/\n      events: [ticket.opened, ticket.created]\n",
        [("unknown_event", 6, 16)],
        "'ticket.opened' is not one of ticket.created, ticket.transitioned,",
    ),
    "a webhook that is told of nothing": (
        WEBHOOK + "      url: https://a.example/\n      events: []\n",
        [("no_events", 6, 15)],
        "without `events`, it is told of all",
    ),
    "a path for a secret's name": (
        WEBHOOK.replace("chat-webhook", "../jwt") + "      url: https://a.example/\n",
        [("wrong_form", 4, 19)],
        "lower-case letters and digits, and between them . and -",
    ),
    "a webhook without a secret, twice": (
        (
            "ticketing:\n  webhooks:\n"
            "    - {name: chat, url: 'https://a.example/'}\n"
            "    - {name: chat, url: 'https://b.example/', secretName: b}\n"
        ),
        [("missing_field", 3, 7), ("duplicate_name", 4, 14)],
        "'secretName' is missing",
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


REFERENCES_THAT_LEAD_SOMEWHERE = {
    "a declared workflow": "category, workflow: hotfix}]\n",
    "a default workflow": "category, workflow: access_request}]\n",
    "a default workflow chosen by name": (
        "category, workflow: access_request}]\n  defaultWorkflows: [access_request]\n"
    ),
    "a declared workflow without defaults": (
        "category, workflow: hotfix}]\n  defaultWorkflows: false\n"
    ),
}


@pytest.mark.parametrize(
    "rest", REFERENCES_THAT_LEAD_SOMEWHERE.values(), ids=REFERENCES_THAT_LEAD_SOMEWHERE
)
def test_an_item_refers_to_what_is_declared_or_chosen(rest: str) -> None:
    assert declare(ITEM + rest, "values.yaml").ticketing.catalog.items


def test_what_looks_nearest_is_not_sought_among_very_many_names() -> None:
    move = "transitions: [{from: OPEN, to: CLOSED, role: any}]"
    many = ", ".join(f"{{name: w{number}, {move}}}" for number in range(limits.HINT_NAMES))
    text = (ITEM + "category, workflow: hotfx}]\n").replace(
        "[{name: hotfix", f"[{many}, {{name: hotfix"
    )
    with pytest.raises(InvalidDeclaration) as caught:
        declare(text, "values.yaml")
    assert [finding.message for finding in caught.value.findings] == [
        "There is no workflow 'hotfx'; declare it, or name another."
    ]


@pytest.mark.parametrize(
    "nothing", ["ticketing:\n", "ticketing: {workflows: , catalog: {items: }}\n"]
)
def test_null_stands_for_the_default_as_in_the_chart(nothing: str) -> None:
    assert declare(nothing, "values.yaml").ticketing == Ticketing()
