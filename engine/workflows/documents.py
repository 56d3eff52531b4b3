"""Text -> declaration, every complaint with file:line:column (design section 9)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.errors import InvalidDeclaration
from engine.findings import Finding, Location, did_you_mean
from engine.workflows.declaration import Ticketing, Workflow
from engine.workflows.places import Path
from engine.workflows.yaml_reader import Reading, read_yaml

SECTION: Final = "ticketing"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A valid declaration that knows where everything in it was written."""

    ticketing: Ticketing
    reading: Reading
    file: str

    def place(self, *path: str | int) -> Location:
        """Return where the value at `path` below `ticketing:` stands, or its nearest parent."""
        return place_of(self.reading, (SECTION, *path), self.file)


def declare(text: str, file: str) -> Declaration:
    """Read the `ticketing:` section of a values file.

    Raises:
        InvalidDeclaration: with all that is wrong, in the order of the text.

    """
    reading = read_yaml(text, file)
    if reading.findings:
        raise InvalidDeclaration(reading.findings)
    declaration = Declaration(model_of(reading, file), reading, file)
    if findings := tuple(findings_of(declaration)):
        raise InvalidDeclaration(in_order(findings))
    return declaration


def model_of(reading: Reading, file: str) -> Ticketing:
    """Return the section as a model.

    Raises:
        InvalidDeclaration: the section is missing or not of the declared form.

    """
    root = reading.value
    if not isinstance(root, dict) or SECTION not in root:
        raise InvalidDeclaration([missing_section(reading, file)])
    section = root[SECTION]
    try:
        return Ticketing.model_validate({} if section is None else section)
    except ValidationError as error:
        complaints = [complaint(reading, file, each) for each in error.errors(include_url=False)]
        raise InvalidDeclaration(in_order(complaints)) from None


def missing_section(reading: Reading, file: str) -> Finding:
    """Return the finding for a document without a `ticketing:` section."""
    keys = [str(key) for key in reading.value] if isinstance(reading.value, dict) else []
    near = next((f" Is {key!r} misspelt?" for key in keys if did_you_mean(key, [SECTION])), "")
    message = f"There is no top-level {SECTION!r} section; everything stands below it.{near}"
    return Finding("missing_section", message, place_of(reading, (), file))


def in_order(findings: Iterator[Finding] | tuple[Finding, ...] | list[Finding]) -> list[Finding]:
    """Return findings in the order of the text."""
    return sorted(findings, key=lambda finding: (finding.at, finding.code))


def place_of(reading: Reading, path: Path, file: str) -> Location:
    """Return where the value at `path` stands, or its nearest parent that was written."""
    while path and path not in reading.value_places:
        path = path[:-1]
    return reading.value_places.get(path, Location(file, 1, 1))


# --- the complaints of the models, in the words of this product -------------------------------

CODES: Final[Mapping[str, str]] = {
    "extra_forbidden": "unknown_key",
    "missing": "missing_field",
    "string_pattern_mismatch": "wrong_form",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_many",
    "wrong_duration": "wrong_duration",
}


def complaint(reading: Reading, file: str, error: ErrorDetails) -> Finding:
    """Return one complaint of the models as a finding with its place."""
    path = written_path(reading, (SECTION, *error["loc"]))
    if error["type"] == "extra_forbidden":
        at = reading.key_places.get(path, place_of(reading, path, file))
        return Finding("unknown_key", unknown_key(path), at)
    at = place_of(reading, path, file)
    if error["type"] == "enum":
        return unknown_member(path, error, at)
    code = CODES.get(error["type"], "wrong_type")
    return Finding(code, f"{dotted(path)}: {sentence(error, path)}", at)


def written_path(reading: Reading, loc: tuple[str | int, ...]) -> Path:
    """Return `loc` without the union branch names that the models add to it."""
    path: Path = ()
    for step in loc:
        if (*path, step) in reading.value_places or step == loc[-1]:
            path = (*path, step)
    return path


