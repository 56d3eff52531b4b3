"""The canonical text of an entry never changes, and PostgreSQL computes the same digest."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, select

from engine.storage.history import digest_sql
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history
from engine.tickets.history import GENESIS, Entry, EntryKind, canonical_timestamp
from tests.support.ticket_examples import an_entry

AWKWARD = an_entry(
    seq=2,
    at=datetime(2026, 4, 28, 16, 3, 0, 70, tzinfo=timezone(timedelta(hours=2))),
    kind=EntryKind.COMMENT,
    new_value='"Köszi" \\ / \b\f\n\r\t\x01\x7f \u2028 \U0001f525 null',
    actor_bits=6,
    workflow_revision=2**40,
    details=None,
)


def test_the_canonical_text_is_stable() -> None:
    """All stored digests depend on it: a change here breaks all histories."""
    assert AWKWARD.canonical_text == (
        '["tk_4f8e29", 2, "2026-04-28T14:03:00.000070Z", "u_b1", "comment", null,'
        r' "\"Köszi\" \\ / \b\f\n\r\t\u0001'
        '\x7f \u2028 \U0001f525 null", 6, 1099511627776, null]'
    )


def test_a_digest_includes_the_previous_digest() -> None:
    first = an_entry(details='{"title": "Payments fail"}').digest(GENESIS)
    assert first.hex() == "96162b377b8fa939eea2eff8b601d63d84d8e7fb79c6d90a4f1c412b58ee5324"
    second = AWKWARD.digest(first)
    assert second.hex() == "cbef4f2226867ebe437155ac4973088f4a5e4ac352d32143ed472e18600db011"


def test_a_canonical_timestamp_has_four_digit_years_and_microseconds() -> None:
    assert canonical_timestamp(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000000Z"
    assert canonical_timestamp(datetime.max.replace(tzinfo=UTC)) == "9999-12-31T23:59:59.999999Z"


DIGESTED = Statement.of(
    select(
        digest_sql.digest(
            bindparam("before", type_=ticket_status_history.c.digest.type),
            {
                name: bindparam(name, type_=ticket_status_history.c[name].type)
                for name in digest_sql.CANONICAL_ORDER
            },
        )
    )
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
OFFSETS = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone)
ENTRIES = st.builds(
    Entry,
    ticket=TEXTS,
    seq=st.integers(1, 2**31 - 1),
    at=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS),  # noqa: DTZ001
    actor=TEXTS,
    kind=st.sampled_from(EntryKind),
    old_value=st.none() | TEXTS,
    new_value=st.none() | TEXTS,
    actor_bits=st.integers(0, 7),
    workflow_revision=st.integers(1, 2**63 - 1),
    details=st.none() | TEXTS,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(entry=ENTRIES, before=st.just(GENESIS) | st.binary(min_size=32, max_size=32))
async def test_postgresql_computes_the_same_digest_for_any_entry(
    database: Database, entry: Entry, before: bytes
) -> None:
    values = {name: getattr(entry, name) for name in digest_sql.CANONICAL_ORDER}
    row = await database.row(DIGESTED, before=before, **values)
    assert row is not None
    assert row[0] == entry.digest(before)
