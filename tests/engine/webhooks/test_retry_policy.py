"""What fails is attempted again, ever more seldom, for three days."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.webhooks.retry_policy import (
    DELAYS,
    DeliveryState,
    Failure,
    Verdict,
    WebhookResponse,
    retry_after,
    verdict,
)

NOW = datetime(2026, 4, 28, 14, 3, tzinfo=UTC)
LAST = len(DELAYS) + 1
SECONDS = [5, 15, 60, 300, 900, 3_600, 10_800, 21_600, *[43_200] * 5]


def test_the_delays_are_those_that_are_documented() -> None:
    assert [delay.total_seconds() for delay in DELAYS] == SECONDS
    assert timedelta(days=2.8) < sum(DELAYS, timedelta()) < timedelta(days=3.2)


@pytest.mark.parametrize(
    "answer",
    [
        WebhookResponse(503),
        WebhookResponse(302),
        WebhookResponse(404),
        WebhookResponse(Failure.TIMEOUT),
    ],
)
@pytest.mark.parametrize(("attempt", "seconds"), list(enumerate(SECONDS, 1)))
def test_what_fails_is_attempted_again(answer: WebhookResponse, attempt: int, seconds: int) -> None:
    waits = [verdict(answer, attempt, chance).again_in for chance in (0, 0.5, 1)]
    assert waits == [timedelta(seconds=seconds * share) for share in (0.8, 1, 1.2)]
    assert verdict(answer, attempt, 0.5).state is DeliveryState.PENDING


@pytest.mark.parametrize("answer", [WebhookResponse(500), WebhookResponse(Failure.NO_CONNECTION)])
def test_after_the_last_attempt_it_is_given_up(answer: WebhookResponse) -> None:
    assert verdict(answer, LAST, 0.5) == Verdict(DeliveryState.DEAD)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
@pytest.mark.parametrize("attempt", [1, LAST])
def test_what_is_taken_is_delivered(status: int, attempt: int) -> None:
    assert verdict(WebhookResponse(status), attempt, 0.5) == Verdict(DeliveryState.DELIVERED)


def test_whoever_is_gone_gets_no_second_attempt() -> None:
    assert verdict(WebhookResponse(410), 1, 0.5) == Verdict(DeliveryState.DEAD)
    assert WebhookResponse(410).is_gone


@pytest.mark.parametrize(("asked", "waits"), [(1, 5), (30, 30)])
def test_whoever_asks_for_time_gets_it(asked: int, waits: int) -> None:
    asked_for = timedelta(seconds=asked)
    wanted = Verdict(DeliveryState.PENDING, timedelta(seconds=waits), asked_for)
    assert verdict(WebhookResponse(429, asked_for), 1, 0.5) == wanted


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
def test_a_retry_after_header_asks_for(status: int, header: str | None, seconds: int) -> None:
    assert retry_after(status, header, NOW) == timedelta(seconds=seconds)


def test_an_answer_is_told_in_a_word() -> None:
    assert [str(WebhookResponse(503)), str(WebhookResponse(Failure.TIMEOUT))] == [
        "http_503",
        "timeout",
    ]
