"""One permission check, compared with a dict look-up and with the machines of two libraries."""

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


def compare_checks() -> list[Comparison]:
    """Time the check, the dict look-up and the machines in turn."""
    machines = ask_functions()
    known = {question: permits(POLICY, *question) for question in QUESTIONS}
    works = [partial(ask_machine, each) for each in machines.values()]
    ours, bare, *theirs = medians(lambda: ask(POLICY), lambda: look_up(known), *works)
    check = ours / len(CHECKS)
    rows = [row(check, "dict look-up with the same key", bare / len(CHECKS))]
    rows += [
        row(check, name, total / len(CHECKS_OF_MACHINES))
        for name, total in zip(machines, theirs, strict=True)
    ]
    return rows


def row(ours: float, reference: str, its: float) -> Comparison:
    """Return a row for two times in seconds."""
    ratio = f"{ours / its:.2f}" if ours * 10 > its else f"1/{its / ours:.0f}"
    what = "permits(policy, source, target, actor)"
    return (what, f"{ours * 1e9:.0f} ns", reference, f"{its * 1e9:.0f} ns", ratio)


def ask(policy: int) -> None:
    """Check all questions as the service does, in a plain loop."""
    for source, target, actor in CHECKS:
        permits(policy, source, target, actor)


def look_up(known: dict[Question, bool]) -> None:
    """Look up all questions in the same loop, without a function call."""
    for source, target, actor in CHECKS:
        known[source, target, actor]


def ask_machine(machine: Ask) -> None:
    """Ask a machine every question once."""
    for source, target, actor in CHECKS_OF_MACHINES:
        machine(source, target, actor)


def ask_functions() -> dict[str, Ask]:
    """Return the functions that ask each library.

    Hydrated: each ticket gets its own machine, or its own model of a shared machine.
    In place: one machine is set to the status of each ticket, which only one thread can do.
    """
    chart, machine = statechart_of(POLICY), machine_of(POLICY)
    return {
        "python-statemachine, hydrated": partial(statechart_permits, chart),
        "python-statemachine, in place": partial(statechart_in_place, chart()),
        "transitions, machine hydrated": lambda *question: machine_permits(
            machine_of(POLICY), *question
        ),
        "transitions, model hydrated": partial(model_permits, machine_of(POLICY)),
        "transitions, in place": partial(machine_permits, machine),
    }


def statechart_in_place(
    chart: StateChart[Any], source: Status, target: Status, actor: ActorRoles
) -> bool:
    """Return whether a machine of python-statemachine moves from `source` to `target`."""
    event = event_name(target)
    if event not in {known.id for known in chart.events}:
        return False
    chart.current_state_value = source.value
    chart.send(event, actor=int(actor))
    return source is not target and bool(chart.current_state_value == target.value)


def model_permits(machine: Machine, source: Status, target: Status, actor: ActorRoles) -> bool:
    """Return whether a new model of a machine of transitions moves from `source` to `target`."""
    event = event_name(target)
    if event not in machine.events:
        return False
    model: Any = Guards()
    machine.add_model(model, initial=source.value)
    allowed = bool(model.trigger(event, actor=int(actor)))
    machine.remove_model(model)
    return allowed
