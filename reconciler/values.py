"""Values files and `--set` arguments -> one reading, layered exactly as Helm layers them.

The files in their order, over them the arguments of `--set` in theirs, then those of
`--set-string`. What the chart itself sets are the defaults of the models, so it is no layer here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce

from engine import limits
from engine.declaration.document import YamlDocument
from engine.declaration.parse import Declaration, build_declaration
from engine.declaration.scalars import Scalar, describe_value
from engine.declaration.section import find_gap, missing_section
from engine.declaration.source_map import MappingNode, Source, Sources
from engine.declaration.yaml_reader import read_yaml
from engine.errors import InvalidInput
from engine.findings import Finding
from engine.gc_pause import gc_paused
from reconciler.merge import Written, WrongAssignment, assigned, merged
from reconciler.set_values import assignments, typed


@gc_paused()
def declare_values(
    files: Sequence[tuple[str, str]],
    sets: Sequence[str] = (),
    key: str = "",
    *,
    set_strings: Sequence[str] = (),
) -> Declaration:
    """Return what values files declare; the arguments are those of `read_values`.

    Raises:
        InvalidDeclaration: with all that is wrong in all of them.
        InvalidInput: they are too many or too large.

    """
    return build_declaration(read_values(files, sets, key, set_strings=set_strings))


@gc_paused()
def read_values(
    files: Sequence[tuple[str, str]],
    sets: Sequence[str] = (),
    key: str = "",
    *,
    set_strings: Sequence[str] = (),
) -> YamlDocument:
    """Return what values files say when they are laid over one another.

    Args:
        files: the name and the text of each, the lowest layer first.
        sets: arguments as `helm --set` takes them.
        key: below which the values of this chart stand, with dots: `interlock`; empty if they
            stand at the top.
        set_strings: arguments as `helm --set-string` takes them.

    Raises:
        InvalidInput: they are too many or too large.

    """
    check_bounds(files, [*sets, *set_strings])
    reading = over_one_another(list(readings_of(files)), steps_of(key))
    for argument in sets:
        reading = with_set(reading, argument, "--set", typed)
    for argument in set_strings:
        reading = with_set(reading, argument, "--set-string", str)
    return reading


def steps_of(key: str) -> tuple[str, ...]:
    """Return the steps of a dotted key; none if it is empty."""
    return tuple(key.split(".")) if key else ()


def check_bounds(files: Sequence[tuple[str, str]], arguments: Sequence[str]) -> None:
    """Refuse more than anybody means.

    Raises:
        InvalidInput: there is too much, or nothing.

    """
    if not files and not arguments:
        raise InvalidInput("There are no values; give at least one file.")
    if len(files) > limits.VALUES_FILES:
        raise InvalidInput(f"At most {limits.VALUES_FILES} values files are read.")
    if sum(len(text) for _, text in files) > limits.VALUES_CHARACTERS:
        raise InvalidInput(
            f"Values files together have at most {limits.VALUES_CHARACTERS} characters."
        )
    if sum(map(len, arguments)) > limits.ARGUMENTS_CHARACTERS:
        message = (
            f"Arguments of --set together have at most {limits.ARGUMENTS_CHARACTERS} characters."
        )
        raise InvalidInput(message)


def readings_of(files: Iterable[tuple[str, str]]) -> Iterator[YamlDocument]:
    """Yield what each file says; the offsets of each begin where those of the one before end."""
    start = 0
    for file, text in files:
        reading = read_yaml(text, file, start)
        yield reading
        start = reading.sources.end


def over_one_another(layers: Sequence[YamlDocument], key: tuple[str, ...]) -> YamlDocument:
    """Return readings as one, the last on top."""
    roots = [layer.root for layer in layers if isinstance(layer.root, MappingNode)]
    root = reduce(merged, roots, MappingNode({}, 0, {}))
    findings = [finding for layer in layers for finding in (*layer.findings, *lost(layer, key))]
    texts = tuple(source for layer in layers for source in layer.sources.texts)
    draft = root.value if len(roots) == len(layers) else None
    return YamlDocument(draft, root, Sources(texts), tuple(findings), key)


def lost(layer: YamlDocument, key: tuple[str, ...]) -> Iterator[Finding]:
    """Yield a finding for a file that would be passed over because its section is misspelt.

    A file without a section is none of ours and may be layered all the same.
    """
    layer = replace(layer, key=key)
    gap = find_gap(layer) if layer.draft is not None else None
    if gap and (gap.misspelt or not isinstance(layer.draft, dict)):
        yield missing_section(layer, gap)


def with_set(
    reading: YamlDocument, argument: str, option: str, read: Callable[[str], Scalar]
) -> YamlDocument:
    """Return a reading with what an argument sets in it."""
    source = Source(argument, f"{option} {describe_value(argument)}", reading.sources.end)
    reading = replace(reading, sources=Sources((*reading.sources.texts, source)))
    written = Written(reading.draft, reading.root)
    try:
        for steps, new in assignments(source, read):
            written = assigned(written, steps, new)
    except WrongAssignment as wrong:
        finding = Finding("wrong_assignment", str(wrong), source.location(wrong.offset))
        return replace(reading, draft=None, findings=(*reading.findings, finding))
    draft = None if reading.draft is None else written.value
    return replace(reading, draft=draft, root=written.node)
