"""Layers and arguments of `--set` mean to us what they mean to Helm, or we say why not."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import helm_python
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.declaration.parse import without_nulls
from engine.declaration.source_map import Path, Value
from reconciler.values import read_values

KEYS = st.sampled_from("abc")
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "yes", "1"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(KEYS, VALUES, max_size=3)


@pytest.fixture
def chart(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: chart, version: 0.1.0}")
    return tmp_path


def layered_by_helm(
    folder: pathlib.Path, lower: dict[str, Any], upper: dict[str, Any]
) -> dict[str, Any]:
    (folder / "values.yaml").write_text(json.dumps(lower))
    with helm_python.Chart.load(folder) as chart:
        merged: dict[str, Any] = chart.merge_values(upper)
    return merged


def without_any_null(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return defaults as a chart has them: a null there means nothing to anybody."""
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
def test_a_layer_over_another_is_what_helm_makes_of_values_over_a_chart(
    chart: pathlib.Path, lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    files = [("lower.yaml", json.dumps(lower)), ("upper.yaml", json.dumps(upper))]
    ours = without_nulls(read_values(files).value, lower)
    assert ours == layered_by_helm(chart, lower, upper)


def leaves(value: Value, path: Path = ()) -> Iterator[Path]:
    match value:
        case dict():
            for key, each in value.items():
                yield from leaves(each, (*path, key))
        case _:
            yield path


@given(lower=MAPPINGS, upper=MAPPINGS)
def test_every_leaf_is_placed_in_the_file_that_it_came_from(
    lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    files = [("lower.yaml", json.dumps(lower)), ("upper.yaml", json.dumps(upper))]
    reading = read_values(files)
    of_upper = set(leaves(upper))
    for path in leaves(reading.value):
        assert reading.location(path).file == ("upper.yaml" if path in of_upper else "lower.yaml")


WORDS = st.sampled_from(["true", "FALSE", "null", "0", "-7", "+7", "007", "1.5", "x y", "é", ""])
STEPS = st.sampled_from(["a", "b", "a.b", "a[0]", "a[1]", "b[0].c", "a[0][0]", "c.d", r"a\.b"])
ASSIGNMENTS = st.tuples(
    STEPS, WORDS | st.lists(WORDS, max_size=3).map(lambda w: f"{{{','.join(w)}}}")
)
ARGUMENTS = st.lists(ASSIGNMENTS.map("=".join), min_size=1, max_size=4).map(",".join)


def assert_set_as_helm_does_or_refused(argument: str) -> None:
    reading = read_values([], [argument])
    if not reading.findings:
        assert reading.value == helm_python.parse_set_string(argument)


@given(ARGUMENTS)
def test_ordinary_arguments_are_read_as_helm_reads_them_or_refused(argument: str) -> None:
    assert_set_as_helm_does_or_refused(argument)


@given(st.text("ab=,.[]{}\\01- nulTRE", max_size=12))
@example("a={}")
@example("a=1\\,b=2")
@example("a.b[0].c=1,a.b[1].c=2,")
@example("a=-01")
@example("b[0].c=")
@example("b[0].c=,")
@example("a[0].b.c=")
@example("a=fal\u017fe")
def test_any_argument_is_read_as_helm_reads_it_or_refused(argument: str) -> None:
    assert_set_as_helm_does_or_refused(argument)


@given(st.text("ab=,.{}\\01 ntrue", max_size=12))
def test_set_string_is_read_as_helm_reads_it_or_refused(argument: str) -> None:
    reading = read_values([], set_strings=[argument])
    if not reading.findings:
        assert reading.value == helm_python.parse_set_string_values(argument)


@given(st.dictionaries(KEYS, WORDS, min_size=1))
def test_a_plain_argument_is_never_refused(values: dict[str, str]) -> None:
    argument = ",".join(f"{key}={word}" for key, word in values.items())
    assert read_values([], [argument]).value == helm_python.parse_set_string(argument)
