"""The immutable set of compiled workflows, swapped in one step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from engine.errors import NotFound
from engine.findings import did_you_mean
from engine.workflows.compiler import CompiledWorkflow


@dataclass(frozen=True, slots=True)
class Registry:
    """Every known workflow by name, retired ones included. A value: a change is a new registry."""

    workflows: Mapping[str, CompiledWorkflow]

    @classmethod
    def of(cls, workflows: Iterable[CompiledWorkflow]) -> Self:
        """Return the registry of these workflows; of two with one name the later wins, whole."""
        return cls(MappingProxyType({workflow.name: workflow for workflow in workflows}))

    def named(self, name: str) -> CompiledWorkflow:
        """Return the workflow of that name.

        Raises:
            NotFound: there is none; the near names are offered.

        """
        try:
            return self.workflows[name]
        except KeyError:
            hint = did_you_mean(name, self.workflows)
            raise NotFound(f"There is no workflow named {name!r}.{hint}", workflow=name) from None
