"""The hazards that a caller acknowledges, and the command-line options that say so. Pure."""

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class Allowances:
    """The hazards that the caller acknowledges; by default none.

    A number is a bound over all changes of a plan. Its option is `--max-…`, that of a switch is
    `--allow-…`.

    Attributes:
        stranded: how many live tickets a plan can strand or get stuck.
        closed: how many tickets `system` can close for good.
        opened: how many outage tickets `system` can open or re-open.
        breached: for how many tickets `system` can record a missed SLA target.
        abandoned: how many services in an outage a plan can leave without an outage ticket.
        switch_off: whether a plan can switch ticketing off.
        widening: whether a plan can widen rights.
        publishing: whether a plan can show more groups on the public status page.
        many_retired: whether a plan can retire more than 30 % of the active resources of a kind.
        empty: whether values that declare nothing can replace active resources.

    """

    stranded: int = 0
    closed: int = 0
    opened: int = 0
    breached: int = 0
    abandoned: int = 0
    switch_off: bool = False
    widening: bool = False
    publishing: bool = False
    many_retired: bool = False
    empty: bool = False

    def allows(self, name: str, tickets: int) -> bool:
        """Return whether hazards are acknowledged that harm so many tickets in total.

        Args:
            name: the attribute that acknowledges them.
            tickets: how many tickets they harm.

        """
        allowed: int | bool = getattr(self, name)
        return allowed if isinstance(allowed, bool) else tickets <= allowed


NO_ALLOWANCES: Final = Allowances()
BOUNDS: Final = frozenset(each.name for each in fields(Allowances) if each.type is int)
"""The attributes that are numbers; the others are switches."""


def option_of(name: str, tickets: int) -> str:
    """Return the option that sets an attribute: `--max-stranded 15` or `--allow-widening`."""
    words = name.replace("_", "-")
    return f"--max-{words} {tickets}" if name in BOUNDS else f"--allow-{words}"
