"""Lint warns of groups that are not declared, if any are."""

from engine.declaration.group_checks import find_undeclared_groups
from engine.declaration.parse import parse_declaration

USES = """
  catalog:
    categories: [{name: c, displayName: C}]
    items:
      - {name: i, category: c, displayName: I, workflow: access_request}
      - name: j
        category: c
        displayName: J
        workflow: access_request
        defaults: {assigneeGroup: paymnt-team}
  services:
    - {path: acme/shop, slaGroup: network-team}
    - {path: acme/mail, slaGroup: payment-team}
  onBehalf: [payment-team, service-desk]
"""


def findings(groups: str) -> list[str]:
    text = f"ticketing:\n  groups: {groups}{USES}"
    return list(map(str, find_undeclared_groups(parse_declaration(text, "values.yaml"))))


def test_undeclared_groups_are_reported() -> None:
    reason = "is not in ticketing.groups."
    assert findings("[payment-team]") == [
        (
            f"values.yaml:11:35: warning: The group 'paymnt-team' {reason}"
            " Did you mean 'payment-team'? [undeclared_group]"
        ),
        f"values.yaml:13:35: warning: The group 'network-team' {reason} [undeclared_group]",
        f"values.yaml:15:28: warning: The group 'service-desk' {reason} [undeclared_group]",
    ]


def test_without_declared_groups_every_group_is_accepted() -> None:
    assert findings("[]") == []


def test_declared_groups_are_accepted() -> None:
    assert findings("[payment-team, paymnt-team, network-team, service-desk]") == []
