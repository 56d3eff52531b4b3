"""From what was typed to declarations and workflows."""

from pathlib import Path

from api.files import read_text
from engine.declaration.defaults import default_workflows
from engine.declaration.parse import Declaration
from engine.errors import InvalidInput
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from engine.workflows.registry import Registry
from reconciler.values import declare_values


def read(file: Path, key: str = "") -> Declaration:
    """Return the declaration in a file, or in what stands there below a dotted key.

    Raises:
        InvalidInput: the file can't be read as text.
        InvalidDeclaration: its content is wrong.

    """
    return declare_values([(str(file), read_text(file))], key=key)


def find_workflow(wanted: str, files: list[Path]) -> CompiledWorkflow:
    """Return the workflow of a name, or the only one that a file declares.

    Raises:
        NotFound: no such workflow.
        InvalidInput: the file declares none, or several.

    """
    if wanted.endswith((".yaml", ".yml")):
        return only_workflow(Path(wanted))
    declared = [each for file in files for each in read(file).ticketing.workflows]
    return Registry.of(map(compile_workflow, [*default_workflows(), *declared])).named(wanted)


def only_workflow(file: Path) -> CompiledWorkflow:
    """Return the one workflow of a file.

    Raises:
        InvalidInput: it declares none, or several.

    """
    workflows = read(file).ticketing.workflows
    if not workflows:
        raise InvalidInput(f"{file} declares no workflow.")
    if len(workflows) > 1:
        names = ", ".join(each.name for each in workflows)
        raise InvalidInput(f"{file} declares {names}: name one of them, and add --file {file}.")
    return compile_workflow(workflows[0])
