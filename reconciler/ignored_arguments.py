"""Finds `--set` arguments without effect, because their paths do not lead into the section."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from engine import limits
from engine.declaration.diagnostics import dotted
from engine.declaration.models import SECTION, Ticketing
from engine.declaration.scalars import describe_value
from engine.declaration.source_map import Source
from engine.findings import Finding, did_you_mean
from engine.invisible_characters import strip_invisible
from reconciler.merge import InvalidAssignment, Step
from reconciler.set_values import parse_assignments
from reconciler.values import ValuesInput, argument_name, keys_of

_FIELDS: Final = frozenset(str(each.alias) for each in Ticketing.model_fields.values())
"""The keys of the section."""


def ignored_arguments(values: ValuesInput) -> Iterator[Finding]:
    """Yield a finding for each assignment that has no effect."""
    section = (*keys_of(values.key), SECTION)
    arguments = [("--set", each) for each in values.set_values]
    arguments += [("--set-string", each) for each in values.set_strings]
    for option, argument in arguments:
        source = Source(argument, argument_name(option, argument))
        with suppress(InvalidAssignment):  # reading the values reports it
            for steps, _ in parse_assignments(source, str):
                if not _leads_into(steps, section):
                    at = source.location(steps[0].offset)
                    yield Finding("ignored_assignment", _message(steps, section), at)


def _leads_into(steps: Sequence[Step], section: tuple[str, ...]) -> bool:
    return all(step.name == key for step, key in zip(steps, section, strict=False))


def _message(steps: Sequence[Step], section: tuple[str, ...]) -> str:
    """Return the message for an ignored assignment, with the path that the user probably means."""
    names = tuple(step.name for step in steps)
    message = f"{describe_value(dotted(names))} is not in {dotted(section)}, so it has no effect."
    first = strip_invisible(str(names[0]))
    if first in _FIELDS:
        return f"{message} Did you mean {dotted((*section, first, *names[1:]))!r}?"
    if first == SECTION:
        return f"{message} Did you mean {dotted((*section, *names[1:]))!r}?"
    return message + did_you_mean(first[: limits.NAME_CHARACTERS], section)
