"""The live set as a values file, so that planning it finds nothing to do. Pure, and byte-stable."""

import json
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from engine.declaration.fields import Declared
from engine.declaration.models import SECTION, Readers, Switch, Workflow
from engine.declaration.scalars import AmbiguousScalar, resolve_scalar
from engine.resources.resource import SETTINGS, Key, Kind, Resource, Snapshot, declared_defaults

Node: TypeAlias = "CommentedMap | CommentedSeq | str | bool | None"

LINE_CHARACTERS: Final = 4_096
"""Wider than any flow mapping that is written, so that none is folded."""


def values_of(live: Snapshot) -> str:
    """Return a values file that declares everything that is in force."""
    in_force = {key: each for key, each in live.items() if not each.retired}
    section: dict[str, object] = {
        "defaultWorkflows": [key.name for key in sorted(in_force) if is_default(in_force[key])],
        "workflows": declarations(in_force, Kind.WORKFLOW),
        "catalog": {
            "categories": declarations(in_force, Kind.CATEGORY),
            "items": declarations(in_force, Kind.ITEM),
        },
        "services": declarations(in_force, Kind.SERVICE),
        "calendars": declarations(in_force, Kind.CALENDAR),
        "webhooks": declarations(in_force, Kind.WEBHOOK),
    }
    for name in SETTINGS:
        if setting := in_force.get(Key(Kind.SETTING, name)):
            section[name] = as_written(setting.model)
    return dumped({SECTION: section})


def workflow_values(declaration: str) -> str:
    """Return a values file that declares one workflow (canonical JSON) and nothing else."""
    workflow = Workflow.model_validate(json.loads(declaration))
    return dumped({SECTION: {"workflows": [as_written(workflow)]}})


def declarations(resources: Mapping[Key, Resource], kind: Kind) -> list[object]:
    """Return what is declared of one kind, by name, defaults that ship with the product aside."""
    wanted = (resources[key] for key in sorted(resources) if key.kind is kind)
    return [as_written(each.model) for each in wanted if not is_default(each)]


def is_default(resource: Resource) -> bool:
    """Tell whether a resource is a workflow exactly as it ships with the product."""
    return declared_defaults().get(resource.key) == resource


def as_written(model: Declared) -> object:
    """Return a declaration as an operator would write it: what is left out has its default."""
    match model:
        case Switch():
            return model.enabled
        case Readers():
            return str(model.readers)
        case _:
            return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def dumped(document: Mapping[str, object]) -> str:
    """Return a document as YAML that every reader takes for the same."""
    yaml = YAML()
    yaml.width = LINE_CHARACTERS
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(node_of(document), stream)
    return stream.getvalue()


def node_of(value: object) -> Node:
    """Return a value as a node: transitions on one line each, doubtful text in quotes."""
    match value:
        case dict():
            mapping = CommentedMap((key, node_of(each)) for key, each in value.items())
            if set(value) == {"from", "to", "role"}:
                mapping.fa.set_flow_style()
            return mapping
        case list():
            return sequence_of(value)
        case str():
            return value if is_plain(value) else DoubleQuotedScalarString(value)
        case bool() | None:
            return value
        case _:
            raise TypeError(value)


def sequence_of(values: Iterable[object]) -> CommentedSeq:
    """Return a list as a node; an empty one in brackets."""
    sequence = CommentedSeq(map(node_of, values))
    if not sequence:
        sequence.fa.set_flow_style()
    return sequence


def is_plain(text: str) -> bool:
    """Tell whether a text may stand without quotes: one word that no reader takes for more."""
    try:
        return text.replace("_", "").replace("-", "").isalnum() and resolve_scalar(text) == text
    except AmbiguousScalar:
        return False
