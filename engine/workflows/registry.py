"""The compiled workflows that a process knows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from engine.errors import NotFound
from engine.findings import did_you_mean
from engine.workflows.compiler import CompiledWorkflow


@dataclass(frozen=True, slots=True)
class Registry:
    """All workflows by name, retired ones included. Immutable, so that it is replaced at once."""

    workflows: Mapping[str, CompiledWorkflow]

    @classmethod
    def of(cls, workflows: Iterable[CompiledWorkflow]) -> Self:
        """Return the registry of these workflows; a later one replaces an earlier one by name."""
        return cls(MappingProxyType({workflow.name: workflow for workflow in workflows}))

    def named(self, name: str) -> CompiledWorkflow:
        """Return a workflow by name; raise NotFound, with similar names, if it is unknown."""
        try:
            return self.workflows[name]
        except KeyError:
            hint = did_you_mean(name, self.workflows)
            raise NotFound(f"There is no workflow named {name!r}.{hint}", workflow=name) from None
