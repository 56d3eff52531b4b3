"""The files of a folder declare pieces of one section; what two of them declare is refused."""

from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import limits
from engine.errors import InvalidDeclaration, InvalidInput
from engine.resources.resource import Key, Kind
from reconciler.desired import Desired, read_desired
from reconciler.pieces import Pieces
from reconciler.values import ValuesInput, read_values

NETWORK = """\
ticketing:
  catalog:
    categories: [{name: network, displayName: Network}]
    items:
      - {name: outage, category: network, displayName: Outage, workflow: network_incident}
  workflows:
    - name: network_incident
      displayName: Network Incident
      transitions: [{from: OPEN, to: CLOSED, role: any}]
"""
PAYMENT = """\
ticketing:
  catalog:
    categories: [{name: payment, displayName: Payment}]
    items:
      - {name: refund, category: payment, displayName: Refund, workflow: service_request}
  services: [{path: acme/payment, slaGroup: payment-team}]
"""
PLATFORM = """\
ticketing:
  visibility: involved
  sla: {HIGH: {response: 10m}}
"""


def pieces(**texts: str) -> Pieces:
    return Pieces("pieces", tuple((f"{name}.yaml", text) for name, text in texts.items()))


def read(*layers: Pieces | tuple[str, str], key: str = "") -> Desired:
    return read_desired(ValuesInput(layers, key=key))


def findings_in(*layers: Pieces | tuple[str, str], key: str = "") -> list[str]:
    with pytest.raises(InvalidDeclaration) as raised:
        read(*layers, key=key)
    return [f"{each.at} {each.code}: {each.message}" for each in raised.value.findings]


def test_pieces_of_several_teams_are_one_declaration_with_their_places() -> None:
    desired = read(pieces(network=NETWORK, payment=PAYMENT, platform=PLATFORM))
    places = {str(key): str(at) for key, at in desired.locations.items()}
    assert places == {
        "category network": "network.yaml:3:18",
        "category payment": "payment.yaml:3:18",
        "item outage": "network.yaml:5:9",
        "item refund": "payment.yaml:5:9",
        "service acme/payment": "payment.yaml:6:14",
        "setting sla": "platform.yaml:3:8",
        "setting visibility": "platform.yaml:2:15",
        "workflow network_incident": "network.yaml:7:7",
    }
    assert desired.files == ("network.yaml", "payment.yaml", "platform.yaml")


@pytest.mark.parametrize("order", [*permutations(("network", "payment", "platform"))])
def test_the_order_of_pieces_does_not_matter(order: tuple[str, ...]) -> None:
    texts = {"network": NETWORK, "payment": PAYMENT, "platform": PLATFORM}
    expected = read(pieces(**texts)).resources
    assert read(pieces(**{name: texts[name] for name in order})).resources == expected


COLLISIONS: Mapping[str, tuple[str, str, str]] = {
    "a value": (
        "ticketing: {visibility: involved}",
        "ticketing: {visibility: everyone}",
        (
            "b.yaml:1:13 declared_twice: ticketing.visibility is already declared at a.yaml:1:13."
            " Declare it in one piece only."
        ),
    ),
    "an equal value": (
        "ticketing: {enabled: true}",
        "ticketing: {enabled: true}",
        (
            "b.yaml:1:13 declared_twice: ticketing.enabled is already declared at a.yaml:1:13."
            " Declare it in one piece only."
        ),
    ),
    "a nested value": (
        "ticketing: {sla: {HIGH: {response: 5m}}}",
        "ticketing: {sla: {HIGH: {response: 6m, resolution: 1h}}}",
        (
            "b.yaml:1:26 declared_twice: ticketing.sla.HIGH.response is already declared at"
            " a.yaml:1:26. Declare it in one piece only."
        ),
    ),
    "a list and another value": (
        "ticketing: {defaultWorkflows: [access_request]}",
        "ticketing: {defaultWorkflows: true}",
        (
            "b.yaml:1:13 declared_twice: ticketing.defaultWorkflows is already declared at"
            " a.yaml:1:13. Declare it in one piece only."
        ),
    ),
    "a name in a list": (
        "ticketing: {groups: [network-team]}",
        "ticketing: {groups: [payment-team, network-team]}",
        "b.yaml:1:36 duplicate_name: 'network-team' is already declared at a.yaml:1:22.",
    ),
}


@pytest.mark.parametrize(("first", "second", "expected"), COLLISIONS.values(), ids=COLLISIONS)
def test_a_collision_names_both_places(first: str, second: str, expected: str) -> None:
    assert findings_in(pieces(a=first, b=second)) == [expected]


def test_a_collision_is_found_under_the_key_of_a_parent_chart() -> None:
    texts = {name: f"{{interlock: {{ticketing: {{enabled: {name}}}}}, x: 1}}" for name in "ab"}
    [finding] = findings_in(pieces(**texts), key="interlock")
    assert "interlock.ticketing.enabled is already declared at a.yaml:1:26" in finding


def test_values_of_other_charts_do_not_collide() -> None:
    read(pieces(a="{image: {tag: a}, ticketing: {}}", b="{image: {tag: b}, ticketing: {}}"))


def test_null_declares_nothing() -> None:
    texts = {"a": "ticketing: {visibility: null}", "b": "ticketing: {visibility: involved}"}
    one = read(pieces(**texts)).resources
    other = read(pieces(a=texts["b"], b=texts["a"], c="ticketing:")).resources
    assert one == other == read(pieces(b=texts["b"])).resources


def test_a_folder_is_one_layer() -> None:
    base = ("base.yaml", "ticketing: {visibility: everyone, groups: [base]}")
    top = ("top.yaml", "ticketing: {visibility: involved}")
    folder = pieces(a="ticketing: {groups: [a]}", b="ticketing: {groups: [b]}")
    section = read_values(ValuesInput([base, folder, top])).value
    assert section == {"ticketing": {"visibility": "involved", "groups": ["a", "b"]}}


def test_the_errors_of_all_pieces_are_found() -> None:
    found = findings_in(
        pieces(a="ticketing: {enabled: 7}", b="tickting: {}", c="ticketing: {groups: [", d="[1]")
    )
    assert {each.split(":")[0] for each in found} == {"b.yaml", "c.yaml", "d.yaml"}


@pytest.mark.parametrize("count", [0, limits.VALUES_PIECES + 1])
def test_a_folder_without_files_or_with_too_many_is_refused(count: int) -> None:
    folder = Pieces("folder", tuple((f"{number}.yaml", "") for number in range(count)))
    with pytest.raises(InvalidInput, match=f"folder: has {count} values files"):
        read(folder)


NAMES = st.text("abc", min_size=1, max_size=4)


@given(st.lists(st.sets(NAMES), min_size=1, max_size=5))
def test_pieces_declare_each_name_once_or_are_refused(teams: list[set[str]]) -> None:
    """Compare with the union of sets."""
    texts = {
        f"t{number}": f"ticketing: {{groups: [{', '.join(sorted(names))}]}}"
        for number, names in enumerate(teams)
    }
    union = set().union(*teams)
    if sum(map(len, teams)) == len(union):
        resource = read(pieces(**texts)).resources[Key(Kind.SETTING, "groups")]
        assert set(resource.model.model_dump()["groups"]) == union
    else:
        assert all(" duplicate_name: " in each for each in findings_in(pieces(**texts)))
