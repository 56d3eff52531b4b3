"""Which groups of items and services tickets keep after a change."""

import pytest

from engine.resources.resource import Resource
from reconciler.diff import diff
from reconciler.former_groups import former_groups
from tests.support.resources import item, retired, service, snapshot


def in_group(group: str | None) -> Resource:
    return item("vpn", "vpn", "access", defaults={"assigneeGroup": group} if group else {})


PATH = "acme/shop"
CHANGES: dict[str, tuple[list[Resource], list[Resource], list[str | None]]] = {
    "an item with another group": ([in_group("a")], [in_group("b")], ["a"]),
    "an item that loses its group": ([in_group("a")], [in_group(None)], ["a"]),
    "an item that gets a group": ([in_group(None)], [in_group("a")], [None]),
    "a service with another group": ([service(PATH, "a")], [service(PATH, "b")], ["a"]),
    "a revived item with another group": ([retired(in_group("a"))], [in_group("b")], ["a"]),
    "a service that changes otherwise": (
        [service(PATH, "a")],
        [service(PATH, "a", auto_ticket=True)],
        [],
    ),
    "a new item": ([], [in_group("a")], []),
    "a retired item": ([in_group("a")], [], []),
}


@pytest.mark.parametrize(("live", "desired", "groups"), CHANGES.values(), ids=CHANGES)
def test_only_a_changed_group_is_kept(
    live: list[Resource], desired: list[Resource], groups: list[str | None]
) -> None:
    changes = diff(snapshot(*live), snapshot(*desired))
    assert list(former_groups(changes).values()) == groups
