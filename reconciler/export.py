"""Exports the active resources as a values file that plans no changes. Pure."""

from collections.abc import Mapping
from io import StringIO
from typing import Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from engine.declaration.fields import Declared
from engine.declaration.models import SECTION, Groups, OnBehalf, Readers, Switch
from engine.declaration.scalars import AmbiguousScalar, resolve_scalar
from engine.declaration.status_page_models import GroupTargets, MaintenancePlan
from engine.resources.resource import SETTINGS, Key, Kind, Resource, Snapshot, declared_defaults

_Node: TypeAlias = "CommentedMap | CommentedSeq | str | bool | float | None"

_LINE_CHARACTERS: Final = 4_096
"""Longer than every flow mapping, so that none is wrapped."""


def export_values(live: Snapshot) -> str:
    """Return a values file that declares all active resources: the same text for the same ones."""
    active = {key: live[key] for key in sorted(live) if not live[key].retired}
    section: dict[str, object] = {
        "defaultWorkflows": [key.name for key, each in active.items() if _is_default(each)],
        "workflows": _declarations(active, Kind.WORKFLOW),
        "catalog": {
            "categories": _declarations(active, Kind.CATEGORY),
            "items": _declarations(active, Kind.ITEM),
        },
        "services": _declarations(active, Kind.SERVICE),
        "calendars": _declarations(active, Kind.CALENDAR),
        "webhooks": _declarations(active, Kind.WEBHOOK),
    }
    for name in SETTINGS:
        if setting := active.get(Key(Kind.SETTING, name)):
            section[name] = _declaration(setting.model)
    return _to_yaml({SECTION: section})


def export_workflow(name: str, declaration: str) -> str:
    """Return a values file that declares one workflow, given as canonical JSON."""
    workflow = Resource(Key(Kind.WORKFLOW, name), declaration).workflow
    return _to_yaml({SECTION: {"workflows": [_declaration(workflow)]}})


def _declarations(resources: Snapshot, kind: Kind) -> list[object]:
    """Return the declarations of one kind, without default workflows."""
    return [
        _declaration(each.model)
        for key, each in resources.items()
        if key.kind is kind and not _is_default(each)
    ]


def _is_default(resource: Resource) -> bool:
    """Return whether a resource is an unchanged default workflow."""
    return declared_defaults().get(resource.key) == resource


def _declaration(model: Declared) -> object:
    """Return a declaration as an operator writes it, without fields that have their default."""
    match model:
        case Switch():
            return model.enabled
        case Readers():
            return str(model.readers)
        case Groups() | OnBehalf():
            return list(model.groups)
        case GroupTargets():
            return [_declaration(each) for each in model.targets]
        case MaintenancePlan():
            return [_declaration(each) for each in model.windows]
        case _:
            return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _to_yaml(document: Mapping[str, object]) -> str:
    """Return a document as YAML that all YAML readers read in the same way."""
    yaml = YAML()
    yaml.width = _LINE_CHARACTERS
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(_node(document), stream)
    return stream.getvalue()


def _node(value: object) -> _Node:
    """Return a value as a YAML node: transitions on one line, ambiguous text in quotes."""
    match value:
        case dict():
            mapping = CommentedMap((key, _node(each)) for key, each in value.items())
            if set(value) == {"from", "to", "role"}:
                mapping.fa.set_flow_style()
            return mapping
        case list():
            sequence = CommentedSeq(map(_node, value))
            if not sequence:
                sequence.fa.set_flow_style()
            return sequence
        case str():
            return value if _is_unambiguous(value) else DoubleQuotedScalarString(value)
        case bool() | float() | None:
            return value
        case _:
            raise TypeError(value)


def _is_unambiguous(text: str) -> bool:
    """Return whether a text needs no quotes: one word that all readers read as text."""
    try:
        return text.replace("_", "").replace("-", "").isalnum() and resolve_scalar(text) == text
    except AmbiguousScalar:
        return False
