"""Reads values files and `--set` arguments as one document, merged as Helm merges them.

Each file is a layer, and so are all files of a folder together. Later layers win over earlier ones,
`--set` over files, and `--set-string` over `--set`. The values of the chart itself are the defaults
of the models, so they are not merged here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeAlias

from engine import limits
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION
from engine.declaration.scalars import Scalar, describe_value
from engine.declaration.section import find_gap, missing_section
from engine.declaration.source_map import MappingNode, Source, Sources
from engine.declaration.yaml_reader import read_yaml
from engine.errors import InvalidInput
from engine.findings import Finding
from engine.gc_pause import gc_paused
from reconciler.merge import InvalidAssignment, Located, assign, merge
from reconciler.pieces import Pieces, join_pieces
from reconciler.set_values import parse_assignments, typed_scalar

Layer: TypeAlias = tuple[str, str] | Pieces


@dataclass(frozen=True, slots=True)
class ValuesInput:
    """Helm values to read a declaration from.

    Attributes:
        layers: values files, each with its name and its text, and folders; later layers win.
        set_values: arguments of `--set`.
        set_strings: arguments of `--set-string`.
        key: the dotted key of the chart in the values, such as `interlock`; empty if the values of
            the chart are at the top level.

    """

    layers: Sequence[Layer] = ()
    set_values: Sequence[str] = ()
    set_strings: Sequence[str] = ()
    key: str = ""

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """The name and the text of each file, also of those in folders."""
        return tuple(file for layer in self.layers for file in _files_of(layer))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files, and the arguments."""
        return (
            *(name for name, _ in self.files),
            *(f"--set {each}" for each in self.set_values),
            *(f"--set-string {each}" for each in self.set_strings),
        )


def argument_name(option: str, argument: str) -> str:
    """Return the name of an argument for locations: `--set 'a=1'`."""
    return f"{option} {describe_value(argument)}"


@gc_paused()
def read_values(values: ValuesInput) -> YamlDocument:
    """Return the merged values.

    Raises:
        InvalidInput: the input is empty or too large.

    """
    _check_limits(values)
    key = keys_of(values.key)
    document = _merge_layers(list(_read_layers(values.layers, key)), key)
    for argument in values.set_values:
        document = _with_argument(document, argument, "--set", typed_scalar)
    for argument in values.set_strings:
        document = _with_argument(document, argument, "--set-string", str)
    return document


def keys_of(dotted: str) -> tuple[str, ...]:
    """Split a dotted key; an empty one has no parts."""
    return tuple(dotted.split(".")) if dotted else ()


def _check_limits(values: ValuesInput) -> None:
    arguments = [*values.set_values, *values.set_strings]
    if not values.layers and not arguments:
        raise InvalidInput("Give at least one values file.")
    if len(values.layers) > limits.VALUES_FILES:
        raise InvalidInput(f"Give at most {limits.VALUES_FILES} values files.")
    for layer in values.layers:
        if isinstance(layer, Pieces) and not 0 < len(layer.files) <= limits.VALUES_PIECES:
            raise InvalidInput(
                f"{layer.name}: has {len(layer.files)} values files (*.yaml or *.yml); a folder"
                f" must have 1 to {limits.VALUES_PIECES}."
            )
    if sum(len(text) for _, text in values.files) > limits.VALUES_CHARACTERS:
        raise InvalidInput(
            f"All values files together can have at most {limits.VALUES_CHARACTERS} characters."
        )
    if sum(map(len, arguments)) > limits.ARGUMENTS_CHARACTERS:
        raise InvalidInput(
            "All --set and --set-string arguments together can have at most"
            f" {limits.ARGUMENTS_CHARACTERS} characters."
        )


def _files_of(layer: Layer) -> tuple[tuple[str, str], ...]:
    return layer.files if isinstance(layer, Pieces) else (layer,)


def _read_layers(layers: Sequence[Layer], key: tuple[str, ...]) -> Iterator[YamlDocument]:
    """Yield each layer parsed; the offsets of a file start where those of the previous one end."""
    section = (*key, SECTION)
    start = 0
    for layer in layers:
        documents = []
        for file, text in _files_of(layer):
            document = read_yaml(text, file, start, section)
            findings = (*document.findings, *_misspelt_section(document, key))
            documents.append(replace(document, findings=findings))
            start = document.sources.end
        yield join_pieces(documents, section) if isinstance(layer, Pieces) else documents[0]


def _merge_layers(layers: Sequence[YamlDocument], key: tuple[str, ...]) -> YamlDocument:
    """Return parsed layers as one document; the last layer wins."""
    roots = [layer.root for layer in layers if isinstance(layer.root, MappingNode)]
    root = reduce(merge, roots, MappingNode({}, 0, {}))
    findings = tuple(each for layer in layers for each in layer.findings)
    texts = tuple(source for layer in layers for source in layer.sources.texts)
    draft = root.value if all(isinstance(layer.draft, dict) for layer in layers) else None
    return YamlDocument(draft, root, Sources(texts), findings, key)


def _misspelt_section(file: YamlDocument, key: tuple[str, ...]) -> Iterator[Finding]:
    """Yield a finding for a file that would have no effect because its section is misspelt.

    A file without a section is valid: it can hold the values of other charts.
    """
    file = replace(file, key=key)
    gap = find_gap(file) if file.draft is not None else None
    if gap and (gap.misspelt or not isinstance(file.draft, dict)):
        yield missing_section(file, gap)


def _with_argument(
    document: YamlDocument, argument: str, option: str, to_scalar: Callable[[str], Scalar]
) -> YamlDocument:
    """Return the values with the assignments of one argument."""
    source = Source(argument, argument_name(option, argument), document.sources.end)
    document = replace(document, sources=Sources((*document.sources.texts, source)))
    merged = Located(document.draft, document.root)
    try:
        for steps, value in parse_assignments(source, to_scalar):
            merged = assign(merged, steps, value)
    except InvalidAssignment as error:
        finding = Finding("wrong_assignment", str(error), source.location(error.offset))
        return replace(document, draft=None, findings=(*document.findings, finding))
    draft = None if document.draft is None else merged.value
    return replace(document, draft=draft, root=merged.node)
