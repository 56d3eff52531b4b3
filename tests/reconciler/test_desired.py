"""The desired resources, where they are declared, and in which files."""

import pytest

from engine.resources.resource import AUTO_CLOSE, GROUPS, ON_BEHALF, SLA, Key, Kind
from reconciler.desired import read_desired
from reconciler.values import ValuesInput

VALUES = """\
ticketing:
  workflows:
    - {name: hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}
  autoClose: {afterResolved: 24h}
"""


def test_declared_resources_have_a_location_and_defaults_do_not() -> None:
    values = ValuesInput([("a.yaml", VALUES)], set_strings=["ticketing.sla.LOW.response=3d"])
    locations = read_desired(values).locations
    assert {str(key): str(at) for key, at in locations.items()} == {
        "workflow hotfix": "a.yaml:3:7",
        "setting autoClose": "a.yaml:4:30",
        "setting sla": "--set-string 'ticketing.sla.LOW.response=3d':1:15",
    }
    defaults = read_desired(ValuesInput([("a.yaml", "ticketing: {sla: null}")]))
    assert {Key(Kind.SETTING, AUTO_CLOSE), Key(Kind.SETTING, SLA)} <= set(defaults.resources)
    assert defaults.locations == {}


def test_files_and_arguments_are_listed_in_order() -> None:
    files = [("a.yaml", "ticketing: {}"), ("b.yaml", "")]
    sets, set_strings = ["ticketing.enabled=true"], ["ticketing.sla.LOW.response=3d"]
    assert read_desired(ValuesInput(files, sets, set_strings)).files == (
        "a.yaml",
        "b.yaml",
        "--set ticketing.enabled=true",
        "--set-string ticketing.sla.LOW.response=3d",
    )


@pytest.mark.parametrize(("setting", "column"), [(GROUPS, 21), (ON_BEHALF, 23)])
def test_the_order_of_groups_has_no_meaning(setting: str, column: int) -> None:
    one, other = (
        read_desired(ValuesInput([("a.yaml", f"ticketing: {{{setting}: {names}}}")]))
        for names in ("[ops, dev]", "[dev, ops]")
    )
    assert one.resources == other.resources
    assert str(one.locations[Key(Kind.SETTING, setting)]) == f"a.yaml:1:{column}"