def sentence(error: ErrorDetails, path: Path) -> str:
    """Return what is wrong and what would be right."""
    if error["type"] == "missing":
        return f"{path[-1]!r} is missing; it is required here."
    given = repr(error["input"])
    return f"{error['msg'].rstrip('.')} (found {given[:80]})."


def unknown_key(path: Path) -> str:
    """Return the sentence for a key that the models do not know."""
    known = known_keys(path[:-1])
    return (
        f"{dotted(path)}: {path[-1]!r} is not a key here.{did_you_mean(str(path[-1]), known)}"
        f" Known: {', '.join(known)}."
    )


def unknown_member(path: Path, error: ErrorDetails, at: Location) -> Finding:
    """Return the finding for a status, role or priority that does not exist."""
    enum, given = enum_at(path), str(error["input"])
    hint = did_you_mean(given, enum)
    message = f"{dotted(path)}: {given!r} is not one of {', '.join(enum)}.{hint}"
    return Finding(f"unknown_{ENUM_NOUNS.get(str(path[-1]), 'value')}", message, at)


ENUM_NOUNS: Final = {"from": "status", "to": "status", "role": "role", "priority": "priority"}


def enum_at(path: Path) -> tuple[str, ...]:
    """Return the members of the enum that stands at `path`."""
    model = model_at(path[:-1])
    field = next(f for f in model.model_fields.values() if f.alias == path[-1])
    return tuple(member.value for member in cast("Any", field.annotation))


def known_keys(path: Path) -> list[str]:
    """Return the keys of the model at `path`."""
    return [str(field.alias) for field in model_at(path).model_fields.values()]


def model_at(path: Path) -> type[BaseModel]:
    """Return the model that a path (from the root of the document) leads to."""
    model: type[BaseModel] = Ticketing
    for step in path[1:]:
        if isinstance(step, str):
            field = next(f for f in model.model_fields.values() if f.alias == step)
            model = next(models_in(field.annotation))
    return model


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that a field's annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def dotted(path: Path) -> str:
    """Return a path as people write it: `ticketing.workflows[0].name`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).lstrip(".")


# --- rules that no single field can know -------------------------------------------------------


def findings_of(declaration: Declaration) -> Iterator[Finding]:
    """Yield every breach of a rule that spans fields."""
    ticketing = declaration.ticketing
    yield from repeated(declaration, "workflows", names=[w.name for w in ticketing.workflows])
    for index, workflow in enumerate(ticketing.workflows):
        yield from transition_findings(declaration, index, workflow)


def repeated(declaration: Declaration, section: str, names: list[str]) -> Iterator[Finding]:
    """Yield a finding for every name that was used before in its list."""
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        earlier = first.setdefault(name, index)
        if earlier != index:
            there = declaration.place(section, earlier, "name")
            message = f"{name!r} is declared twice; the first stands at {there}."
            yield Finding("duplicate_name", message, declaration.place(section, index, "name"))


def transition_findings(
    declaration: Declaration, index: int, workflow: Workflow
) -> Iterator[Finding]:
    """Yield the transitions that lead nowhere and those declared twice."""
    first: dict[tuple[str, str], Location] = {}
    if not workflow.transitions:
        at = declaration.place("workflows", index, "transitions")
        yield Finding("no_transitions", "A workflow needs at least one transition.", at)
    for position, move in enumerate(workflow.transitions):
        at = declaration.place("workflows", index, "transitions", position)
        pair = f"{move.source} -> {move.target}"
        if move.source is move.target:
            yield Finding("self_transition", f"{pair} leads nowhere; remove it.", at)
        earlier = first.setdefault((move.source, move.target), at)
        if earlier is not at:
            message = f"{pair} is declared twice (first at {earlier}); use role: any for both."
            yield Finding("duplicate_transition", message, at)
