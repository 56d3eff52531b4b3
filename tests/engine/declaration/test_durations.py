"""Durations are parsed from two formats and written in one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import limits
from engine.declaration.durations import format_iso_duration, parse_duration

PARSED = {
    "5m": timedelta(minutes=5),
    "2h": timedelta(hours=2),
    "1d": timedelta(days=1),
    "1h30m": timedelta(minutes=90),
    "1d2h3m4s": timedelta(days=1, hours=2, minutes=3, seconds=4),
    "90m": timedelta(minutes=90),
    "PT5M": timedelta(minutes=5),
    "PT1H30M": timedelta(minutes=90),
    "P1D": timedelta(days=1),
    "P1DT2H3M4S": timedelta(days=1, hours=2, minutes=3, seconds=4),
    "PT36H": timedelta(hours=36),
    "3650d": timedelta(days=3650),
}


@pytest.mark.parametrize(("text", "duration"), PARSED.items())
def test_a_duration_is_parsed(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "P",
            "PT",
            "P1DT",
            "T1H",
            "1",
            "soon",
            "h",
            "1 h",
            "1H",
            "-1h",
            "+1h",
            "1h1d",
            "1.5h",
        ),
        *("p1d", "pt1h", "P1Y", "P1M", "P1W", "PT1.5S", "-PT1H", "P-1D", "PT1M1H", "PT1h", "1dT2H"),
        *("0s", "PT0S", "P0D", "3651d", "P3651D", "PT315360001S", "9" * 41, "1h\n", "٣h"),
    ],
)
def test_an_invalid_duration_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a duration|must be longer than 0s"):
        parse_duration(text)


WRITTEN = {
    "PT0S": timedelta(),
    "PT5M": timedelta(minutes=5),
    "PT1H30M": timedelta(minutes=90),
    "P1D": timedelta(hours=24),
    "P1DT1S": timedelta(days=1, seconds=1),
    "PT59S": timedelta(seconds=59, microseconds=999_999),
}


@pytest.mark.parametrize(("text", "duration"), WRITTEN.items())
def test_a_duration_is_written_in_whole_seconds(text: str, duration: timedelta) -> None:
    assert format_iso_duration(duration) == text


@given(st.integers(1, limits.DURATION_DAYS * 24 * 60 * 60))
def test_a_written_duration_can_be_parsed(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_iso_duration(duration)) == duration
