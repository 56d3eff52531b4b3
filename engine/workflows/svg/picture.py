"""What the drawing of a workflow says: its words, and what it marks for whom."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from engine.vocabulary import ActorRoles, Role, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import Reason, reason_for
from engine.workflows.policy import roles_allowed, transitions_of

HEADING_COLUMNS: Final = 50
"""A longer display name is cut in the heading; the title has the whole of it."""

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't hold, not even escaped (its section 2.2)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A workflow, and whose eyes it is drawn for (see `draw`)."""

    workflow: CompiledWorkflow
    current: Status | None
    viewer: ActorRoles | None

    @property
    def transitions(self) -> tuple[tuple[Status, Status, Role], ...]:
        """The declared transitions."""
        return transitions_of(self.workflow.policy)

    @property
    def identity(self) -> str:
        """The beginning of every id, so that several drawings can stand in one page."""
        marks = (self.current, None if self.viewer is None else f"as-{int(self.viewer)}")
        return "-".join(["interlock", readable(self.workflow.name), *filter(None, marks)])

    @property
    def title(self) -> str:
        """The display name, whole."""
        return readable(self.workflow.display_name)

    @property
    def heading(self) -> str:
        """The display name, cut to the width of the drawing."""
        return shortened(self.title, HEADING_COLUMNS)

    @property
    def subheading(self) -> str:
        """The name, and what is special about this drawing."""
        return " \N{MIDDLE DOT} ".join([readable(self.workflow.name), *self.remarks()])

    @property
    def description(self) -> str:
        """The whole drawing in words."""
        moves = [self.sentence(source, target) for source, target, _ in self.transitions]
        remarks = [f"{remark[0].upper()}{remark[1:]}." for remark in self.remarks()]
        return " ".join([*remarks, *(moves or ["No transition is declared."])])

    def remarks(self) -> list[str]:
        """Return what is special about this drawing."""
        remarks = []
        if self.workflow.retired:
            remarks.append("makes no transition until it is declared again")
        if self.current is not None:
            remarks.append(f"the ticket is {self.current}")
        if self.viewer is not None:
            remarks.append(f"seen as {' and '.join(self.viewer.names) or 'a bystander'}")
        return remarks

    def sentence(self, source: Status, target: Status) -> str:
        """Return one transition in words."""
        who = " or ".join(roles_allowed(self.workflow.policy, source, target).names)
        yours = " (open to you)" if self.is_yours(source, target) else ""
        return f"{source} to {target}: {who}{yours}."

    def is_yours(self, source: Status, target: Status) -> bool:
        """Tell whether the viewer may make this transition, from the current status if known."""
        if self.viewer is None or self.current not in {None, source}:
            return False
        return reason_for(self.workflow, source, target, self.viewer) is Reason.ALLOWED


def readable(text: str) -> str:
    """Return text on one line, with a replacement character for what XML can't hold."""
    return " ".join(NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text).split())


def shortened(text: str, columns: int) -> str:
    """Return text cut to so many columns; East Asian wide characters take two."""
    widths = (2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
    fitting = sum(width <= columns for width in accumulate(widths))
    return (
        text if fitting == len(text) else text[: fitting - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    )
