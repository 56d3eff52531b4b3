"""The workflows as this process knows them: immutable, swapped in one step."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.errors import NotFound
from engine.storage.postgres.database import Database
from engine.storage.resources.workflows import EnforcedWorkflows, Standing, read_workflows
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.registry import Registry


class WorkflowsChanged(NamedTuple):
    """Workflows that were reconciled, as they now are, and where to go on after them."""

    workflows: list[CompiledWorkflow]
    standing: Standing


@dataclass(slots=True)
class LiveWorkflows:
    """The workflows of a running server. It shows and explains; the database enforces.

    Attributes:
        enforced: the latest that were read.

    """

    database: Database
    enforced: EnforcedWorkflows
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def read(cls, database: Database) -> "LiveWorkflows":
        """Return the workflows of a database."""
        return cls(database, await read_workflows(database))

    @property
    def registry(self) -> Registry:
        """The workflows by name."""
        return self.enforced.registry

    async def named(self, name: str) -> CompiledWorkflow:
        """Return the workflow of that name; one that is not known yet is looked for again.

        Raises:
            NotFound: there is none.

        """
        try:
            return self.registry.named(name)
        except NotFound:
            await self.refresh()
            return self.registry.named(name)

    async def refresh(self) -> None:
        """Read the workflows again."""
        before, self.enforced = self.enforced, await read_workflows(self.database)
        if self.enforced.standing > before.standing:
            news, self._news = self._news, asyncio.Event()
            news.set()

    async def changes(self, after: Standing | None) -> AsyncGenerator[WorkflowsChanged, None]:
        """Yield the workflows that are reconciled after a standing, or from now on; for ever.

        Whoever takes their time gets several changes as one.
        """
        standing = after or self.enforced.standing
        while True:
            while self.enforced.standing <= standing:
                await self._news.wait()
            changed, standing = self.enforced.after(standing), self.enforced.standing
            yield WorkflowsChanged(changed, standing)
