"""The five default workflows, read from the data files of `default_workflows`."""

from functools import cache
from importlib.resources import files

from engine.declaration.models import Workflow
from engine.declaration.parse import parse_declaration


@cache
def default_workflows() -> tuple[Workflow, ...]:
    """Return the default workflows in the order of their names."""
    folder = files("default_workflows")
    sources = sorted(
        (each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda f: f.name
    )
    declarations = (parse_declaration(each.read_text("utf-8"), each.name) for each in sources)
    return tuple(w for declaration in declarations for w in declaration.ticketing.workflows)
