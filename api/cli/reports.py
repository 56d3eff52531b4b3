"""Plans as they are printed, saved and read."""

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from engine.errors import InvalidInput

if TYPE_CHECKING:
    from reconciler.plan import Plan


class PlanOutput(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def hand_over(plan: "Plan", output: PlanOutput, out: Path | None) -> None:
    """Print a plan, save it if that is asked for, and tell how it is carried out.

    Raises:
        InvalidInput: the file can't be written.

    """
    if out is not None:
        write_plan(plan, out)
    show(plan, output)
    if out is not None and not plan.is_empty:
        command = shlex.join(["interlock", "apply", str(out)])
        typer.echo(f"The plan is saved; to carry it out: {command}", err=True)


def show(plan: "Plan", output: PlanOutput) -> None:
    """Print a plan on standard output."""
    from reconciler.document import document_of
    from reconciler.report.markdown import as_markdown
    from reconciler.report.text import print_plan

    match output:
        case PlanOutput.TEXT:
            print_plan(plan, Console(soft_wrap=not sys.stdout.isatty()))
        case PlanOutput.JSON:
            typer.echo(document_of(plan), nl=False)
        case PlanOutput.MARKDOWN:
            typer.echo(as_markdown(plan), nl=False)


def write_plan(plan: "Plan", file: Path) -> None:
    """Save a plan.

    Raises:
        InvalidInput: the file can't be written.

    """
    from reconciler.document import document_of

    try:
        file.write_text(document_of(plan), "utf-8")
    except OSError as error:
        raise InvalidInput(f"{file}: can't be written: {error.strerror}.") from None


def read_plan(file: Path) -> "Plan":
    """Return a plan that was saved.

    Raises:
        InvalidInput: the file can't be read, or is not a whole plan as it was saved.

    """
    from reconciler.document import PLAN_BYTES, plan_in

    try:
        with file.open("rb") as stream:
            text = stream.read(PLAN_BYTES + 1).decode("utf-8")
    except OSError as error:
        raise InvalidInput(f"{file}: can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{file}: can't be read: it isn't UTF-8 text.") from None
    return plan_in(text, str(file))
