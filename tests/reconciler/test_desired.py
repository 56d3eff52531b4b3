"""What is desired is known by where it is declared, if it is declared anywhere."""

from engine.resources.resource import AUTO_CLOSE, SLA, Key, Kind
from reconciler.desired import desired_in

VALUES = """\
ticketing:
  workflows:
    - {name: hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}
  autoClose: {afterResolved: 24h}
"""


def test_what_is_declared_has_a_place_and_a_default_has_none() -> None:
    places = desired_in([("a.yaml", VALUES)], set_strings=["ticketing.sla.LOW.response=3d"]).places
    assert {str(key): str(at) for key, at in places.items()} == {
        "workflow hotfix": "a.yaml:3:7",
        "setting autoClose": "a.yaml:4:30",
        "setting sla": "--set-string 'ticketing.sla.LOW.response=3d':1:15",
    }
    defaults = desired_in([("a.yaml", "ticketing: {sla: null}")])
    assert {Key(Kind.SETTING, AUTO_CLOSE), Key(Kind.SETTING, SLA)} <= set(defaults.resources)
    assert defaults.places == {}


def test_the_files_and_arguments_are_named_in_their_order() -> None:
    files = [("a.yaml", "ticketing: {}"), ("b.yaml", "")]
    sets, set_strings = ["ticketing.enabled=true"], ["ticketing.sla.LOW.response=3d"]
    assert desired_in(files, sets, set_strings=set_strings).files == (
        "a.yaml",
        "b.yaml",
        "--set ticketing.enabled=true",
        "--set-string ticketing.sla.LOW.response=3d",
    )
