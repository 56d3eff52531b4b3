"""A values file as Kubernetes mounts it: a link to a link, which is replaced on each change."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.resources.resource import Key, Kind

ALL_DEFAULTS: Final = "ticketing: {}\n"
"""Declares what the template of the test databases contains."""
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
"""Removes transitions and roles of one workflow, which is not a hazard."""
CHANGED: Final = Key(Kind.WORKFLOW, "service_request")
WIDENED: Final = NARROWED.replace("IN_PROGRESS, role: assignee", "IN_PROGRESS, role: any")
NOTHING: Final = "ticketing: {defaultWorkflows: false}\n"
"""Retires all workflows, which is refused."""
INVALID: Final = """\
ticketing:
  workflows: 7
  autoClose: {afterResolved: soon}
"""


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder where a ConfigMap is mounted."""

    folder: Path

    @property
    def file(self) -> Path:
        """The path of the file, which is the same for every content."""
        return self.folder / "values.yaml"

    def put(self, text: str) -> None:
        """Replace the file as the kubelet does: write a new folder, then rename a link to it."""
        current = self.folder / "..data"
        version = self.folder / f"..{len(list(self.folder.iterdir()))}"
        version.mkdir()
        (version / "values.yaml").write_text(text, "utf-8")
        (self.folder / "..next").symlink_to(version)
        (self.folder / "..next").rename(current)
        if not self.file.is_symlink():
            self.file.symlink_to(current / "values.yaml")
