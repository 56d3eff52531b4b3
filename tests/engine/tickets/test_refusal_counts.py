"""Refused transitions are counted in bounded memory."""

from engine.errors import ForbiddenTransition
from engine.tickets.refusal_counts import Refusal, RefusalCounts


def refused(workflow: str) -> ForbiddenTransition:
    facts = {"workflow": workflow, "from": "OPEN", "to": "CLOSED", "reason": "role_required"}
    return ForbiddenTransition(**facts)


def counted(workflow: str) -> Refusal:
    return Refusal(workflow, "OPEN", "CLOSED", "role_required")


def test_counts_are_taken_once() -> None:
    counts = RefusalCounts()
    for name in ("a", "b", "a"):
        counts.add(refused(name))
    assert counts.take() == {counted("a"): 2, counted("b"): 1}
    assert counts.take() == {}


def test_counts_that_were_put_back_are_added_to_later_ones() -> None:
    counts = RefusalCounts()
    counts.add(refused("a"))
    taken = counts.take()
    counts.add(refused("a"))
    counts.put_back(taken)
    assert counts.take() == {counted("a"): 2}


def test_more_different_refusals_than_the_bound_are_not_counted() -> None:
    counts = RefusalCounts(most=1)
    for name in ("a", "b", "a"):
        counts.add(refused(name))
    counts.put_back({counted("c"): 1})
    assert counts.take() == {counted("a"): 2}
