"""Values laid over values, as Helm does it; each goes on knowing where it was written. Pure.

Nothing is changed in place: what an alias repeats is shared.
"""

from typing import NamedTuple

from engine.declaration.scalars import shown
from engine.declaration.source_map import (
    SPOT_BITS,
    ListNode,
    MappingNode,
    Node,
    Offset,
    Value,
    moved,
    spot_of,
)


class Step(NamedTuple):
    """A key, or the index of a list's item, on the way to what is set."""

    name: str | int
    spot: Offset


class Written(NamedTuple):
    """A value and where it was written."""

    value: Value
    part: Node


class WrongAssignment(ValueError):
    """What is to be set is not understood, or does not fit what is there."""

    def __init__(self, message: str, spot: Offset) -> None:
        super().__init__(message)
        self.spot = spot


def merged(lower: MappingNode, upper: MappingNode) -> MappingNode:
    """Return a mapping over another: mappings merge deeply, anything else is replaced."""
    value, parts = {**lower.value, **upper.value}, {**lower.parts, **upper.parts}
    for key, above in upper.parts.items():
        below = lower.parts.get(key)
        if isinstance(below, MappingNode) and isinstance(above, MappingNode):
            node = merged(below, above)
            value[key], parts[key] = node.value, node
    return MappingNode(value, upper.mark, parts)


def assigned(here: Written | None, steps: tuple[Step, ...], new: Written) -> Written:
    """Return what stands here with a new value at the end of the steps.

    Mappings and lists that are missed on the way are made.

    Raises:
        WrongAssignment: a step does not fit what stands there.

    """
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(step.name, str):
        return assigned_in_mapping(here, step.name, step, rest, new)
    return assigned_in_list(here, step.name, step, rest, new)


def assigned_in_mapping(
    here: Written | None, key: str, step: Step, rest: tuple[Step, ...], new: Written
) -> Written:
    """Return a mapping with a new value below one of its keys."""
    node = here.part if here else MappingNode({}, step.spot, {})
    if not isinstance(node, MappingNode):
        raise misfit(here, step, "a mapping")
    below = Written(node.value[key], node.parts[key]) if key in node.parts else None
    inner = assigned(below, rest, new)
    part = moved(inner.part, step.spot << SPOT_BITS | spot_of(inner.part))
    value = {**node.value, key: inner.value}
    return Written(value, MappingNode(value, node.mark, {**node.parts, key: part}))


def assigned_in_list(
    here: Written | None, index: int, step: Step, rest: tuple[Step, ...], new: Written
) -> Written:
    """Return a list with a new value at one of its items, or with an item more."""
    node = here.part if here else ListNode([], step.spot, [])
    if not isinstance(node, ListNode):
        raise misfit(here, step, "a list")
    if index > len(node.parts):
        message = f"[{index}] would leave a gap; the next item of this list is [{len(node.parts)}]."
        raise WrongAssignment(message, step.spot)
    below = Written(node.value[index], node.parts[index]) if index < len(node.parts) else None
    inner = assigned(below, rest, new)
    value, parts = [*node.value], [*node.parts]
    value[index : index + 1], parts[index : index + 1] = [inner.value], [inner.part]
    return Written(value, ListNode(value, node.mark, parts))


def misfit(here: Written | None, step: Step, wanted: str) -> WrongAssignment:
    """Return the refusal of a step that needs something else to stand here."""
    found = shown(here.value if here else None)
    name = f"[{step.name}]" if isinstance(step.name, int) else shown(step.name)
    return WrongAssignment(f"{name} can't be set in {found}; it takes {wanted}.", step.spot)
