"""The texts and marks of a drawing."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from engine.vocabulary import ActorRoles, Role, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import Reason, reason_for
from engine.workflows.policy import roles_allowed, transitions_of

_HEADING_COLUMNS: Final = 50
"""The heading shortens longer display names; the title has the full name."""

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 does not allow, not even escaped (section 2.2)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A workflow and the marks in its drawing; see `draw`."""

    workflow: CompiledWorkflow
    current: Status | None = None
    viewer: ActorRoles | None = None
    tickets: Mapping[Status, int] | None = None
    part: str | None = None

    @property
    def transitions(self) -> tuple[tuple[Status, Status, Role], ...]:
        """The declared transitions."""
        return transitions_of(self.workflow.policy)

    @property
    def identity(self) -> str:
        """The prefix of all ids, so that a page can contain several different drawings."""
        marks = (
            "retired" if self.workflow.retired else None,
            self.current,
            None if self.viewer is None else f"as-{int(self.viewer)}",
            self.part,
        )
        name, policy = _readable(self.workflow.name), f"{self.workflow.policy:x}"
        return "-".join(["interlock", name, policy, *filter(None, marks)])

    @property
    def title(self) -> str:
        """The full display name."""
        return _readable(self.workflow.display_name)

    @property
    def heading(self) -> str:
        """The display name, shortened to the width of the drawing."""
        return _shortened(self.title, _HEADING_COLUMNS)

    @property
    def subheading(self) -> str:
        """The name of the workflow and the remarks."""
        return " \N{MIDDLE DOT} ".join([_readable(self.workflow.name), *self._remarks()])

    @property
    def description(self) -> str:
        """The drawing as text."""
        transitions = [self.sentence(source, target) for source, target, _ in self.transitions]
        remarks = [f"{remark[0].upper()}{remark[1:]}." for remark in self._remarks()]
        return " ".join([*remarks, *(transitions or ["The workflow has no transitions."])])

    def _remarks(self) -> list[str]:
        """Return whether the workflow is retired, the current status and the viewer, as text."""
        remarks = []
        if self.workflow.retired:
            remarks.append("no transitions until it is declared again")
        if self.current is not None:
            remarks.append(f"the ticket is {self.current}")
        if self.viewer is not None:
            remarks.append(
                f"viewed as {' and '.join(self.viewer.names) or 'a user without a role'}"
            )
        if self.tickets is not None:
            counts = [f"{count:,} {status}" for status, count in self.tickets.items() if count]
            remarks.append(f"live tickets: {', '.join(counts) or 'none'}")
        return remarks

    def second_line(self, status: Status) -> str | None:
        """Return the text below the name of a status, if it has one."""
        if status is self.current:
            return "ticket is here"
        if self.tickets is None or status not in self.tickets:
            return None
        count = self.tickets[status]
        return f"{count:,} {'ticket' if count == 1 else 'tickets'}"

    def sentence(self, source: Status, target: Status) -> str:
        """Return a transition as text."""
        who = " or ".join(roles_allowed(self.workflow.policy, source, target).names)
        yours = " (available to you)" if self.is_yours(source, target) else ""
        return f"{source} to {target}: {who}{yours}."

    def is_yours(self, source: Status, target: Status) -> bool:
        """Return whether the viewer can make this transition now."""
        if self.viewer is None or self.current not in {None, source}:
            return False
        return reason_for(self.workflow, source, target, self.viewer) is Reason.ALLOWED


def _readable(text: str) -> str:
    """Return text on one line, with replacement characters for those not allowed in XML."""
    return " ".join(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text).split())


def _shortened(text: str, columns: int) -> str:
    """Return text shortened to a number of columns; East Asian wide characters take two."""
    widths = (2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
    fitting = sum(width <= columns for width in accumulate(widths))
    return (
        text if fitting == len(text) else text[: fitting - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    )
