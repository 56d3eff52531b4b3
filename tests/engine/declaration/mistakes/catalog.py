"""Mistakes in the catalog and in services, and unresolved references."""

from typing import Final

from tests.engine.declaration.mistakes.texts import ITEM, Mistake

INVISIBLE: Final = (0xA0, 0x2007, 0x202F, 0x3000, 0xFEFF, 0x200B, 0x2060, 0x85)
CATALOG: Final[dict[str, Mistake]] = {
    "duplicate names in the catalog and in services": (
        (
            "ticketing:\n  catalog:\n"
            "    categories: [{name: c, displayName: C}, {name: c, displayName: D}]\n"
            "    items:\n"
            "      - {name: i, category: c, displayName: I, workflow: access_request}\n"
            "      - {name: i, category: c, displayName: I, workflow: access_request}\n"
            "  services: [{path: a/b, slaGroup: g}, {path: a/b, slaGroup: g}]\n"
        ),
        [("duplicate_name", 3, 52), ("duplicate_name", 6, 16), ("duplicate_name", 7, 47)],
        "'a/b' is already declared at values.yaml:7:21",
    ),
    "an item with an unknown category and an unknown workflow": (
        ITEM + "ctegory, workflow: hotfx}]\n",
        [("unknown_category", 5, 49), ("unknown_workflow", 5, 68)],
        "There is no category 'ctegory'. Declare it or use another one. Did you mean 'category'?",
    ),
    "an item with a default workflow that is not chosen": (
        ITEM.replace("  workflows", "  defaultWorkflows: [access_request]\n  workflows")
        + "category, workflow: change_request}]\n",
        [("unknown_workflow", 6, 69)],
        "There is no workflow 'change_request'",
    ),
    "an item with a default workflow although none is chosen": (
        ITEM.replace("  workflows", "  defaultWorkflows: false\n  workflows")
        + "category, workflow: access_request}]\n",
        [("unknown_workflow", 6, 69)],
        "There is no workflow 'access_request'",
    ),
    **{
        f"a display name that begins with U+{ord(invisible):04X}": (
            ITEM.replace("displayName: C", f'displayName: "{escape}C"')
            + "category, workflow: hotfix}]\n",
            [("invisible_character", 4, 48)],
            f"must not begin or end with the invisible character U+{ord(invisible):04X}",
        )
        for escape, invisible in (
            *((f"\\u{code:04x}", chr(code)) for code in INVISIBLE),
            (" ", " "),
        )
    },
    "a group that ends with an invisible character": (
        "ticketing:\n  services: [{path: a/b, slaGroup: ops\u200b}]\n  groups: [ops\u00a0]\n",
        [("invisible_character", 2, 36), ("invisible_character", 3, 12)],
        "the invisible character U+200B (ZERO WIDTH SPACE); remove it (found 'ops\\u200b').",
    ),
    "an icon and a default group with a byte order mark": (
        ITEM.replace("displayName: I", 'displayName: I, icon: "\\ufeffwifi"')
        + 'category, workflow: hotfix, defaults: {assigneeGroup: "\\ufeffops"}}]\n',
        [("invisible_character", 5, 45), ("invisible_character", 5, 123)],
        "U+FEFF (ZERO WIDTH NO-BREAK SPACE)",
    ),
    "a name that changes the direction of writing": (
        'ticketing:\n  groups: ["ops\\u202egnp"]\n',
        [("invisible_character", 2, 12)],
        "must not contain U+202E (RIGHT-TO-LEFT OVERRIDE), which changes the direction of writing",
    ),
    "a group that is declared twice": (
        "ticketing:\n  groups: [ops, dev, ops]\n",
        [("duplicate_name", 2, 22)],
        "'ops' is already declared at values.yaml:2:12",
    ),
    "a group of onBehalf that is declared twice": (
        "ticketing:\n  onBehalf: [ops, ops]\n",
        [("duplicate_name", 2, 19)],
        "'ops' is already declared at values.yaml:2:14",
    ),
    "groups that are no texts": (
        "ticketing:\n  groups: [1, [ops]]\n",
        [("wrong_type", 2, 12), ("wrong_type", 2, 15)],
        "must be text",
    ),
    "an unresolved reference and an unknown key": (
        ITEM + "lost, workflow: hotfix}]\n  enable: true\n",
        [("unknown_category", 5, 49), ("unknown_key", 6, 3)],
        "enabled",
    ),
    "services with an unknown workflow": (
        (
            "ticketing:\n  defaultWorkflows: [access_request]\n  services:\n"
            "    - {path: a, slaGroup: g, workflow: acess_request}\n"
            "    - {path: b, slaGroup: g, autoTicket: true}\n"
            "    - {path: c, slaGroup: g}\n"
        ),
        [("unknown_workflow", 4, 40), ("unknown_workflow", 5, 42)],
        "There is no workflow 'incident_response'. Declare it or use another one.",
    ),
    "invalid delays of a service": (
        "ticketing: {services: [{path: a, slaGroup: g, holdDown: 0, reopenWithin: soon}]}\n",
        [("wrong_duration", 1, 57), ("wrong_duration", 1, 74)],
        "must be a duration",
    ),
}
