"""Token buckets and slots for concurrent requests."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.rate_limiter import ConcurrencyLimiter, Quota, TokenBuckets
from api.limits import KNOWN_CLIENTS
from engine.errors import TooManyRequests


class ManualClock:
    """A clock that only moves when the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def acquires(buckets: TokenBuckets, client: str = "anna") -> bool:
    try:
        buckets.acquire(client)
    except TooManyRequests:
        return False
    return True


def has_debt(buckets: TokenBuckets, client: str = "anna") -> bool:
    try:
        buckets.check(client)
    except TooManyRequests:
        return True
    return False


def test_a_client_can_send_its_burst_at_once_and_then_its_rate() -> None:
    clock = ManualClock()
    buckets = TokenBuckets("viewer", 2, 4, clock)
    for left in (Quota(3, 1), Quota(2, 1), Quota(1, 2), Quota(0, 2)):
        buckets.acquire("anna")
        assert buckets.quota("anna") == left
    with pytest.raises(TooManyRequests) as refused:
        buckets.acquire("anna")
    assert refused.value.details == {
        "limit": "viewer_rate",
        "bound": 2,
        "unit": "requests",
        "retry_after": 1,
    }
    assert buckets.quota("anna") == Quota(0, 2)
    clock.seconds += 0.5
    assert (acquires(buckets), acquires(buckets)) == (True, False)
    assert (buckets.quota("anna"), buckets.quota("bert")) == (Quota(0, 2), Quota(4, 0))
    clock.seconds += 60
    assert buckets.quota("anna") == Quota(4, 0)
    assert [acquires(buckets) for _ in range(5)] == [True, True, True, True, False]


def test_clients_have_separate_buckets() -> None:
    buckets = TokenBuckets("viewer", 1, 1, ManualClock())
    assert (acquires(buckets, "anna"), acquires(buckets, "anna"), acquires(buckets, "bert")) == (
        True,
        False,
        True,
    )


def test_a_client_that_waits_for_retry_after_is_accepted() -> None:
    clock = ManualClock()
    buckets = TokenBuckets("viewer", 0.1, 1, clock)
    assert acquires(buckets)
    with pytest.raises(TooManyRequests) as refused:
        buckets.acquire("anna")
    assert refused.value.details["retry_after"] == 10
    clock.seconds += 10
    assert acquires(buckets)


SIXTEENTHS = st.integers(0, 40)
"""Of a second or of a token: exact as a float."""


@given(
    steps=st.lists(
        st.tuples(SIXTEENTHS, st.sampled_from(["acquire", "charge", "check"]), SIXTEENTHS),
        max_size=60,
    ),
    rate=st.sampled_from([1, 2, 4, 8]),
    burst=st.integers(1, 6),
)
def test_buckets_agree_with_a_model_that_counts_tokens(
    steps: list[tuple[int, str, int]], rate: int, burst: int
) -> None:
    clock = ManualClock()
    buckets = TokenBuckets("viewer", rate, burst, clock)
    tokens = Fraction(burst)
    for pause, action, cost in steps:
        clock.seconds += pause / 16
        tokens = min(Fraction(burst), tokens + Fraction(pause, 16) * rate)
        match action:
            case "acquire":
                assert acquires(buckets) is (tokens >= 1)
                tokens -= tokens >= 1
            case "charge":
                buckets.charge("anna", cost / 16)
                tokens = max(Fraction(-burst), tokens - Fraction(cost, 16))
            case "check":
                assert has_debt(buckets) is (tokens < 0)
        assert buckets.quota("anna").remaining == max(int(tokens), 0)
        assert buckets.seconds_of_debt("anna") == max(-tokens / rate, Fraction())


@given(cost=st.floats(0, 100), rate=st.floats(0.5, 1_000), burst=st.integers(1, 1_000))
def test_a_client_in_debt_that_waits_for_retry_after_is_accepted(
    cost: float, rate: float, burst: int
) -> None:
    clock = ManualClock()
    buckets = TokenBuckets("viewer", rate, burst, clock)
    buckets.charge("anna", burst + cost)
    with pytest.raises(TooManyRequests) as refused:
        buckets.acquire("anna")
    seconds = refused.value.details["retry_after"]
    assert isinstance(seconds, int)
    clock.seconds += seconds
    assert acquires(buckets)


def test_the_number_of_stored_buckets_is_bounded() -> None:
    clock = ManualClock()
    buckets = TokenBuckets("address", 1, 1, clock)
    assert acquires(buckets, "first")
    for number in range(KNOWN_CLIENTS):
        clock.seconds += 1
        assert acquires(buckets, f"client {number}")
    assert buckets.known_clients == KNOWN_CLIENTS


def test_a_client_has_a_limited_number_of_slots() -> None:
    in_flight = ConcurrencyLimiter(2)
    with in_flight.slot("anna"), in_flight.slot("anna"), in_flight.slot("bert"):
        with pytest.raises(TooManyRequests) as refused, in_flight.slot("anna"):
            pass
        assert refused.value.details["limit"] == "viewer_requests"
    with in_flight.slot("anna"), in_flight.slot("anna"):
        pass
