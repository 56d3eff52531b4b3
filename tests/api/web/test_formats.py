"""Times and durations in pages."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.web.formats import Formats, duration, with_words, words
from engine.vocabulary import Status

AT = datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC)

TIMESTAMPS = {
    None: "29 Mar 2026, 00:59 UTC",
    "Europe/Budapest": "29 Mar 2026, 01:59 CET",
    "America/New_York": "28 Mar 2026, 20:59 EDT",
    "Asia/Kathmandu": "29 Mar 2026, 06:44 +0545",
}


@pytest.mark.parametrize(("zone", "text"), TIMESTAMPS.items())
def test_a_timestamp_names_its_zone(zone: str | None, text: str) -> None:
    timestamp = Formats(ZoneInfo(zone) if zone else None).timestamp(AT)
    assert timestamp == f'<time datetime="2026-03-29T00:59:30Z">{text}</time>'


DURATIONS = {
    timedelta(0): "less than 1 min",
    timedelta(seconds=59): "less than 1 min",
    timedelta(minutes=1): "1 min",
    timedelta(minutes=59, seconds=59): "59 min",
    timedelta(hours=1): "1 h",
    timedelta(hours=3, minutes=59): "3 h 59 min",
    timedelta(days=1): "1 d",
    timedelta(days=1, minutes=30): "1 d",
    timedelta(days=2, hours=4, minutes=30): "2 d 4 h",
}


@pytest.mark.parametrize(("time", "text"), DURATIONS.items())
def test_a_duration_has_its_two_largest_units(time: timedelta, text: str) -> None:
    assert duration(time) == text


def test_a_status_is_shown_in_words() -> None:
    assert [words(each) for each in Status] == ["Open", "In progress", "Resolved", "Closed"]


def test_a_message_names_statuses_in_words() -> None:
    message = "The workflow x has no transition from IN_PROGRESS to OPEN."
    expected = "The workflow x has no transition from In progress to Open."
    assert with_words(message) == expected
    assert with_words("OPENED, RE_OPEN and open") == "OPENED, RE_OPEN and open"
