"""The workflows as this process knows them: an immutable registry, swapped in one step."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from engine.errors import NotFound
from engine.storage.database import Database
from engine.storage.workflows import read_registry
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.registry import Registry


@dataclass(slots=True)
class LiveWorkflows:
    """The registry of a running server. It shows and explains; what is enforced is the database's.

    Attributes:
        registry: the latest one that was read.

    """

    database: Database
    registry: Registry
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def read(cls, database: Database) -> "LiveWorkflows":
        """Return the workflows of a database."""
        return cls(database, await read_registry(database))

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
        """Read the registry again."""
        before, self.registry = self.registry, await read_registry(self.database)
        if self.registry != before:
            news, self._news = self._news, asyncio.Event()
            news.set()

    async def changes(self) -> AsyncGenerator[list[CompiledWorkflow], None]:
        """Yield the workflows that are others than they were, whenever some are; for ever.

        Whoever takes their time gets several changes as one.
        """
        known = self.registry.workflows
        while True:
            while self.registry.workflows == known:
                await self._news.wait()
            before, known = known, self.registry.workflows
            yield [each for name, each in known.items() if each != before.get(name)]
