"""A failed delivery is attempted again for three days, with growing delays."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.webhooks.retry_policy import (
    RETRY_DELAYS,
    AttemptResult,
    DeliveryState,
    Failure,
    RetryDecision,
    decide_retry,
    parse_retry_after,
)

NOW = datetime(2026, 4, 28, 14, 3, tzinfo=UTC)
LAST = len(RETRY_DELAYS) + 1
SECONDS = [5, 15, 60, 300, 900, 3_600, 10_800, 21_600, *[43_200] * 5]


def test_the_delays_are_the_documented_ones() -> None:
    assert [delay.total_seconds() for delay in RETRY_DELAYS] == SECONDS
    assert timedelta(days=2.8) < sum(RETRY_DELAYS, timedelta()) < timedelta(days=3.2)


@pytest.mark.parametrize(
    "result",
    [
        AttemptResult(503),
        AttemptResult(302),
        AttemptResult(404),
        AttemptResult(Failure.TIMEOUT),
    ],
)
@pytest.mark.parametrize(("attempt", "seconds"), list(enumerate(SECONDS, 1)))
def test_a_failed_attempt_is_repeated(result: AttemptResult, attempt: int, seconds: int) -> None:
    delays = [decide_retry(result, attempt, chance).retry_in for chance in (0, 0.5, 1)]
    assert delays == [timedelta(seconds=seconds * share) for share in (0.8, 1, 1.2)]
    assert decide_retry(result, attempt, 0.5).state is DeliveryState.PENDING


@pytest.mark.parametrize("result", [AttemptResult(500), AttemptResult(Failure.NO_CONNECTION)])
def test_a_delivery_is_dead_after_the_last_attempt(result: AttemptResult) -> None:
    assert decide_retry(result, LAST, 0.5) == RetryDecision(DeliveryState.DEAD)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
@pytest.mark.parametrize("attempt", [1, LAST])
def test_an_accepted_delivery_is_delivered(status: int, attempt: int) -> None:
    assert decide_retry(AttemptResult(status), attempt, 0.5) == RetryDecision(
        DeliveryState.DELIVERED
    )


def test_a_receiver_that_is_gone_gets_no_second_attempt() -> None:
    assert decide_retry(AttemptResult(410), 1, 0.5) == RetryDecision(DeliveryState.DEAD)
    assert AttemptResult(410).is_gone


@pytest.mark.parametrize(("pause", "delay"), [(1, 5), (30, 30)])
def test_a_receiver_that_asks_to_wait_is_paused(pause: int, delay: int) -> None:
    retry_after = timedelta(seconds=pause)
    expected = RetryDecision(DeliveryState.PENDING, timedelta(seconds=delay), retry_after)
    assert decide_retry(AttemptResult(429, retry_after), 1, 0.5) == expected


HEADERS = [
    (429, "30", 30),
    (503, " 30 ", 30),
    (503, "Tue, 28 Apr 2026 14:04:00 GMT", 60),
    (503, "Tue, 28 Apr 2026 14:02:00 GMT", 0),
    (429, "999999999999999999999999", 43_200),
    (429, "Tue, 28 Apr 2099 14:03:00 GMT", 43_200),
    (429, "-5", 0),
    (429, "soon", 0),
    (429, "٣", 0),
    (429, "", 0),
    (429, None, 0),
    (500, "30", 0),
    (200, "30", 0),
]


@pytest.mark.parametrize(("status", "header", "seconds"), HEADERS)
def test_retry_after_is_parsed(status: int, header: str | None, seconds: int) -> None:
    assert parse_retry_after(status, header, NOW) == timedelta(seconds=seconds)


def test_a_result_is_one_word() -> None:
    assert [str(AttemptResult(503)), str(AttemptResult(Failure.TIMEOUT))] == [
        "http_503",
        "timeout",
    ]
