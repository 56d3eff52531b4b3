"""Values laid over values, as Helm does it; each goes on knowing where it was written. Pure.

Nothing is changed in place: what an alias repeats is shared.
"""

from typing import NamedTuple

from engine.declaration.scalars import describe_value
from engine.declaration.source_map import (
    OFFSET_BITS,
    ListNode,
    MappingNode,
    Node,
    Offset,
    Value,
    value_offset,
    with_span,
)


class Step(NamedTuple):
    """A key, or the index of a list's item, on the way to what is set."""

    name: str | int
    offset: Offset


class Written(NamedTuple):
    """A value and where it was written."""

    value: Value
    node: Node


class WrongAssignment(ValueError):
    """What is to be set is not understood, or does not fit what is there."""

    def __init__(self, message: str, offset: Offset) -> None:
        super().__init__(message)
        self.offset = offset


def merged(lower: MappingNode, upper: MappingNode) -> MappingNode:
    """Return a mapping over another: mappings merge deeply, anything else is replaced."""
    value, children = {**lower.value, **upper.value}, {**lower.children, **upper.children}
    for key, above in upper.children.items():
        below = lower.children.get(key)
        if isinstance(below, MappingNode) and isinstance(above, MappingNode):
            node = merged(below, above)
            value[key], children[key] = node.value, node
    return MappingNode(value, upper.span, children)


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
    node = here.node if here else MappingNode({}, step.offset, {})
    if not isinstance(node, MappingNode):
        raise misfit(here, step, "a mapping")
    below = Written(node.value[key], node.children[key]) if key in node.children else None
    inner = assigned(below, rest, new)
    child = with_span(inner.node, step.offset << OFFSET_BITS | value_offset(inner.node))
    value = {**node.value, key: inner.value}
    return Written(value, MappingNode(value, node.span, {**node.children, key: child}))


def assigned_in_list(
    here: Written | None, index: int, step: Step, rest: tuple[Step, ...], new: Written
) -> Written:
    """Return a list with a new value at one of its items, or with an item more."""
    node = here.node if here else ListNode([], step.offset, [])
    if not isinstance(node, ListNode):
        raise misfit(here, step, "a list")
    if index > len(node.children):
        message = (
            f"[{index}] would leave a gap; the next item of this list is [{len(node.children)}]."
        )
        raise WrongAssignment(message, step.offset)
    below = Written(node.value[index], node.children[index]) if index < len(node.children) else None
    inner = assigned(below, rest, new)
    value, children = [*node.value], [*node.children]
    value[index : index + 1], children[index : index + 1] = [inner.value], [inner.node]
    return Written(value, ListNode(value, node.span, children))


def misfit(here: Written | None, step: Step, wanted: str) -> WrongAssignment:
    """Return the refusal of a step that needs something else to stand here."""
    found = describe_value(here.value if here else None)
    name = f"[{step.name}]" if isinstance(step.name, int) else describe_value(step.name)
    return WrongAssignment(f"{name} can't be set in {found}; it takes {wanted}.", step.offset)
