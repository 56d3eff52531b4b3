"""Lint warns of icons that the web UI does not have."""

from engine.declaration.icon_checks import find_unknown_icons
from engine.declaration.parse import parse_declaration

KNOWN = {"wifi_off", "wifi_lock", "report_problem"}
VALUES = """\
ticketing:
  catalog:
    categories:
      - {name: a, displayName: A, icon: report-problem}
      - {name: b, displayName: B, icon: report_problem}
      - {name: c, displayName: C}
    items:
      - {name: i, category: a, displayName: I, workflow: access_request, icon: wifi_of}
      - {name: j, category: a, displayName: J, workflow: access_request, icon: quokka}
      - {name: k, category: a, displayName: K, workflow: access_request, icon: wifi_of}
"""


def test_unknown_icons_are_reported_with_near_names() -> None:
    declaration = parse_declaration(VALUES, "values.yaml")
    end = "so pages show a letter tile instead."
    near = "Did you mean 'wifi_off' or 'wifi_lock'? [unknown_icon]"
    assert list(map(str, find_unknown_icons(declaration, KNOWN))) == [
        (
            f"values.yaml:4:41: warning: There is no Material icon 'report-problem', {end}"
            " Did you mean 'report_problem'? [unknown_icon]"
        ),
        f"values.yaml:8:80: warning: There is no Material icon 'wifi_of', {end} {near}",
        f"values.yaml:9:80: warning: There is no Material icon 'quokka', {end} [unknown_icon]",
        f"values.yaml:10:80: warning: There is no Material icon 'wifi_of', {end} {near}",
    ]
