"""Mistakes in any part of a declaration: missing sections, unknown keys and invalid values."""

from typing import Final

from tests.engine.declaration.mistakes.texts import HEAD, OPENING, Mistake

FORM: Final[dict[str, Mistake]] = {
    "a missing section": ("other: 1\n", [("missing_section", 1, 1)], "top-level 'ticketing'"),
    "an empty text": ("", [("missing_section", 1, 1)], "top-level 'ticketing'"),
    "a section under another key": (
        "interlock:\n  ticketing: {}\n",
        [("missing_section", 1, 1)],
        "There is one under 'interlock'",
    ),
    "a misspelt section": ("ticketting: {}\n", [("missing_section", 1, 1)], "misspelt"),
    "a text that is a list": ("- ticketing\n", [("missing_section", 1, 1)], "top-level"),
    "a section that is a list": ("ticketing: []\n", [("wrong_type", 1, 12)], "a mapping"),
    "a repeated section": (
        "ticketing: {}\nticketing: {enabled: false}\n",
        [("duplicate_key", 2, 1)],
        "The key 'ticketing' is already at values.yaml:1:1",
    ),
    "an unknown key": ("ticketing:\n  workflow: []\n", [("unknown_key", 2, 3)], "'workflows'"),
    "an unknown visibility": (
        "ticketing: {visibility: involvd}\n",
        [("unknown_visibility", 1, 25)],
        "must be one of everyone, involved (found 'involvd'). Did you mean 'involved'?",
    ),
    "a visibility that is a list": (
        "ticketing: {visibility: [everyone]}\n",
        [("wrong_type", 1, 25)],
        "must be one of everyone, involved",
    ),
    "a missing field": (
        HEAD + "        - {from: OPEN, role: any}\n",
        [("missing_field", 5, 11)],
        "transitions[0]: the required key 'to' is missing.",
    ),
    "a number for a boolean": (
        "ticketing: {enabled: 1}\n",
        [("wrong_type", 1, 22)],
        "true or false",
    ),
    "an invalid name": (
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
    "text with control characters, and blank text": (
        'ticketing: {services: [{path: a, slaGroup: "a\\0b"}, {path: b, slaGroup: "  "}]}\n',
        [("wrong_form", 1, 44), ("wrong_form", 1, 73)],
        "must be one line of text that is not blank and has no control characters",
    ),
    "an unknown key and a repeated transition": (
        HEAD.replace("    - name", "    - titel: x\n      name")
        + OPENING
        + "    - name: other\n      transitions:\n"
        + OPENING
        + OPENING,
        [("unknown_key", 3, 7), ("duplicate_transition", 10, 11)],
        "unknown key 'titel'",
    ),
    "an ambiguous scalar and an unknown key": (
        "ticketing:\n  enabled: yes\n  on: 1\n  services: [{path: a}]\n  autoclose: {}\n",
        [
            ("ambiguous_scalar", 2, 12),
            ("non_string_key", 3, 3),
            ("missing_field", 4, 14),
            ("unknown_key", 5, 3),
        ],
        "Did you mean 'autoClose'?",
    ),
    "too many findings": (
        "ticketing:\n" + "".join(f"  key{number}: 1\n" for number in range(50_000)),
        [("unknown_key", 2 + number, 3) for number in range(100)] + [("too_many_findings", 102, 3)],
        "There are more findings; fix these first.",
    ),
    "several mistakes": (
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
    "an approval that is none": (
        "ticketing: {approvedPlan: latest}",
        [("wrong_form", 1, 27)],
        "must be sha256: and 64 hexadecimal digits, as a plan shows its approval",
    ),
}
