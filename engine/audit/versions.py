"""The states of declared resources over time. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from engine.resources.resource import Key, Resource

CLOCK_STEP_MAX: Final = timedelta(seconds=5)
"""How far the clock of the database can step back, such as in a fail-over, without a finding."""
BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)
NEVER: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""Times before and after all others, from which `CLOCK_STEP_MAX` can be subtracted or added."""


class DeclaredChange(NamedTuple):
    """A resource as a reconciliation left it."""

    reconciliation: int
    at: datetime
    resource: Resource


class Version(NamedTuple):
    """A state of a resource.

    Attributes:
        reconciliation: the number of the one that left this state.
        resource: None before the first one.

    """

    reconciliation: int
    begin: datetime
    end: datetime
    resource: Resource | None


@dataclass(frozen=True)
class Versions:
    """All states of a resource, oldest first.

    Attributes:
        all: without gaps, from `BEGINNING` to `NEVER`.

    """

    all: tuple[Version, ...] = (Version(0, BEGINNING, NEVER, None),)

    @classmethod
    def of(cls, changes: Iterable[DeclaredChange]) -> "Versions":
        """Return the state before these changes, and the state after each of them."""
        states = [Version(0, BEGINNING, NEVER, None)]
        for change in changes:
            begin = max(states[-1].begin, change.at)
            states[-1] = states[-1]._replace(end=begin)
            states.append(Version(change.reconciliation, begin, NEVER, change.resource))
        return cls(tuple(states))

    @cached_property
    def _begins(self) -> tuple[datetime, ...]:
        return tuple(each.begin for each in self.all)

    def near(self, at: datetime) -> Iterator[Resource | None]:
        """Yield the states at a time, and less than `CLOCK_STEP_MAX` before and after it."""
        index = bisect_right(self._begins, at + CLOCK_STEP_MAX) - 1
        while index >= 0 and self.all[index].end >= at - CLOCK_STEP_MAX:
            yield self.all[index].resource
            index -= 1


def versions_by_key(changes: Iterable[DeclaredChange]) -> Mapping[Key, Versions]:
    """Return the states of each resource that changed."""
    groups: dict[Key, list[DeclaredChange]] = defaultdict(list)
    for change in changes:
        groups[change.resource.key].append(change)
    return {key: Versions.of(each) for key, each in groups.items()}
