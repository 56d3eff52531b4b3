"""Reads declarations and workflows that are named on the command line."""

from pathlib import Path

from api.files import read_layer
from engine.declaration.defaults import default_workflows
from engine.declaration.parse import Declaration, build_declaration
from engine.errors import InvalidInput
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from engine.workflows.registry import Registry
from reconciler.values import ValuesInput, read_values


def read_declaration(file: Path, key: str = "") -> Declaration:
    """Return the declaration in a values file or folder, below a dotted key if one is given.

    Raises:
        InvalidInput: the file can't be read as text.
        InvalidDeclaration: the declaration has errors.

    """
    return build_declaration(read_values(ValuesInput([read_layer(file)], key=key)))


def find_workflow(name_or_file: str, files: list[Path]) -> CompiledWorkflow:
    """Return the workflow with a name, or the only workflow that a file declares.

    Args:
        name_or_file: the name of a default workflow or of a workflow in `files`, or a YAML file.
        files: values files that declare workflows.

    Raises:
        NotFound: no workflow has this name.
        InvalidInput: the file declares no workflow, or several.

    """
    if name_or_file.endswith((".yaml", ".yml")):
        return _only_workflow(Path(name_or_file))
    declared = [each for file in files for each in read_declaration(file).ticketing.workflows]
    registry = Registry.of(map(compile_workflow, [*default_workflows(), *declared]))
    return registry.named(name_or_file)


def _only_workflow(file: Path) -> CompiledWorkflow:
    workflows = read_declaration(file).ticketing.workflows
    if not workflows:
        raise InvalidInput(f"{file} declares no workflow.")
    if len(workflows) > 1:
        names = ", ".join(each.name for each in workflows)
        raise InvalidInput(f"{file} declares {names}. Pass one of these names and --file {file}.")
    return compile_workflow(workflows[0])
