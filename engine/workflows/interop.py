"""To and from the state machines of python-statemachine and transitions."""

from types import new_class
from typing import Any, Final, cast

from statemachine import State, StateChart
from statemachine.transition_list import TransitionList
from transitions import EventData, Machine

from engine.vocabulary import ROLE_BITS, STATUSES, ActorRoles, Role, Status
from engine.workflows.policy import Policy, policy_of, transitions_of

CLASS_NAME: Final = "DeclaredWorkflow"
"""One name for every class: python-statemachine's registry keeps each distinct name for ever."""


def event_name(target: Status) -> str:
    """Return the name of the event that asks for a move to `target`."""
    return f"to_{target.lower()}"


# --- python-statemachine ------------------------------------------------------------------------


def statechart_of(policy: int) -> type[StateChart[Any]]:
    """Return a python-statemachine class that makes exactly the transitions of `policy`.

    Send `to_<status>` with `actor=<ActorRoles>`; the declared role is the guard.
    """
    states = {
        status: State(status, value=status.value, initial=status is Status.OPEN)
        for status in STATUSES
    }
    moves = transitions_of(policy)
    body: dict[str, object] = {status.lower(): state for status, state in states.items()}
    for target in STATUSES:
        arriving = [(source, role) for source, to, role in moves if to is target]
        if arriving:
            body[event_name(target)] = arrivals(states, target, arriving)
    return cast(
        "type[StateChart[Any]]",
        new_class(CLASS_NAME, (DeclaredStates,), exec_body=lambda space: space.update(body)),
    )


class DeclaredStates(StateChart[Any]):
    """The guards, one a declared role; and no demand on the shape, which `lint` judges."""

    validate_trap_states = False
    validate_final_reachability = False
    validate_disconnected_states = False
    catch_errors_as_events = False

    def assignee(self, actor: int) -> bool:
        """Tell whether the actor is the assignee."""
        return bool(actor & ROLE_BITS[Role.ASSIGNEE])

    def requester(self, actor: int) -> bool:
        """Tell whether the actor is the requester."""
        return bool(actor & ROLE_BITS[Role.REQUESTER])

    def any(self, actor: int) -> bool:
        """Tell whether the actor is either of them, or an admin."""
        return bool(actor & ROLE_BITS[Role.ANY])


def arrivals(
    states: dict[Status, State], target: Status, arriving: list[tuple[Status, Role]]
) -> TransitionList:
    """Return the transitions into `target` as python-statemachine has them."""
    moves = TransitionList()
    for source, role in arriving:
        moves = moves | states[source].to(states[target], cond=role.value)
    return moves


def statechart_permits(
    chart: type[StateChart[Any]], source: Status, target: Status, actor: ActorRoles
) -> bool:
    """Ask a machine that stands in `source` to move to `target`, and tell whether it did."""
    machine = chart(start_value=source.value)
    if event_name(target) not in {event.id for event in machine.events}:
        return False
    machine.send(event_name(target), actor=int(actor))
    return source is not target and set(machine.configuration_values) == {target.value}


def policy_of_statechart(chart: type[StateChart[Any]]) -> Policy:
    """Return the policy of a class that `statechart_of` made, or one of the same form."""
    return policy_of(
        (Status(state.value), Status(move.target.value), Role(str(next(iter(move.cond)).func)))
        for state in chart.states
        for move in state.transitions
    )


# --- transitions --------------------------------------------------------------------------------


def machine_of(policy: int) -> Machine:
    """Return a `transitions` machine that makes exactly the transitions of `policy`.

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
    """The model of a `transitions` machine: a guard a declared role."""

    def assignee(self, event: EventData) -> bool:
        """Tell whether the actor is the assignee."""
        return bool(event.kwargs["actor"] & ROLE_BITS[Role.ASSIGNEE])

    def requester(self, event: EventData) -> bool:
        """Tell whether the actor is the requester."""
        return bool(event.kwargs["actor"] & ROLE_BITS[Role.REQUESTER])

    def any(self, event: EventData) -> bool:
        """Tell whether the actor is either of them, or an admin."""
        return bool(event.kwargs["actor"] & ROLE_BITS[Role.ANY])


def machine_permits(machine: Machine, source: Status, target: Status, actor: ActorRoles) -> bool:
    """Put the machine into `source`, ask it to move to `target`, and tell whether it did."""
    if event_name(target) not in machine.events:
        return False
    machine.set_state(source.value)
    return bool(cast("Any", machine.model).trigger(event_name(target), actor=int(actor)))


def policy_of_machine(machine: Machine) -> Policy:
    """Return the policy of a machine that `machine_of` made, or one of the same form."""
    return policy_of(
        (Status(move.source), Status(str(move.dest)), Role(str(move.conditions[0].func)))
        for event in machine.events.values()
        for moves in event.transitions.values()
        for move in moves
    )
