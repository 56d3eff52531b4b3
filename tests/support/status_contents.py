"""Contents of the status page: an example, and strategies that generate others."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from engine.outages.maintenance import WindowState
from engine.outages.status_page import (
    PublicDay,
    PublicGroup,
    PublicIncident,
    PublicWindow,
    StatusContent,
)
from engine.tickets.publications import PublicUpdate
from engine.vocabulary import ServiceStatus

NOW = datetime(2030, 3, 31, 14, 3, 27, tzinfo=UTC)
HOUR = timedelta(hours=1)
UP, DOWN = ServiceStatus.OPERATIONAL, ServiceStatus.DOWN


def days_with(statuses: dict[int, ServiceStatus], down: timedelta = HOUR) -> tuple[PublicDay, ...]:
    """Return 90 operational days, except for some of them, by their number from the last."""
    return tuple(
        PublicDay(
            NOW.date() - timedelta(days=back),
            status := statuses.get(back, UP),
            down if status is DOWN else timedelta(0),
        )
        for back in reversed(range(90))
    )


def example_group(name: str, status: ServiceStatus = UP, **more: object) -> PublicGroup:
    values = {
        "uptime": 99.951,
        "target": 99.9,
        "budget": timedelta(minutes=44),
        "remaining": timedelta(minutes=12),
        "days": days_with({3: DOWN, 40: ServiceStatus.MAINTENANCE}),
    } | more
    return PublicGroup(name=name, slug=name.lower(), status=status, **values)  # type: ignore[arg-type]  # the values have the types of the fields


def example_content(groups: int = 2) -> StatusContent:
    names = ["Payments", "Search", *(f"Service {number}" for number in range(2, groups))]
    return StatusContent(
        company="Acme",
        logo_url="",
        accent="#1b6a57",
        as_of=NOW,
        groups=tuple(example_group(each, DOWN if each == "Payments" else UP) for each in names),
        incidents=(
            PublicIncident(
                "Payments",
                "Cards are declined",
                "You cannot pay by card. Cash works.",
                NOW - HOUR,
                None,
                (PublicUpdate(NOW - HOUR / 2, "We found the cause and repair it."),),
            ),
            PublicIncident(
                "Search", "Search is affected", "", NOW - 30 * HOUR, NOW - 28 * HOUR, ()
            ),
        ),
        windows=(
            PublicWindow(
                ("Search",), "We move the index.", NOW - HOUR, NOW + HOUR, WindowState.ACTIVE
            ),
            PublicWindow(
                ("Payments", "Search"),
                "We upgrade a database.",
                NOW + 24 * HOUR,
                NOW + 26 * HOUR,
                WindowState.UPCOMING,
            ),
        ),
    )


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
NASTY = st.sampled_from(
    ["<script>alert(1)</script>", "]]>&amp;", '" onload="x', "\x0b\x1f", "\u202e\ufffe", "{{ 7 }}"]
)
PUBLIC_TEXTS = NASTY | TEXTS
TIMES = st.integers(-(10**9), 10**9).map(lambda seconds: NOW + timedelta(seconds=seconds))
DAYS = st.lists(
    st.builds(
        PublicDay,
        st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        st.sampled_from(ServiceStatus),
        st.timedeltas(timedelta(0), timedelta(days=1)),
    ),
    max_size=5,
).map(tuple)
GROUPS = st.builds(
    PublicGroup,
    name=PUBLIC_TEXTS,
    slug=st.from_regex(r"[a-z0-9]{1,9}(-[a-z0-9]{1,5})?", fullmatch=True),
    status=st.sampled_from(ServiceStatus),
    uptime=st.none() | st.integers(0, 100_000).map(lambda each: each / 1000),
    target=st.integers(1, 100_000).map(lambda each: each / 1000),
    budget=st.timedeltas(timedelta(0), timedelta(days=31)),
    remaining=st.timedeltas(timedelta(days=-31), timedelta(days=31)),
    days=DAYS,
)
INCIDENTS = st.builds(
    PublicIncident,
    group=PUBLIC_TEXTS,
    title=PUBLIC_TEXTS,
    impact=st.just("") | PUBLIC_TEXTS,
    since=TIMES,
    resolved_at=st.none() | TIMES,
    updates=st.lists(st.builds(PublicUpdate, TIMES, PUBLIC_TEXTS), max_size=3).map(tuple),
)
WINDOWS = st.builds(
    PublicWindow,
    groups=st.lists(PUBLIC_TEXTS, min_size=1, max_size=2).map(tuple),
    text=PUBLIC_TEXTS,
    start=TIMES,
    end=TIMES,
    state=st.sampled_from([WindowState.ACTIVE, WindowState.UPCOMING]),
)
CONTENTS = st.builds(
    StatusContent,
    company=PUBLIC_TEXTS,
    logo_url=st.sampled_from(["", "https://example.com/logo.svg?a=1&b='x'"]),
    accent=st.just("#1b6a57"),
    as_of=TIMES,
    groups=st.lists(GROUPS, max_size=3, unique_by=lambda each: each.slug).map(tuple),
    incidents=st.lists(INCIDENTS, max_size=3).map(tuple),
    windows=st.lists(WINDOWS, max_size=2).map(tuple),
)
