"""Mistakes of form: what is no section, no key and no value, wherever it stands."""

from typing import Final

from tests.engine.declaration.mistakes.texts import HEAD, OPENING, Mistake

FORM: Final[dict[str, Mistake]] = {
    "no section": ("other: 1\n", [("missing_section", 1, 1)], "top-level 'ticketing'"),
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
    "an unknown key": ("ticketing:\n  workflow: []\n", [("unknown_key", 2, 3)], "'workflows'"),
    "readers whom there are not": (
        "ticketing: {visibility: involvd}\n",
        [("unknown_visibility", 1, 25)],
        "'involvd' is not one of everyone, involved. Did you mean 'involved'?",
    ),
    "readers that are no word": (
        "ticketing: {visibility: [everyone]}\n",
        [("wrong_type", 1, 25)],
        "must be one of everyone, involved",
    ),
    "a missing field": (
        HEAD + "        - {from: OPEN, role: any}\n",
        [("missing_field", 5, 11)],
        "'to' is missing",
    ),
    "a wrong type": ("ticketing: {enabled: 1}\n", [("wrong_type", 1, 22)], "true or false"),
    "a name of the wrong form": (
        HEAD.replace("hotfix", "Hot Fix") + OPENING,
        [("wrong_form", 3, 13)],
        "lower-case letters",
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
    "an unknown key beside a repeated transition elsewhere": (
        HEAD.replace("    - name", "    - titel: x\n      name")
        + OPENING
        + "    - name: other\n      transitions:\n"
        + OPENING
        + OPENING,
        [("unknown_key", 3, 7), ("duplicate_transition", 10, 11)],
        "unknown key 'titel'",
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
