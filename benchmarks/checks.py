"""One permission check against a bare look-up, and against the machines of two libraries."""

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice, product
from typing import Any, Final, TypeAlias

from statemachine import StateChart
from transitions import Machine

from benchmarks.tables import Comparison
from benchmarks.timing import medians
from engine.declaration.defaults import default_workflows
from engine.vocabulary import ROLE_COMBINATIONS, STATUSES, ActorRoles, Status
from engine.workflows.compiler import compile_workflow
from engine.workflows.interop import (
    Guards,
    event_name,
    machine_of,
    machine_permits,
    statechart_of,
    statechart_permits,
)
from engine.workflows.policy import permits

Question: TypeAlias = tuple[Status, Status, ActorRoles]
Ask: TypeAlias = Callable[[Status, Status, ActorRoles], bool]

POLICY: Final = compile_workflow(default_workflows()[2]).policy
QUESTIONS: Final = tuple(product(STATUSES, STATUSES, ROLE_COMBINATIONS))
CHECKS: Final = tuple(islice(cycle(QUESTIONS), 200_000))
CHECKS_OF_MACHINES: Final = CHECKS[: len(QUESTIONS)]


def checking() -> list[Comparison]:
    """Time the check in turn with everything that could be asked instead."""
    ways = machines()
    known = {question: permits(POLICY, *question) for question in QUESTIONS}
    works = [partial(ask_machine, way) for way in ways.values()]
    ours, bare, *theirs = medians(lambda: ask(POLICY), lambda: look_up(known), *works)
    check = ours / len(CHECKS)
    rows = [row(check, "dict look-up by the same three", bare / len(CHECKS))]
    rows += [
        row(check, name, total / len(CHECKS_OF_MACHINES))
        for name, total in zip(ways, theirs, strict=True)
    ]
    return rows


def row(ours: float, reference: str, its: float) -> Comparison:
    """Return a row of two times in seconds."""
    ratio = f"{ours / its:.2f}" if ours * 10 > its else f"1/{its / ours:.0f}"
    what = "permits(policy, source, target, actor)"
    return (what, f"{ours * 1e9:.0f} ns", reference, f"{its * 1e9:.0f} ns", ratio)


def ask(policy: int) -> None:
    """Check every question; a plain loop, called as the service calls it."""
    for source, target, actor in CHECKS:
        permits(policy, source, target, actor)


def look_up(known: dict[Question, bool]) -> None:
    """Look every question up, in a loop of the same shape and without a function's call."""
    for source, target, actor in CHECKS:
        known[source, target, actor]


def ask_machine(way: Ask) -> None:
    """Ask a library's machine every question once."""
    for source, target, actor in CHECKS_OF_MACHINES:
        way(source, target, actor)


def machines() -> dict[str, Ask]:
    """Return the ways to ask a library.

    Hydrated: a machine, or the model of a shared machine, is made for the ticket that was read.
    In place: one machine is put into the status of each ticket, which one thread alone may do.
    """
    chart, machine = statechart_of(POLICY), machine_of(POLICY)
    return {
        "python-statemachine, hydrated": partial(statechart_permits, chart),
        "python-statemachine, in place": partial(statechart_in_place, chart()),
        "transitions, machine hydrated": partial(hydrated_machine_permits, POLICY),
        "transitions, model hydrated": partial(model_permits, machine_of(POLICY)),
        "transitions, in place": partial(machine_permits, machine),
    }


def statechart_in_place(
    chart: StateChart[Any], source: Status, target: Status, actor: ActorRoles
) -> bool:
    """Put a machine of python-statemachine into `source` and ask it to move."""
    event = event_name(target)
    if event not in {known.id for known in chart.events}:
        return False
    chart.current_state_value = source.value
    chart.send(event, actor=int(actor))
    return source is not target and bool(chart.current_state_value == target.value)


def hydrated_machine_permits(
    policy: int, source: Status, target: Status, actor: ActorRoles
) -> bool:
    """Make a machine of transitions and ask it."""
    return machine_permits(machine_of(policy), source, target, actor)


def model_permits(machine: Machine, source: Status, target: Status, actor: ActorRoles) -> bool:
    """Give a machine of transitions a model in `source`, ask the model, and let go of it."""
    event = event_name(target)
    if event not in machine.events:
        return False
    model: Any = Guards()
    machine.add_model(model, initial=source.value)
    allowed = bool(model.trigger(event, actor=int(actor)))
    machine.remove_model(model)
    return allowed
