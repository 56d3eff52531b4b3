"""Values files are merged as in Helm, and every value keeps its location."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import helm_python
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine import limits
from engine.declaration.parse import Declaration, build_declaration, without_nulls
from engine.declaration.source_map import Path, Value
from engine.errors import InvalidDeclaration, InvalidInput
from reconciler.values import ValuesInput, read_values

BASE = """\
ticketing:
  workflows:
    - {name: hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}
  catalog:
    categories: [{name: incidents, displayName: Incidents}]
  autoClose: {afterResolved: 24h}
"""
PRODUCTION = """\
image: {tag: "1"}
ticketing:
  enabled: false
  catalog:
    items: [{name: outage, category: incidents, displayName: Outage, workflow: hotfix}]
"""
BOTH = [("base.yaml", BASE), ("production.yaml", PRODUCTION)]


def declare(values: ValuesInput) -> Declaration:
    return build_declaration(read_values(values))


def numbered(*texts: str) -> list[tuple[str, str]]:
    return [(f"{number}.yaml", text) for number, text in enumerate(texts)]


MERGED: dict[str, tuple[list[str], Value]] = {
    "mappings merge deeply": (["a: {b: {c: 1}}", "a: {b: {d: 2}}"], {"a": {"b": {"c": 1, "d": 2}}}),
    "lists are replaced": (["a: [1, 2]", "a: [3]"], {"a": [3]}),
    "a later scalar wins": (["a: 1", "a: 2", "a: 3"], {"a": 3}),
    "a scalar replaces a mapping": (["a: {b: 1}", "a: 2"], {"a": 2}),
    "a mapping replaces a scalar": (["a: 1", "a: {b: 2}"], {"a": {"b": 2}}),
    "null wins too": (["a: {b: 1, c: 2}", "a: {b: null}"], {"a": {"b": None, "c": 2}}),
    "a mapping replaces a null": (["a: {b: 1}", "a: null", "a: {c: 2}"], {"a": {"c": 2}}),
    "an empty file has no effect": (["a: 1", "", "# nothing\n"], {"a": 1}),
    "the other uses of an alias do not change": (
        ["a: &x {b: 1}\nc: *x\n", "a: {b: 2}"],
        {"a": {"b": 2}, "c": {"b": 1}},
    ),
}


@pytest.mark.parametrize(("texts", "value"), MERGED.values(), ids=MERGED)
def test_files_are_merged_as_in_helm(texts: list[str], value: Value) -> None:
    assert read_values(ValuesInput(numbered(*texts))).value == value


def test_set_string_assigns_text_and_wins_over_set() -> None:
    values = read_values(ValuesInput(numbered("a: 1"), ["a=2,b=3"], ["a=true"]))
    assert values.value == {"a": "true", "b": 3}


LOCATIONS: dict[str, tuple[Path, str]] = {
    "a value of the lower file": (("workflows", 0, "name"), "base.yaml:3:14"),
    "a value of the upper file": (("catalog", "items", 0, "workflow"), "production.yaml:5:80"),
    "a value of the lower file in a merged mapping": (
        ("catalog", "categories", 0),
        "base.yaml:5:18",
    ),
    "a value that the upper file replaces": (("enabled",), "production.yaml:3:12"),
    "a value that an argument sets": (
        ("autoClose", "afterResolved"),
        "--set 'ticketing.autoClose.afterResolved=1h':1:35",
    ),
    "a value that is not set": (("services",), "production.yaml:3:3"),
}


@pytest.mark.parametrize(("path", "location"), LOCATIONS.values(), ids=LOCATIONS)
def test_every_value_has_the_location_where_it_was_set_last(path: Path, location: str) -> None:
    declaration = declare(ValuesInput(BOTH, ["ticketing.autoClose.afterResolved=1h"]))
    assert str(declaration.location(*path)) == location


def findings_in(values: ValuesInput) -> list[str]:
    with pytest.raises(InvalidDeclaration) as invalid:
        declare(values)
    return [f"{finding.at} {finding.code}" for finding in invalid.value.findings]


def test_the_findings_in_all_files_are_reported_together() -> None:
    files = [
        ("a.yaml", BASE.replace("role: any", "role: anyone")),
        ("b.yaml", "ticketing: {enabled: yes, catalog: {items: [{name: i}]}}"),
    ]
    assert findings_in(ValuesInput(files, ["ticketing.servces={x}", "ticketing.enabled"])) == [
        "--set 'ticketing.enabled':1:18 wrong_assignment",
        "b.yaml:1:22 ambiguous_scalar",
    ]
    assert findings_in(ValuesInput(files, ["ticketing.servces={x}"])) == [
        "--set 'ticketing.servces={x}':1:11 unknown_key",
        "a.yaml:3:67 unknown_role",
        "b.yaml:1:22 ambiguous_scalar",
        "b.yaml:1:45 missing_field",
        "b.yaml:1:45 missing_field",
        "b.yaml:1:45 missing_field",
    ]


def test_a_syntax_error_in_one_file_does_not_hide_the_findings_in_others() -> None:
    assert findings_in(ValuesInput(numbered("a: [", "ticketing: {enabled: on}"))) == [
        "0.yaml:1:5 syntax_error",
        "1.yaml:1:22 ambiguous_scalar",
    ]


def test_a_duplicate_name_is_reported_with_both_locations() -> None:
    argument = "ticketing.workflows[1].name=hotfix"
    with pytest.raises(InvalidDeclaration, match=r"already declared at base\.yaml:3:14") as invalid:
        declare(ValuesInput([("base.yaml", BASE)], [argument]))
    locations = {finding.code: str(finding.at) for finding in invalid.value.findings}
    assert locations["duplicate_name"] == f"--set {argument!r}:1:29"


def test_references_across_files_are_resolved() -> None:
    assert declare(ValuesInput(BOTH)).ticketing.catalog.items[0].workflow == "hotfix"
    files = [*BOTH, ("last.yaml", "ticketing: {workflows: []}")]
    assert findings_in(ValuesInput(files)) == ["production.yaml:5:80 unknown_workflow"]


def test_null_in_a_later_file_restores_the_default() -> None:
    files = [("base.yaml", BASE), ("later.yaml", "ticketing: {autoClose: null, workflows: null}")]
    ticketing = declare(ValuesInput(files)).ticketing
    assert (ticketing.auto_close.after_resolved, ticketing.workflows) == ("72h", ())


@pytest.mark.parametrize("key", ["interlock", "platform.interlock"])
def test_the_section_of_a_subchart_is_below_its_key(key: str) -> None:
    parts = key.split(".")
    text = BASE
    for part in reversed(parts):
        text = f"{part}:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    arguments = [f"{key}.ticketing.enabled=false"]
    declaration = declare(ValuesInput([("umbrella.yaml", text)], arguments, key=key))
    assert not declaration.ticketing.enabled
    location = f"umbrella.yaml:{3 + len(parts)}:{14 + 2 * len(parts)}"
    assert str(declaration.location("workflows", 0, "name")) == location


WITHOUT_EFFECT = {
    "a misspelt section in one file": (
        [BASE, "ticketting: {enabled: false}"],
        "",
        "1.yaml:1:1",
        "'ticketting' misspelt",
    ),
    "a misspelt key": (
        ["interlok: {ticketing: {}}"],
        "interlock",
        "0.yaml:1:1",
        "'interlok' misspelt",
    ),
    "a misspelt key in one file": (
        ["interlock: {ticketing: {}}", "interlok: {ticketing: {}}"],
        "interlock",
        "1.yaml:1:1",
        "There is no 'interlock.ticketing' section",
    ),
    "a missing key option": (
        ["interlock: {ticketing: {}}"],
        "",
        "0.yaml:1:1",
        "under 'interlock'",
    ),
    "a key of a scalar": (["interlock: 1"], "interlock", "0.yaml:1:12", "no 'interlock."),
    "a file with a list": ([BASE, "[1]"], "", "1.yaml:1:1", "no top-level 'ticketing'"),
    "only files of other charts": (["a: 1", "b: 2"], "", "1.yaml:1:1", "no top-level 'ticketing'"),
}


@pytest.mark.parametrize(
    ("texts", "key", "location", "words"), WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT
)
def test_a_file_that_would_have_no_effect_is_reported(
    texts: list[str], key: str, location: str, words: str
) -> None:
    with pytest.raises(InvalidDeclaration, match=words) as invalid:
        declare(ValuesInput(numbered(*texts), key=key))
    assert [str(finding.at) for finding in invalid.value.findings] == [location]


OVERSIZED: dict[str, ValuesInput] = {
    "no values": ValuesInput(),
    "too many files": ValuesInput(numbered(*[""] * (limits.VALUES_FILES + 1))),
    "too much text": ValuesInput(numbered(*["#" * limits.DOCUMENT_BYTES] * 5)),
    "too long arguments": ValuesInput(set_values=["a=" + "1" * limits.ARGUMENTS_CHARACTERS]),
}


@pytest.mark.parametrize("values", OVERSIZED.values(), ids=OVERSIZED)
def test_empty_and_oversized_input_is_refused(values: ValuesInput) -> None:
    with pytest.raises(InvalidInput):
        read_values(values)


# --- compared with Helm -------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "yes", "1"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@pytest.fixture
def chart(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: chart, version: 0.1.0}")
    return tmp_path


def merged_by_helm(
    folder: pathlib.Path, lower: dict[str, Any], upper: dict[str, Any]
) -> dict[str, Any]:
    (folder / "values.yaml").write_text(json.dumps(lower))
    with helm_python.Chart.load(folder) as chart:
        merged: dict[str, Any] = chart.merge_values(upper)
    return merged


def without_any_null(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a chart, in which a null has no meaning."""
    return {
        key: without_any_null(each) if isinstance(each, dict) else each
        for key, each in mapping.items()
        if each is not None
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lower=MAPPINGS.map(without_any_null), upper=MAPPINGS)
@example(lower={"a": {"b": 1}}, upper={"a": None})
@example(lower={"a": {"b": 1}}, upper={"a": {"b": None, "c": None}})
@example(lower={"a": {"b": 1}}, upper={"a": 1})
@example(lower={"a": 1}, upper={"a": {"b": 1}})
@example(lower={"a": [1, 2]}, upper={"a": [None]})
def test_files_are_merged_as_helm_merges_values_into_a_chart(
    chart: pathlib.Path, lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    files = [("lower.yaml", json.dumps(lower)), ("upper.yaml", json.dumps(upper))]
    ours = without_nulls(read_values(ValuesInput(files)).value, lower)
    assert ours == merged_by_helm(chart, lower, upper)


def leaves(value: Value, path: Path = ()) -> Iterator[Path]:
    match value:
        case dict():
            for key, each in value.items():
                yield from leaves(each, (*path, key))
        case _:
            yield path


@given(lower=MAPPINGS, upper=MAPPINGS)
def test_every_leaf_has_a_location_in_the_file_that_it_came_from(
    lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    files = [("lower.yaml", json.dumps(lower)), ("upper.yaml", json.dumps(upper))]
    values = read_values(ValuesInput(files))
    of_upper = set(leaves(upper))
    for path in leaves(values.value):
        assert values.location(path).file == ("upper.yaml" if path in of_upper else "lower.yaml")
