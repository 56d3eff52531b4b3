"""A values file as Kubernetes mounts it: a link to a link, which is swapped when it changes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.resources.resource import Key, Kind

ALL_DEFAULTS: Final = "ticketing: {}\n"
"""What the databases of the tests hold from the start."""
NARROWED: Final = """\
ticketing:
  workflows:
    - name: service_request
      displayName: Service Request
      transitions:
        - {from: OPEN, to: IN_PROGRESS, role: assignee}
        - {from: IN_PROGRESS, to: RESOLVED, role: assignee}
        - {from: RESOLVED, to: CLOSED, role: assignee}
"""
"""One workflow lets fewer people do less; that harms nobody."""
CHANGED: Final = Key(Kind.WORKFLOW, "service_request")
WIDENED: Final = NARROWED.replace("IN_PROGRESS, role: assignee", "IN_PROGRESS, role: any")
NOTHING: Final = "ticketing: {defaultWorkflows: false}\n"
"""Retires every workflow, which is refused."""
INVALID: Final = """\
ticketing:
  workflows: 7
  autoClose: {afterResolved: soon}
"""


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder that a ConfigMap is mounted at."""

    folder: Path

    @property
    def file(self) -> Path:
        """The path by which the file is known, whatever its content."""
        return self.folder / "values.yaml"

    def put(self, text: str) -> None:
        """Replace the file as the kubelet does: a new folder, then one swap of a link."""
        current = self.folder / "..data"
        version = self.folder / f"..{len(list(self.folder.iterdir()))}"
        version.mkdir()
        (version / "values.yaml").write_text(text, "utf-8")
        (self.folder / "..next").symlink_to(version)
        (self.folder / "..next").rename(current)
        if not self.file.is_symlink():
            self.file.symlink_to(current / "values.yaml")
