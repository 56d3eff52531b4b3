"""The mounted values file: what it declares is brought into force, under the guards.

Nobody is asked here, so what can do harm is refused; `interlock apply` is where somebody says what
is meant. Of several servers with the same file, the first applies it and the others find nothing to
do.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge

from api.files import read_text
from engine.errors import InterlockError, InvalidInput, LockHeld, RefusedByGuard
from engine.storage.postgres.database import Database
from engine.vocabulary import SYSTEM
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import Desired, desired_in
from reconciler.plan import Plan
from reconciler.planner import plan_for


class Outcome(StrEnum):
    """What became of an attempt to bring the file into force."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    INVALID = "invalid"
    LOCKED = "locked"
    FAILED = "failed"


OUTCOMES: Final[Mapping[type[InterlockError], Outcome]] = {
    RefusedByGuard: Outcome.REFUSED,
    InvalidInput: Outcome.INVALID,
    LockHeld: Outcome.LOCKED,
}
"""What a refusal means; whatever else goes wrong is a failure, and the next attempt may succeed."""
IN_FORCE: Final = {
    Outcome.APPLIED: True,
    Outcome.UNCHANGED: True,
    Outcome.REFUSED: False,
    Outcome.INVALID: False,
}
"""Whether the file is in force after an attempt; the other outcomes leave that as it was."""


class ValuesMetrics:
    """What Prometheus is told of the mounted values file."""

    def __init__(self) -> None:
        self._attempts = Counter(
            "interlock_reconciliations",
            "Attempts to bring the mounted values file into force.",
            ["outcome"],
            registry=None,
        )
        self._in_force = Gauge(
            "interlock_values_applied",
            "1 if what the mounted values file declares is in force, 0 if it is not.",
            registry=None,
        )
        self.collectors = (self._attempts, self._in_force)
        for outcome in Outcome:
            self._attempts.labels(outcome)

    def count(self, outcome: Outcome) -> None:
        """Count an attempt, and note what it says of the file."""
        self._attempts.labels(outcome).inc()
        if outcome in IN_FORCE:
            self.note(is_in_force=IN_FORCE[outcome])

    def note(self, *, is_in_force: bool) -> None:
        """Note whether the file is in force."""
        self._in_force.set(is_in_force)


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """One values file, applied as `system`.

    Attributes:
        key: where the chart sits in the file; empty if `ticketing:` stands at the top.

    """

    database: Database
    file: Path
    key: str = ""
    metrics: ValuesMetrics = field(default_factory=ValuesMetrics)

    async def reload(self, *, wait: bool = False) -> Plan:
        """Bring into force what the file declares now, and return the plan that did it.

        Args:
            wait: wait for another who reconciles, rather than refuse.

        Raises:
            InvalidInput: the file can't be read, or (InvalidDeclaration) what it says is wrong.
            RefusedByGuard: it can do harm.
            LockHeld: another reconciles.

        """
        try:
            plan = await self._reconciled(wait=wait)
        except Exception as error:
            self.metrics.count(outcome_of(error))
            raise
        self.metrics.count(Outcome.UNCHANGED if plan.is_empty else Outcome.APPLIED)
        return plan

    async def check(self) -> bool:
        """Tell whether the file is in force, e.g. because somebody applied what is refused here."""
        desired, source = await asyncio.to_thread(self._read)
        async with self.database.snapshot() as session:
            plan = await plan_for(session, desired, source)
        self.metrics.note(is_in_force=plan.is_empty)
        return plan.is_empty

    async def _reconciled(self, *, wait: bool) -> Plan:
        desired, source = await asyncio.to_thread(self._read)
        return await reconcile(self.database, desired, ApplyRequest(SYSTEM, wait=wait), source)

    def _read(self) -> tuple[Desired, str]:
        """Return what the file asks for, and its path and digest as the source for the record."""
        text = read_text(self.file)
        desired = desired_in([(str(self.file), text)], key=self.key)
        return desired, f"{self.file}@sha256:{sha256(text.encode()).hexdigest()}"


def outcome_of(error: Exception) -> Outcome:
    """Return what became of an attempt that ended in an error."""
    kinds = (outcome for kind, outcome in OUTCOMES.items() if isinstance(error, kind))
    return next(kinds, Outcome.FAILED)
