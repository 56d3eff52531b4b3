"""Prints, saves and loads plans."""

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api.files import UnreadableFile
from engine.errors import InvalidInput
from reconciler.allowances import NO_ALLOWANCES, Allowances

if TYPE_CHECKING:
    from reconciler.plan import Plan


class PlanFormat(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


PlanOutput = Annotated[PlanFormat, typer.Option(help="How to print the plan.")]
OutFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Save the plan to this file, for interlock apply FILE."),
]


def report_plan(plan: "Plan", output: PlanFormat, out: Path | None) -> None:
    """Print a plan and, if a file is given, save it there.

    Raises:
        InvalidInput: the file can't be written.

    """
    from reconciler.hazards import flags_of, hazards

    if out is not None:
        _save_plan(plan, out)
    print_plan(plan, output)
    if out is not None and not plan.is_empty:
        flags = " ".join(flags_of(hazards(plan)))
        command = f"interlock apply {shlex.quote(str(out))} {flags}".rstrip()
        typer.echo(f"The plan is saved. To apply it, run: {command}", err=True)


def print_plan(plan: "Plan", output: PlanFormat, allowed: Allowances = NO_ALLOWANCES) -> None:
    """Print a plan on standard output; as text with the flags for hazards that are not allowed."""
    from reconciler.document.serialize import serialize_plan
    from reconciler.report.markdown import as_markdown
    from reconciler.report.text import print_plan as print_text

    match output:
        case PlanFormat.TEXT:
            print_text(plan, Console(soft_wrap=not sys.stdout.isatty()), allowed)
        case PlanFormat.JSON:
            typer.echo(serialize_plan(plan).text, nl=False)
        case PlanFormat.MARKDOWN:
            typer.echo(as_markdown(plan), nl=False)


def _save_plan(plan: "Plan", file: Path) -> None:
    from reconciler.document.serialize import serialize_plan

    try:
        file.write_text(serialize_plan(plan).text, "utf-8")
    except OSError as error:
        raise InvalidInput(f"{file}: can't be written: {error.strerror}.") from None


def load_plan(file: Path) -> "Plan":
    """Return a saved plan.

    Raises:
        UnreadableFile: the file can't be read.
        InvalidPlan: it is not a plan as it was saved.

    """
    from reconciler.document.parse import PLAN_BYTES, parse_plan

    try:
        with file.open("rb") as stream:
            text = stream.read(PLAN_BYTES + 1).decode("utf-8")
    except OSError as error:
        raise UnreadableFile.of(file, error) from None
    except UnicodeDecodeError:
        raise UnreadableFile("can't be read: it isn't UTF-8 text.", file) from None
    return parse_plan(text, str(file))
