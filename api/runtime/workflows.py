"""The workflows, as this process last read them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.errors import InterlockError, NotFound, PositionLost, Unavailable
from engine.storage.postgres.database import Database
from engine.storage.postgres.databases import Databases
from engine.storage.resources.reconciliations import ReconciliationPosition, check_reconciliation
from engine.storage.resources.workflows import StoredWorkflows, read_workflows
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.registry import Registry


class WorkflowsChanged(NamedTuple):
    """Workflows that a reconciliation changed, and the position after the change."""

    workflows: list[CompiledWorkflow]
    position: ReconciliationPosition


class WorkflowsUnavailable(Unavailable):
    """The workflows cannot be read now. Subscribe again after the position that you got last."""


@dataclass(slots=True)
class WorkflowCache:
    """The workflows for display and explanation; the database enforces its own copy.

    Attributes:
        enforced: the workflows that were last read, replaced as a whole.

    """

    databases: Databases
    enforced: StoredWorkflows
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _interruptions: int = 0
    _interruption: type[InterlockError] = WorkflowsUnavailable

    @classmethod
    async def read(cls, databases: Databases) -> "WorkflowCache":
        """Return the workflows of a database."""
        return cls(databases, await read_workflows(databases.essential))

    @property
    def registry(self) -> Registry:
        """The workflows by name."""
        return self.enforced.registry

    async def named(self, name: str) -> CompiledWorkflow:
        """Return the workflow of that name; read the workflows again if it is unknown.

        Raises:
            NotFound: no workflow has that name.

        """
        try:
            return self.registry.named(name)
        except NotFound:
            await self._read_again(self.databases.reads)
            return self.registry.named(name)

    async def refresh(self) -> None:
        """Read the workflows again."""
        await self._read_again(self.databases.essential)

    async def _read_again(self, database: Database) -> None:
        before = self.enforced.position
        async with database.snapshot() as session:
            self.enforced = await read_workflows(session)
            if self.enforced.position == before:
                return
            try:
                await check_reconciliation(session, before)
            except PositionLost:
                self.end_subscriptions(PositionLost)
        self._wake_subscribers()

    def end_subscriptions(self, error: type[InterlockError] = WorkflowsUnavailable) -> None:
        """End all subscriptions with an error instead of letting them wait for ever."""
        self._interruptions += 1
        self._interruption = error
        self._wake_subscribers()

    def _wake_subscribers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def changes(
        self, after: ReconciliationPosition | None
    ) -> AsyncGenerator[WorkflowsChanged, None]:
        """Yield the workflows that change after a position (default: now), without end.

        A slow consumer gets several changes as one.

        Raises:
            WorkflowsUnavailable: the workflows could not be read for too long.
            PositionLost: the database lost reconciliations.

        """
        position, interruptions = after or self.enforced.position, self._interruptions
        while True:
            while self.enforced.position.number <= position.number:
                await self._changed.wait()
                if self._interruptions > interruptions:
                    raise self._interruption
            changed, position = self.enforced.after(position), self.enforced.position
            yield WorkflowsChanged(changed, position)
