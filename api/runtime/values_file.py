"""Applies the mounted values file, or a mounted folder of values files.

A plan with hazards is refused, because no user is there to acknowledge them; `interlock apply` can,
and a reload with query parameters.
If several servers mount the same file, the first one applies it and the others find no changes.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge

from api.files import layers_digest, read_layer
from engine.errors import InterlockError, InvalidInput, LockHeld, RefusedByGuard
from engine.storage.postgres.database import Database
from engine.vocabulary import SYSTEM
from reconciler.allowances import NO_ALLOWANCES, Allowances
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import Desired, read_desired
from reconciler.plan import Plan
from reconciler.planner import make_plan
from reconciler.values import ValuesInput


class ApplyOutcome(StrEnum):
    """The result of an attempt to apply the values file."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    INVALID = "invalid"
    LOCKED = "locked"
    FAILED = "failed"


_OUTCOMES: Final[Mapping[type[InterlockError], ApplyOutcome]] = {
    RefusedByGuard: ApplyOutcome.REFUSED,
    InvalidInput: ApplyOutcome.INVALID,
    LockHeld: ApplyOutcome.LOCKED,
}
"""The outcome for each error. Other errors are failures, which can be temporary."""
_APPLIED: Final = frozenset({ApplyOutcome.APPLIED, ApplyOutcome.UNCHANGED})
FINAL_OUTCOMES: Final = _APPLIED | {ApplyOutcome.REFUSED, ApplyOutcome.INVALID}
"""The outcomes after which the same content is not attempted again."""


class ValuesMetrics:
    """The Prometheus metrics of the mounted values file."""

    def __init__(self) -> None:
        self._attempts = Counter(
            "interlock_reconciliations",
            "Attempts to apply the mounted values file.",
            ["outcome"],
            registry=None,
        )
        self._applied = Gauge(
            "interlock_values_applied",
            "1 if the mounted values file is applied, 0 if it is not.",
            registry=None,
        )
        self.collectors = (self._attempts, self._applied)
        for outcome in ApplyOutcome:
            self._attempts.labels(outcome)

    def count(self, outcome: ApplyOutcome) -> None:
        """Count an attempt, and update whether the file is applied."""
        self._attempts.labels(outcome).inc()
        if outcome in FINAL_OUTCOMES:
            self.set_applied(is_applied=outcome in _APPLIED)

    def set_applied(self, *, is_applied: bool) -> None:
        """Set whether the file is applied."""
        self._applied.set(is_applied)


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """A values file, or a folder of them, that is applied as `system`.

    Attributes:
        key: the key of the chart in the file; empty if `ticketing:` is at the top level.

    """

    database: Database
    file: Path
    key: str = ""
    metrics: ValuesMetrics = field(default_factory=ValuesMetrics)

    async def reload(
        self,
        allowed: Allowances = NO_ALLOWANCES,
        *,
        wait: bool = False,
        key: str | None = None,
    ) -> Plan:
        """Apply the current content of the file, and return the plan that was applied.

        Args:
            allowed: the acknowledged hazards.
            key: the name of the API key of the request, if a request causes this.
            wait: wait for another reconciliation to finish, instead of raising LockHeld.

        Raises:
            InvalidInput: the file can't be read, or (InvalidDeclaration) has errors.
            RefusedByGuard: the plan has hazards that are not acknowledged.
            LockHeld: another reconciliation is running.

        """
        try:
            desired, source = await asyncio.to_thread(self._read)
            source = source if key is None else with_api_key(source, key)
            request = ApplyRequest(SYSTEM, allowed, wait=wait)
            plan = await reconcile(self.database, desired, request, source)
        except Exception as error:
            self.metrics.count(outcome_of(error))
            raise
        self.metrics.count(ApplyOutcome.UNCHANGED if plan.is_empty else ApplyOutcome.APPLIED)
        return plan

    async def plan(self) -> Plan:
        """Return the plan that would apply the current content of the file.

        Raises:
            InvalidInput: the file can't be read, or (InvalidDeclaration) has errors.

        """
        desired, source = await asyncio.to_thread(self._read)
        async with self.database.snapshot() as session:
            return await make_plan(session, desired, source)

    async def is_applied(self) -> bool:
        """Return whether the database matches the file; it does if a user has applied it."""
        plan = await self.plan()
        self.metrics.set_applied(is_applied=plan.is_empty)
        return plan.is_empty

    def _read(self) -> tuple[Desired, str]:
        """Return the desired resources, and the path and digest of the file as their source."""
        layer = read_layer(self.file)
        desired = read_desired(ValuesInput([layer], key=self.key))
        return desired, f"{self.file}@sha256:{layers_digest([layer])}"


def with_api_key(source: str, key: str) -> str:
    """Return the source of a reconciliation by `system`, with the API key that caused it."""
    return f"{source} with API key {key}"


def outcome_of(error: Exception) -> ApplyOutcome:
    """Return the outcome of an attempt that raised an error."""
    outcomes = (outcome for kind, outcome in _OUTCOMES.items() if isinstance(error, kind))
    return next(outcomes, ApplyOutcome.FAILED)
