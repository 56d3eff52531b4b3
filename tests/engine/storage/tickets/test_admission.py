"""Changes of one viewer, and of one ticket, wait for each other; those of others do not."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import ClassVar, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.errors import Overloaded, TooManyRequests
from engine.storage.postgres.slots import KeyedSlots, WaitBounds
from engine.storage.tickets.admission import QUICK_SECONDS, SUBJECT_CHANGES, Admission

VIEWER_CHANGES: Final = 2
VIEWER_WAITING: Final = 2
TICKET_WAITING: Final = 3
FOREVER: Final = 3_600.0
TURNS: Final = 8
"""More turns of the event loop than it takes to admit a change after another one."""

VIEWERS = st.sampled_from(["anna", "marton", "ada"])
TICKETS = st.sampled_from(["tk_1", "tk_2", None])


def new_admission(seconds: float = FOREVER) -> Admission:
    return Admission(
        KeyedSlots(VIEWER_CHANGES, WaitBounds(VIEWER_WAITING, seconds)),
        KeyedSlots(SUBJECT_CHANGES, WaitBounds(TICKET_WAITING, seconds)),
    )


class Change:
    """A task that is admitted, and stays so until it may end."""

    def __init__(self, viewer: str, ticket: str | None) -> None:
        self.viewer = viewer
        self.ticket = ticket
        self.is_admitted = False
        self.may_end = asyncio.Event()

    async def run(self, admission: Admission) -> None:
        async with admission.admit(self.viewer, self.ticket):
            self.is_admitted = True
            try:
                await self.may_end.wait()
            finally:
                self.is_admitted = False


class AdmissionMachine(RuleBasedStateMachine):
    """Random changes come, end, and are cancelled."""

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.admission = new_admission()
        self.tasks: dict[Change, asyncio.Task[None]] = {}
        """The changes that neither ended nor were refused, in the order in which they came."""

    def run_loop(self) -> None:
        async def turn() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turn())

    @rule(viewer=VIEWERS, ticket=TICKETS)
    def come(self, viewer: str, ticket: str | None) -> None:
        of_viewer = sum(each.viewer == viewer for each in self.tasks)
        change = Change(viewer, ticket)
        task = self.loop.create_task(change.run(self.admission))
        self.run_loop()
        if not task.done():
            self.tasks[change] = task
        elif isinstance(task.exception(), TooManyRequests):
            assert of_viewer == VIEWER_CHANGES + VIEWER_WAITING
        else:
            assert isinstance(task.exception(), Overloaded)

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), is_cancelled=st.booleans())
    def end(self, data: st.DataObject, *, is_cancelled: bool) -> None:
        change = data.draw(st.sampled_from(list(self.tasks)))
        if is_cancelled:
            self.tasks.pop(change).cancel()
        elif change.is_admitted:
            self.tasks.pop(change)
            change.may_end.set()
        self.run_loop()
        refused = [each for each, task in self.tasks.items() if task.done()]
        for each in refused:  # it got the slot of its viewer, and the queue of its ticket was full
            assert isinstance(self.tasks.pop(each).exception(), Overloaded)

    @invariant()
    def no_bound_is_exceeded(self) -> None:
        for viewer in {each.viewer for each in self.tasks}:
            mine = [each for each in self.tasks if each.viewer == viewer]
            assert sum(each.is_admitted for each in mine) <= VIEWER_CHANGES
            assert len(mine) <= VIEWER_CHANGES + VIEWER_WAITING
        for ticket in {each.ticket for each in self.tasks} - {None}:
            assert (
                sum(each.is_admitted for each in self.tasks if each.ticket == ticket)
                <= SUBJECT_CHANGES
            )

    @invariant()
    def a_change_waits_only_for_another_one(self) -> None:
        for change in self.tasks:
            others = [each for each in self.tasks if each is not change]
            of_viewer = [each for each in others if each.viewer == change.viewer]
            of_ticket = [each for each in others if each.ticket == change.ticket]
            waits_for_viewer = len(of_viewer) >= VIEWER_CHANGES
            waits_for_ticket = any(each.is_admitted for each in of_ticket) and change.ticket
            assert change.is_admitted or waits_for_viewer or waits_for_ticket

    def teardown(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        self.run_loop()
        for slots in (self.admission.viewers, self.admission.subjects):
            assert (slots.keys, slots.waiting) == (0, 0)


def test_no_bound_is_exceeded_and_no_slot_is_lost() -> None:
    AdmissionMachine.loop = asyncio.new_event_loop()
    try:
        run_state_machine_as_test(AdmissionMachine, settings=settings(deadline=None))
    finally:
        AdmissionMachine.loop.close()


async def refusal_of(
    admission: Admission, viewer: str, ticket: str | None = None
) -> dict[str, object]:
    with pytest.raises((Overloaded, TooManyRequests)) as refusal:
        async with admission.admit(viewer, ticket):
            pass
    return {**refusal.value.details, "retry_after": None}


async def test_a_refusal_names_the_limit() -> None:
    admission = new_admission(seconds=0)
    no_queue = Admission.bounded(9, WaitBounds(0, FOREVER), WaitBounds(0, FOREVER))
    async with admission.admit("anna", "tk_1"), admission.admit("anna"):
        assert await refusal_of(admission, "anna") == {
            "limit": "viewer_changes",
            "bound": VIEWER_CHANGES,
            "retry_after": None,
        }
        assert await refusal_of(admission, "marton", "tk_1") == {
            "limit": "wait_seconds",
            "bound": 0,
            "retry_after": None,
        }
    async with no_queue.admit("anna", "tk_1"):
        assert await refusal_of(no_queue, "marton", "tk_1") == {
            "limit": "ticket_waiters",
            "bound": 0,
            "retry_after": None,
        }


async def test_changes_of_other_tickets_and_viewers_do_not_wait() -> None:
    admission = new_admission()
    async with (
        admission.admit("anna", "tk_1"),
        admission.admit("anna", "tk_2"),
        admission.admit("marton", "tk_3"),
        admission.admit("marton"),
    ):
        assert (admission.viewers.keys, admission.subjects.keys) == (2, 3)
    assert (admission.viewers.keys, admission.subjects.keys) == (0, 0)


@pytest.mark.parametrize(
    ("connections", "at_first", "at_most"), [(9, 3, 8), (7, 2, 6), (2, 1, 1), (1, 1, 1)]
)
def test_a_viewer_gets_a_part_of_the_connections(
    connections: int, at_first: int, at_most: int
) -> None:
    bounds = WaitBounds(VIEWER_WAITING, FOREVER)
    admission = Admission.bounded(connections, bounds, bounds)
    assert (admission.viewers.size, admission.viewers.size_max) == (at_first, at_most)
    assert (admission.subjects.size, admission.subjects.size_max) == (1, 1)


@pytest.mark.parametrize(("seconds", "more"), [(QUICK_SECONDS / 2, 1), (QUICK_SECONDS, 0)])
async def test_a_quick_change_lets_a_viewer_make_more_changes_at_a_time(
    seconds: float, more: int
) -> None:
    bounds = WaitBounds(tasks=0, seconds=FOREVER)
    now = [0.0]
    admission = replace(Admission.bounded(9, bounds, bounds), clock=lambda: now[0])
    async with AsyncExitStack() as changes:
        for _ in range(2):
            await changes.enter_async_context(admission.admit("anna"))
        async with admission.admit("anna"):
            now[0] += seconds
        for _ in range(1 + more):
            await changes.enter_async_context(admission.admit("anna"))
        assert (await refusal_of(admission, "anna"))["limit"] == "viewer_changes"
