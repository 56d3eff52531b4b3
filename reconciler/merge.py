"""Merges values as Helm does, and keeps where each of them was written. Pure.

Nothing is changed in place, because YAML aliases share values.
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
    """One step of the path of an assignment: a key, or an index in a list."""

    name: str | int
    offset: Offset


class Located(NamedTuple):
    """A value, and where it was written."""

    value: Value
    node: Node


class InvalidAssignment(ValueError):
    """An assignment has a syntax error, or does not fit the values."""

    def __init__(self, message: str, offset: Offset) -> None:
        super().__init__(message)
        self.offset = offset


def merge(lower: MappingNode, upper: MappingNode) -> MappingNode:
    """Merge two mappings: nested mappings are merged, any other value of `upper` wins."""
    value, children = {**lower.value, **upper.value}, {**lower.children, **upper.children}
    for key, above in upper.children.items():
        below = lower.children.get(key)
        if isinstance(below, MappingNode) and isinstance(above, MappingNode):
            node = merge(below, above)
            value[key], children[key] = node.value, node
    return MappingNode(value, upper.span, children)


def assign(here: Located | None, steps: tuple[Step, ...], new: Located) -> Located:
    """Return a value with a new value at the end of a path.

    Mappings and lists that are missing on the path are created.

    Raises:
        InvalidAssignment: a step does not fit the value that it leads into.

    """
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(step.name, str):
        return _assign_in_mapping(here, step.name, step, rest, new)
    return _assign_in_list(here, step.name, step, rest, new)


def _assign_in_mapping(
    here: Located | None, key: str, step: Step, rest: tuple[Step, ...], new: Located
) -> Located:
    node = here.node if here else MappingNode({}, step.offset, {})
    if not isinstance(node, MappingNode):
        raise _mismatch(here, step, "a mapping")
    below = Located(node.value[key], node.children[key]) if key in node.children else None
    inner = assign(below, rest, new)
    child = with_span(inner.node, step.offset << OFFSET_BITS | value_offset(inner.node))
    value = {**node.value, key: inner.value}
    return Located(value, MappingNode(value, node.span, {**node.children, key: child}))


def _assign_in_list(
    here: Located | None, index: int, step: Step, rest: tuple[Step, ...], new: Located
) -> Located:
    """Return a list with a new value for one of its items, or with one more item."""
    node = here.node if here else ListNode([], step.offset, [])
    if not isinstance(node, ListNode):
        raise _mismatch(here, step, "a list")
    if index > len(node.children):
        message = (
            f"[{index}] would leave a gap; the next item of this list is [{len(node.children)}]."
        )
        raise InvalidAssignment(message, step.offset)
    below = Located(node.value[index], node.children[index]) if index < len(node.children) else None
    inner = assign(below, rest, new)
    value, children = [*node.value], [*node.children]
    value[index : index + 1], children[index : index + 1] = [inner.value], [inner.node]
    return Located(value, ListNode(value, node.span, children))


def _mismatch(here: Located | None, step: Step, required: str) -> InvalidAssignment:
    actual = describe_value(here.value if here else None)
    name = f"[{step.name}]" if isinstance(step.name, int) else describe_value(step.name)
    return InvalidAssignment(f"{name} can't be set in {actual}; it needs {required}.", step.offset)
