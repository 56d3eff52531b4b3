"""The content of the status page follows from what is recorded, and shows nothing else."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from engine.declaration.status_page_models import GroupTarget, StatusPage
from engine.outages.health_intervals import HealthInterval
from engine.outages.maintenance import MaintenanceWindow, WindowState
from engine.outages.status_page import (
    GroupFacts,
    IncidentFacts,
    PublicDay,
    StatusFacts,
    status_content,
    unique_slugs,
)
from engine.outages.uptime import UptimeTarget
from engine.tickets.publications import Publication, PublicText, PublicUpdate
from engine.vocabulary import ServiceStatus

NOW = datetime(2030, 3, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
UP, DOWN, UNKNOWN = ServiceStatus.OPERATIONAL, ServiceStatus.DOWN, ServiceStatus.UNKNOWN


def between(start: datetime, end: datetime, status: ServiceStatus) -> HealthInterval:
    return HealthInterval(start, end, status)


def group(
    name: str, *intervals: HealthInterval, path: str = "acme/internal/api", target: float = 99.4
) -> GroupFacts:
    declared = GroupTarget.model_validate(
        {"slaGroup": f"{name.lower()}-team", "displayName": name, "uptimeTarget": target}
    )
    return GroupFacts(declared, UptimeTarget(Fraction(str(target))), {path: intervals})


def facts(*groups: GroupFacts, **more: Any) -> StatusFacts:  # noqa: ANN401  # any field
    page = StatusPage.model_validate({"enabled": True, "companyName": "Acme"})
    return replace(StatusFacts(NOW, page, groups, (), ()), **more)


KNOWN = (
    between(NOW - 91 * DAY, NOW - 40 * DAY, UP),
    between(NOW - 40 * DAY, NOW - 40 * DAY + 6 * HOUR, DOWN),
    between(NOW - 40 * DAY + 6 * HOUR, NOW - 2 * DAY, UP),
    between(NOW - 2 * DAY, NOW - 2 * DAY + 1.2 * HOUR, DOWN),
    between(NOW - 2 * DAY + 1.2 * HOUR, NOW, UP),
)


def test_the_figures_of_a_known_history() -> None:
    """Computed by hand: 89 days and 12 hours with 7.2 hours of downtime.

    2148 h - 7.2 h = 2140.8 h, which is 99.6648 % of 2148 h. March has 744 h; 0.6 % of it are 4 h
    27 min 50.4 s, and 72 minutes of downtime were in March.
    """
    [shop] = status_content(facts(group("Shop", *KNOWN))).groups
    assert (shop.status, shop.uptime, shop.meets_target) == (UP, 99.664, True)
    assert shop.budget == timedelta(hours=4, minutes=27, seconds=50.4)
    assert shop.remaining == timedelta(hours=3, minutes=15, seconds=50.4)
    assert len(shop.days) == 90
    assert [each for each in shop.days if each.status is DOWN] == [
        PublicDay(date(2030, 2, 19), DOWN, 6 * HOUR),
        PublicDay(date(2030, 3, 29), DOWN, 1.2 * HOUR),
    ]
    assert (shop.days[0].day, shop.days[-1].day) == (date(2030, 1, 1), date(2030, 3, 31))


def test_an_outage_over_midnight_is_in_both_days() -> None:
    down = between(NOW - 13 * HOUR, NOW, DOWN)
    [shop] = status_content(facts(group("Shop", down))).groups
    assert [each.down for each in shop.days[-2:]] == [HOUR, 12 * HOUR]
    assert (shop.status, shop.uptime, shop.meets_target) == (DOWN, 0, False)
    assert shop.days[0] == PublicDay(date(2030, 1, 1), UNKNOWN, timedelta(0))


def test_a_group_without_reports_is_unknown() -> None:
    [shop] = status_content(facts(group("Shop"))).groups
    assert (shop.status, shop.uptime) == (UNKNOWN, None)


def window(start: int, end: int, **more: Any) -> MaintenanceWindow:  # noqa: ANN401  # any field
    times = (NOW + start * HOUR, NOW + end * HOUR)
    scope = {"groups": (), "services": ()} | more
    return MaintenanceWindow(*times, id="mw_1", text="Upgrade", **scope)


def test_an_active_window_shows_before_it_is_recorded() -> None:
    up = between(NOW - DAY, NOW, UP)
    windows = [window(-1, 1, groups=("shop-team",)), window(2, 3, services=("acme/internal/api",))]
    content = status_content(facts(group("Shop", up), windows=windows))
    assert content.groups[0].status is ServiceStatus.MAINTENANCE
    assert [(each.state, each.groups, each.text) for each in content.windows] == [
        (WindowState.ACTIVE, ("Shop",), "Upgrade"),
        (WindowState.UPCOMING, ("Shop",), "Upgrade"),
    ]


@pytest.mark.parametrize(
    "hidden", [{"groups": ("other-team",)}, {"services": ("acme/internal/other",)}]
)
def test_windows_of_other_groups_are_not_shown(hidden: dict[str, Any]) -> None:
    assert status_content(facts(group("Shop"), windows=[window(0, 1, **hidden)])).windows == ()


def test_incidents() -> None:
    update = PublicUpdate(NOW - HOUR, "We look into it")
    published = Publication(PublicText("Cards fail", "No payments", ""), (update,))
    incidents = [
        IncidentFacts("shop-team", NOW - 9 * HOUR, NOW - 8 * HOUR, None),
        IncidentFacts("shop-team", NOW - 2 * HOUR, None, None),
        IncidentFacts("shop-team", NOW - HOUR, NOW, published),
        IncidentFacts("other-team", NOW - HOUR, None, published),
    ]
    found = status_content(facts(group("Shop"), incidents=incidents)).incidents
    assert [(each.title, each.impact, each.resolved_at, each.updates) for each in found] == [
        ("Shop is affected", "", None, ()),
        ("Cards fail", "No payments", NOW, (update,)),
        ("Shop is affected", "", NOW - 8 * HOUR, ()),
    ]


def test_slugs_are_unique_and_made_of_the_public_names() -> None:
    names = ["Payments", "Payments!", "Ürömi Kártyák", "支払い", "a / b"]
    assert list(unique_slugs(names)) == ["payments", "payments-2", "uromi-kartyak", "group", "a-b"]


def texts_in(value: object) -> Iterator[str]:
    match value:
        case dict():
            for each in value.values():
                yield from texts_in(each)
        case list() | tuple():
            for each in value:
                yield from texts_in(each)
        case str():
            yield value


def test_the_content_has_no_internal_name() -> None:
    windows = [window(-1, 1, groups=("shop-team", "secret-team"))]
    incidents = [IncidentFacts("shop-team", NOW - HOUR, None, None)]
    shown = facts(group("Shop", *KNOWN), windows=windows, incidents=incidents)
    texts = " ".join(texts_in(asdict(status_content(shown))))
    for internal in ("acme/internal/api", "shop-team", "secret-team", "mw_1", "tk_"):
        assert internal not in texts
