"""The declared resources that the database holds, and who last changed each. Pure."""

from dataclasses import dataclass
from datetime import datetime

from engine.resources.resource import Key, Resource


@dataclass(frozen=True, slots=True)
class LastChange:
    """Who last changed a resource, when, and where the declaration came from."""

    at: datetime
    by: str
    source: str


@dataclass(frozen=True, slots=True)
class LiveResources:
    """What the database holds, retired resources included.

    Attributes:
        resources: everything that was ever declared, as it stands.
        touches: who last changed each of them.

    """

    resources: dict[Key, Resource]
    last_changes: dict[Key, LastChange]
