"""Conversion to and from the state machines of python-statemachine and transitions."""

from types import new_class
from typing import Any, Final, cast

from statemachine import State, StateChart
from statemachine.transition_list import TransitionList
from transitions import EventData, Machine

from engine.vocabulary import ROLE_BITS, STATUSES, ActorRoles, Role, Status
from engine.workflows.policy import Policy, policy_of, transitions_of

CLASS_NAME: Final = "DeclaredWorkflow"
"""The name of every class, because python-statemachine never forgets a class name."""


def event_name(target: Status) -> str:
    """Return the name of the event that moves a machine to `target`."""
    return f"to_{target.lower()}"


# --- python-statemachine ------------------------------------------------------------------------


def statechart_of(policy: int) -> type[StateChart[Any]]:
    """Return a python-statemachine class with the transitions of a policy.

    Send `to_<status>` with `actor=<ActorRoles>`; the guard of a transition is its declared role.
    """
    states = {
        status: State(status, value=status.value, initial=status is Status.OPEN)
        for status in STATUSES
    }
    events: dict[str, TransitionList] = {}
    for source, target, role in transitions_of(policy):
        event = events.setdefault(event_name(target), TransitionList())
        event.add_transitions(states[source].to(states[target], cond=role.value))
    body = {status.lower(): state for status, state in states.items()} | events
    return cast(
        "type[StateChart[Any]]",
        new_class(CLASS_NAME, (DeclaredStates,), exec_body=lambda space: space.update(body)),
    )


class DeclaredStates(StateChart[Any]):
    """The guards, one for each declared role. Checks of the shape are off: `lint` does them."""

    validate_trap_states = False
    validate_final_reachability = False
    validate_disconnected_states = False
    catch_errors_as_events = False

    def assignee(self, actor: int) -> bool:
        """Return whether the actor is the assignee."""
        return bool(actor & ROLE_BITS[Role.ASSIGNEE])

    def requester(self, actor: int) -> bool:
        """Return whether the actor is the requester."""
        return bool(actor & ROLE_BITS[Role.REQUESTER])

    def any(self, actor: int) -> bool:
        """Return whether the actor is the assignee, the requester or an admin."""
        return bool(actor & ROLE_BITS[Role.ANY])


def statechart_permits(
    chart: type[StateChart[Any]], source: Status, target: Status, actor: ActorRoles
) -> bool:
    """Return whether a machine in `source` moves to `target`."""
    machine = chart(start_value=source.value)
    if event_name(target) not in {event.id for event in machine.events}:
        return False
    machine.send(event_name(target), actor=int(actor))
    return source is not target and set(machine.configuration_values) == {target.value}


def policy_of_statechart(chart: type[StateChart[Any]]) -> Policy:
    """Return the policy of a class that `statechart_of` returned, or of a similar class."""
    return policy_of(
        (Status(state.value), Status(move.target.value), Role(str(next(iter(move.cond)).func)))
        for state in chart.states
        for move in state.transitions
    )


# --- transitions --------------------------------------------------------------------------------


def machine_of(policy: int) -> Machine:
    """Return a `transitions` machine with the transitions of a policy.

    Trigger `to_<status>` on its model with `actor=<ActorRoles>`.
    """
    machine = Machine(
        model=Guards(),
        states=[status.value for status in STATUSES],
        initial=Status.OPEN.value,
        auto_transitions=False,
        send_event=True,
        ignore_invalid_triggers=True,
    )
    for source, target, role in transitions_of(policy):
        machine.add_transition(event_name(target), source.value, target.value, role.value)
    return machine


class Guards:
    """The model of a `transitions` machine. Its guards are one for each declared role."""

    def assignee(self, event: EventData) -> bool:
        """Return whether the actor is the assignee."""
        return bool(event.kwargs["actor"] & ROLE_BITS[Role.ASSIGNEE])

    def requester(self, event: EventData) -> bool:
        """Return whether the actor is the requester."""
        return bool(event.kwargs["actor"] & ROLE_BITS[Role.REQUESTER])

    def any(self, event: EventData) -> bool:
        """Return whether the actor is the assignee, the requester or an admin."""
        return bool(event.kwargs["actor"] & ROLE_BITS[Role.ANY])


def machine_permits(machine: Machine, source: Status, target: Status, actor: ActorRoles) -> bool:
    """Return whether the machine moves from `source` to `target`."""
    if event_name(target) not in machine.events:
        return False
    machine.set_state(source.value)
    return bool(cast("Any", machine.model).trigger(event_name(target), actor=int(actor)))


def policy_of_machine(machine: Machine) -> Policy:
    """Return the policy of a machine that `machine_of` returned, or of a similar machine."""
    return policy_of(
        (Status(move.source), Status(str(move.dest)), Role(str(move.conditions[0].func)))
        for event in machine.events.values()
        for moves in event.transitions.values()
        for move in moves
    )
