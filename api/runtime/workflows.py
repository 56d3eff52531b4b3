"""The workflows, as this process last read them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.errors import NotFound, Unavailable
from engine.storage.postgres.database import Database
from engine.storage.postgres.databases import Databases
from engine.storage.resources.workflows import StoredWorkflows, WorkflowsPosition, read_workflows
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.registry import Registry


class WorkflowsChanged(NamedTuple):
    """Workflows that a reconciliation changed, and the position after the change."""

    workflows: list[CompiledWorkflow]
    position: WorkflowsPosition


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

    @classmethod
    async def read(cls, databases: Databases) -> "WorkflowCache":
        """Return the workflows of a database."""
        return cls(databases, await read_workflows(databases.background))

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
        await self._read_again(self.databases.background)

    async def _read_again(self, database: Database) -> None:
        before, self.enforced = self.enforced, await read_workflows(database)
        if self.enforced.position > before.position:
            self._wake_subscribers()

    def end_subscriptions(self) -> None:
        """End all subscriptions with an error instead of letting them wait for ever."""
        self._interruptions += 1
        self._wake_subscribers()

    def _wake_subscribers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def changes(
        self, after: WorkflowsPosition | None
    ) -> AsyncGenerator[WorkflowsChanged, None]:
        """Yield the workflows that change after a position (default: now), without end.

        A slow consumer gets several changes as one.

        Raises:
            WorkflowsUnavailable: the workflows could not be read for too long.

        """
        position, interruptions = after or self.enforced.position, self._interruptions
        while True:
            while self.enforced.position <= position:
                await self._changed.wait()
                if self._interruptions > interruptions:
                    raise WorkflowsUnavailable
            changed, position = self.enforced.after(position), self.enforced.position
            yield WorkflowsChanged(changed, position)
