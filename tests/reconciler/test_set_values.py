"""Arguments of `--set` and `--set-string` mean what they mean to Helm, or are refused."""

import helm_python
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.declaration.document import YamlDocument
from engine.declaration.source_map import Value
from reconciler.values import ValuesInput, read_values


def read(text: str, set_values: list[str]) -> YamlDocument:
    return read_values(ValuesInput([("values.yaml", text)], set_values))


ASSIGNMENTS: dict[str, tuple[list[str], Value]] = {
    "a path": (["a.b=c"], {"a": {"b": "c", "d": [{"e": 1}, 2]}}),
    "several paths, of which the last wins": (
        ["a.b=1,a.b=2", "a.b=3"],
        {"a": {"b": 3, "d": [{"e": 1}, 2]}},
    ),
    "a list item": (["a.d[0].e=x"], {"a": {"d": [{"e": "x"}, 2]}}),
    "a new item at the end of a list": (["a.d[2].e=x"], {"a": {"d": [{"e": 1}, 2, {"e": "x"}]}}),
    "a list of words": (["a.d={x,1,true}"], {"a": {"d": ["x", 1, True]}}),
    "a comma at the end": (["a=1,"], {"a": 1}),
    "an empty value": (["a="], {"a": ""}),
    "escapes": ([r"a.x\.y=1\,2\=\\"], {"a": {"d": [{"e": 1}, 2], "x.y": r"1,2=\ ".strip()}}),
    "typed words": (
        ["a={true,FALSE,Null,0,-7,+7,007,1.5,yes,~}"],
        {"a": [True, False, None, 0, -7, 7, "007", "1.5", "yes", "~"]},
    ),
}


@pytest.mark.parametrize(("arguments", "value"), ASSIGNMENTS.values(), ids=ASSIGNMENTS)
def test_an_argument_assigns_as_in_helm(arguments: list[str], value: Value) -> None:
    assert read("a: {d: [{e: 1}, 2]}", arguments).value == value


INVALID = {
    "no value": ("a", 2, "Expected '=', found the end."),
    "no name": ("=1", 1, "A name is missing here"),
    "no name after a dot": ("a.=1", 3, "A name is missing here"),
    "an index that is not a number": ("a[x]=1", 2, "An index is a number in brackets"),
    "a negative index": ("a[-1]=1", 2, "An index is a number in brackets"),
    "an unclosed index": ("a[0", 2, "An index is a number in brackets"),
    "an index after the end": (
        "l[3]=1",
        2,
        "[3] would leave a gap; the next item of this list is [2]",
    ),
    "an index in a mapping": ("m[0]=1", 2, "[0] can't be set in a mapping; it needs a list."),
    "a key in a list": ("l.x=1", 3, "'x' can't be set in a list; it needs a mapping."),
    "a key in a scalar": ("s.x=1", 3, "'x' can't be set in 5; it needs a mapping."),
    "a key in null": ("z.x=1", 3, "'x' can't be set in null; it needs a mapping."),
    "an unclosed list": ("a={1,2", 7, "Expected '}', found the end."),
    "text after a list": ("a={1}2", 6, "Expected ',', found '2'."),
    "a backslash at the end": ("a=1\\", 4, "Expected ',', found '\\\\'."),
    "an integer that is too large": (
        "a=9007199254740993",
        3,
        "Helm cannot represent 9007199254740993 exactly",
    ),
    "a path that is too long": (".".join("a" * 31) + "=1", 62, "at most 30 steps"),
    "a lone surrogate": ("a=\ud800", 3, "This is not Unicode"),
}


@pytest.mark.parametrize(("argument", "column", "words"), INVALID.values(), ids=INVALID)
def test_an_invalid_argument_is_reported_with_its_column(
    argument: str, column: int, words: str
) -> None:
    (finding,) = read("{l: [1, 2], m: {}, s: 5, z: null}", [argument]).findings
    assert (finding.code, finding.at.line, finding.at.column) == ("wrong_assignment", 1, column)
    assert finding.at.file == f"--set {argument[:60]!r}"
    assert words in finding.message


# --- compared with Helm -------------------------------------------------------------------------

WORDS = st.sampled_from(["true", "FALSE", "null", "0", "-7", "+7", "007", "1.5", "x y", "é", ""])
PATHS = st.sampled_from(["a", "b", "a.b", "a[0]", "a[1]", "b[0].c", "a[0][0]", "c.d", r"a\.b"])
VALUES = WORDS | st.lists(WORDS, max_size=3).map(lambda words: f"{{{','.join(words)}}}")
ARGUMENTS = st.lists(st.tuples(PATHS, VALUES).map("=".join), min_size=1, max_size=4).map(",".join)


def assert_as_in_helm_or_refused(argument: str) -> None:
    values = read_values(ValuesInput(set_values=[argument]))
    if not values.findings:
        assert values.value == helm_python.parse_set_string(argument)


@given(ARGUMENTS)
def test_typical_arguments_are_read_as_in_helm_or_refused(argument: str) -> None:
    assert_as_in_helm_or_refused(argument)


@given(st.text("ab=,.[]{}\\01- nulTRE", max_size=12))
@example("a={}")
@example("a=1\\,b=2")
@example("a.b[0].c=1,a.b[1].c=2,")
@example("a=-01")
@example("b[0].c=")
@example("b[0].c=,")
@example("a[0].b.c=")
@example("a=fal\u017fe")
def test_any_argument_is_read_as_in_helm_or_refused(argument: str) -> None:
    assert_as_in_helm_or_refused(argument)


@given(st.text("ab=,.{}\\01 ntrue", max_size=12))
def test_set_string_is_read_as_in_helm_or_refused(argument: str) -> None:
    values = read_values(ValuesInput(set_strings=[argument]))
    if not values.findings:
        assert values.value == helm_python.parse_set_string_values(argument)


@given(st.dictionaries(st.sampled_from("abc"), WORDS, min_size=1))
def test_an_argument_with_plain_keys_is_never_refused(values: dict[str, str]) -> None:
    argument = ",".join(f"{key}={word}" for key, word in values.items())
    read_value = read_values(ValuesInput(set_values=[argument])).value
    assert read_value == helm_python.parse_set_string(argument)
