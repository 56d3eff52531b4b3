"""The workflows as this process knows them: an immutable registry, swapped in one step."""

import asyncio
from dataclasses import dataclass
from typing import Final, NoReturn

import structlog

from engine.errors import InterlockError, NotFound
from engine.storage.workflow_store import WorkflowStore
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.registry import Registry

REFRESH_SECONDS: Final = 5

log: Final = structlog.get_logger(component="workflows")


@dataclass(slots=True)
class LiveWorkflows:
    """The registry of a running server. It shows and explains; what is enforced is the database's.

    Attributes:
        registry: the latest one that was read.

    """

    store: WorkflowStore
    registry: Registry

    @classmethod
    async def read(cls, store: WorkflowStore) -> "LiveWorkflows":
        """Return the workflows of a database."""
        return cls(store, await store.registry())

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
        self.registry = await self.store.registry()

    async def keep_fresh(self) -> NoReturn:
        """Read the registry again every few seconds, for ever."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except InterlockError as error:
                log.warning("the workflows could not be read again", reason=error.message)
