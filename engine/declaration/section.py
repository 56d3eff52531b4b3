"""Where in a text the `ticketing:` section stands, and what is said if it is not there."""

from typing import NamedTuple

from engine import limits
from engine.declaration.diagnostics import dotted
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION
from engine.declaration.source_map import Path, Value
from engine.findings import Finding, did_you_mean


class Gap(NamedTuple):
    """Where the way to the section ends too early.

    Attributes:
        path: the steps that there are.
        step: the key that is missed.
        holder: the mapping that should have it.

    """

    path: Path
    step: str
    holder: dict[str, Value]

    @property
    def misspelt(self) -> str:
        """The key that is there and looks like the one that is missed; empty if none does."""
        wanted = [self.step]
        return next(
            (k for k in self.holder if did_you_mean(k[: limits.NAME_CHARACTERS], wanted)), ""
        )

    @property
    def elsewhere(self) -> str:
        """The key below which there is a section all the same; empty if there is none."""
        held = self.holder.items()
        return next((k for k, each in held if isinstance(each, dict) and SECTION in each), "")


def gap_before_section(document: YamlDocument) -> Gap | None:
    """Return where the way to the section ends too early; None if it leads there."""
    path: tuple[str, ...] = (*document.key, SECTION)
    here = document.draft
    for index, step in enumerate(path):
        holder = here if isinstance(here, dict) else {}
        if step not in holder:
            return Gap(path[:index], step, holder)
        here = holder[step]
    return None


def missing_section(document: YamlDocument, gap: Gap) -> Finding:
    """Return the finding for a text without a section."""
    section = dotted((*document.key, SECTION))
    which = repr(section) if document.key else f"top-level {section!r}"
    message = f"There is no {which} section; everything stands below it.{hint(gap)}"
    return Finding("missing_section", message, document.location(gap.path))


def hint(gap: Gap) -> str:
    """Return where the section might be meant to be; empty if nowhere."""
    if gap.misspelt:
        return f" Is {gap.misspelt!r} misspelt?"
    return f" There is one below {gap.elsewhere!r}." if gap.elsewhere else ""
