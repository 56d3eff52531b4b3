"""The reader reads a text as Helm does, or rejects it."""

import json
from collections.abc import Iterator
from typing import Any

import helm_python
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yaml import ScalarEvent
from yaml._yaml import CParser

from engine import limits
from engine.declaration.source_map import Path, Value
from engine.declaration.yaml_reader import read_yaml

VALUES = {
    "an empty text": ("", {}),
    "a comment": ("# nothing\n", {}),
    "scalars": (
        'a: 1\nb: 1.5\nc: text\nd: ~\ne: true\nf: "yes"\ng: 2001-01-01\nh: 1:30\n',
        {"a": 1, "b": 1.5, "c": "text", "d": None, "e": True, "f": "yes"}
        | {"g": "2001-01-01", "h": "1:30"},
    ),
    "a repeated anchor": ("a: &x [1, 2]\nb: *x\n", {"a": [1, 2], "b": [1, 2]}),
    "versions, addresses and similar text": (
        "a: 1.2.3\nb: 10.0.0.1\nc: _1\nd: 1.5.e1\ne: 0xg\nf: +\ng: 0b2\nh: -.\n",
        {"a": "1.2.3", "b": "10.0.0.1", "c": "_1", "d": "1.5.e1"}
        | {"e": "0xg", "f": "+", "g": "0b2", "h": "-."},
    ),
    "colons in lists in brackets": (
        "a: [--listen=:8080, 09:00-12:00, http://x/y, a:b]\n",
        {"a": ["--listen=:8080", "09:00-12:00", "http://x/y", "a:b"]},
    ),
    "colons in mappings in braces": (
        'a: {url: https://hooks.example.com/x, image: registry.example.com:5000/app, "b":1}\n',
        {
            "a": {
                "url": "https://hooks.example.com/x",
                "image": "registry.example.com:5000/app",
                "b": 1,
            }
        },
    ),
    "a byte order mark": ("\ufeffa: 1\n", {"a": 1}),
    "CRLF line breaks": ("a: 1\r\nb:\r\n  - 2\r\n", {"a": 1, "b": [2]}),
    "a key that overrides a merged key": (
        "b: &b {x: 1}\nc: {<<: *b, x: 2}\n",
        {"b": {"x": 1}, "c": {"x": 2}},
    ),
    "a merge of several mappings": (
        "b: &b {x: 1}\nc: &c {x: 2, z: 3}\nd: {<<: [*b, *c]}\n",
        {"b": {"x": 1}, "c": {"x": 2, "z": 3}, "d": {"x": 1, "z": 3}},
    ),
    "a merge in document order": (
        "b: &b {x: 1, z: 2}\nc: {x: 9, <<: *b, z: 3}\n",
        {"b": {"x": 1, "z": 2}, "c": {"x": 1, "z": 3}},
    ),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_a_text_is_read_as_helm_does(text: str, value: dict[str, Any]) -> None:
    document = read_yaml(text, "values.yaml")
    assert (document.findings, document.value) == ((), value)
    assert helm_python.values_from_yaml(text) == value


INVALID = {
    "a boolean of YAML 1.1": ("a: yes\n", [("ambiguous_scalar", 1, 4)]),
    "a key of YAML 1.1": ("on: 1\n", [("non_string_key", 1, 1)]),
    "a number as a key": ("a: 1\n1: 2\n", [("non_string_key", 2, 1)]),
    "an octal of YAML 1.1": ("a: 014\n", [("ambiguous_scalar", 1, 4)]),
    "a number too large": ("a: 9007199254740993\n", [("unsupported_number", 1, 4)]),
    "a number with underscores": ("a: 1_000\n", [("ambiguous_scalar", 1, 4)]),
    "a number that is infinite as float64": ("a: 1e999\n", [("unsupported_number", 1, 4)]),
    "an infinity": ("a: .inf\n", [("unsupported_number", 1, 4)]),
    **{
        f"a key that begins with U+{ord(invisible):04X}": (
            f"{invisible}a: 1\n",
            [("invisible_character", 1, 1)],
        )
        for invisible in "\u00a0\u2007\u202f\u3000\u200b\u200e\u2060"
    },
    "a byte order mark after a comment": ("# c\n\ufeffa: 1\n", [("invisible_character", 2, 1)]),
    "a byte order mark before a key": ("b:\n  \ufeffa: 1\n", [("invisible_character", 2, 3)]),
    "a key that ends with an invisible character": (
        "b: {a\u200b: 1}\n",
        [("invisible_character", 1, 5)],
    ),
    "a quoted key that begins with a space": ("' a': 1\n", [("invisible_character", 1, 1)]),
    "a duplicate key": ("a: 1\nb: 2\na: 3\n", [("duplicate_key", 3, 1)]),
    "a duplicate key that overrides a merged key": (
        "b: &b {x: 1}\nc: {<<: *b, x: 2, x: 3}\n",
        [("duplicate_key", 2, 19)],
    ),
    "a duplicate key with a merge in between": (
        "b: &b {x: 1}\nc: {x: 2, <<: *b, x: 3}\n",
        [("duplicate_key", 2, 19)],
    ),
    "a tab before a value": ("a:\n\tb: 1\n", [("syntax_error", 2, 1)]),
    "a template as a value": ("a: {{ .Values.x }}\n", [("template", 1, 4)]),
    "a template as a line": ("a: 1\n{{ include }}\n", [("template", 2, 1)]),
    "a tag": ("a: !!binary aGk=\n", [("unsupported_tag", 1, 4)]),
    "an unknown alias": ("a: *x\n", [("unknown_alias", 1, 4)]),
    "an alias of itself": ("a: &x [*x]\n", [("unknown_alias", 1, 8)]),
    "two documents": ("a: 1\n---\nb: 2\n", [("not_one_document", 2, 1)]),
    "a directive": ("%YAML 1.1\n---\na: 1\n", [("unsupported_directive", 1, 1)]),
    "a merge of a scalar": ("a: {<<: 1}\n", [("merge_not_mapping", 1, 9)]),
    "a key that is a list": ("[1]: 2\n", [("non_string_key", 1, 1)]),
    "an open bracket": ("a: [1\n", [("syntax_error", 2, 1)]),
    "a NUL": ("é: 1\na: \x00\n", [("syntax_error", 2, 4)]),
    "a surrogate": ("a: \ud800\n", [("syntax_error", 1, 4)]),
    "a position after a byte order mark": ("\ufeffa: yes\n", [("ambiguous_scalar", 1, 4)]),
    "a position after CRLF line breaks": (
        "a: 1\r\nb: yes\r\n",
        [("ambiguous_scalar", 2, 4)],
    ),
    "too many findings": (
        "- yes\n" * 200,
        [("ambiguous_scalar", line, 3) for line in range(1, limits.DOCUMENT_FINDINGS + 1)]
        + [("too_many_findings", limits.DOCUMENT_FINDINGS, 3)],
    ),
    "too many values": (
        f"[{'a,' * (limits.DOCUMENT_NODES + 1)}]",
        [("too_many_nodes", 1, 2 * limits.DOCUMENT_NODES + 2)],
    ),
    "too many anchors": (
        "".join(f"- &a{number} x\n" for number in range(limits.DOCUMENT_ANCHORS + 1)),
        [("too_many_anchors", limits.DOCUMENT_ANCHORS + 1, 3)],
    ),
    "several findings": (
        "a: yes\nb: no\n",
        [("ambiguous_scalar", 1, 4), ("ambiguous_scalar", 2, 4)],
    ),
    "too deep": ("[" * 900, [("too_deep", 1, limits.DOCUMENT_DEPTH + 1)]),
    "too deep for the parser": ("[" * 100_000, [("syntax_error", 1, 1_001)]),
    "too large": ("#" * (limits.DOCUMENT_BYTES + 1), [("too_large", 1, 1)]),
}


@pytest.mark.parametrize(("text", "expected"), INVALID.values(), ids=INVALID)
def test_an_invalid_text_is_rejected_with_its_position(
    text: str, expected: list[tuple[str, int, int]]
) -> None:
    document = read_yaml(text, "values.yaml")
    assert [(f.code, f.at.line, f.at.column) for f in document.findings] == expected
    assert document.value is None


def test_a_billion_laughs_attack_is_stopped() -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    codes = [finding.code for finding in read_yaml("\n".join(lines), "values.yaml").findings]
    assert codes == ["alias_bomb"]


def test_a_chain_of_merges_is_stopped() -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 30)]
    codes = [finding.code for finding in read_yaml("\n".join(lines), "values.yaml").findings]
    assert codes == ["alias_bomb"]


HOSTILE_SCALARS = {
    "digits that end in a letter": "1" * 1_000_000 + "x",
    "digits and underscores": "1_" * 500_000,
    "dots": "." * 1_000_000,
    "zeros": "0" * 1_000_000,
    "an exponent": "1e" + "9" * 1_000_000,
    "hexadecimal digits": "0x" + "f" * 1_000_000,
}


@pytest.mark.parametrize("text", HOSTILE_SCALARS.values(), ids=HOSTILE_SCALARS)
def test_a_scalar_of_a_million_characters_is_resolved_in_linear_time(text: str) -> None:
    findings = read_yaml(f"a: {text}\n", "values.yaml").findings
    assert all(len(finding.message) < 200 for finding in findings)


def paths(value: Value, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each value in `value`, including its own."""
    yield path
    children = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else ()
    for step, child in (*children, *items):
        yield from paths(child, (*path, step))


def test_every_value_and_key_has_a_location() -> None:
    document = read_yaml("a:\n  - {b: 1}\nc: 2\n", "values.yaml")
    locations = {path: document.location(path)[1:] for path in paths(document.value)}
    assert locations == {(): (1, 1), ("a",): (2, 3), ("a", 0): (2, 5), ("a", 0, "b"): (2, 9)} | {
        ("c",): (3, 4)
    }
    keys = {path: document.key_location(path)[1:] for path in locations if path and path[-1] != 0}
    assert keys == {("a",): (1, 1), ("c",): (3, 1), ("a", 0, "b"): (2, 6)}


def test_the_location_of_an_aliased_value_is_that_of_the_alias() -> None:
    document = read_yaml("a: &x [1]\nb: *x\nc: &y 1\nd: *y\n", "values.yaml")
    assert [document.location(path)[1:] for path in [("b",), ("b", 0), ("d",)]] == [
        (2, 4),
        (1, 8),
        (4, 4),
    ]


def test_a_value_that_does_not_exist_has_no_location() -> None:
    document = read_yaml("a: [1]\n", "values.yaml")
    missing = [("b",), ("a", 1), ("a", -1), ("a", "0"), ("a", 0, "c"), (0,)]
    assert [path for path in missing if document.contains(path)] == []
    for path in [(), ("a", 0), *missing]:
        with pytest.raises(KeyError):
            document.key_location(path)


@given(st.lists(st.sampled_from(["é", "\U0001f600", "\n", "\r\n", "\r", "\x85", "\u2028", "\t"])))
def test_locations_count_lines_and_columns_as_the_parser_does(blanks: list[str]) -> None:
    text = "[" + ",".join(f'"{blank}"' for blank in blanks) + "]"
    parser, expected = CParser(text), []
    while (event := parser.get_event()) is not None:
        if isinstance(event, ScalarEvent):
            assert event.start_mark
            expected.append((event.start_mark.line + 1, event.start_mark.column + 1))
    document = read_yaml(text, "values.yaml")
    assert [document.location((number,))[1:] for number in range(len(expected))] == expected


SAFE = st.text("abcdefgh -_./:é", min_size=1, max_size=8).filter(lambda text: text == text.strip())
PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | SAFE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SAFE, inner, max_size=4),
    max_leaves=12,
)
ADVERSARIAL_SCALARS = """
y Y yes on off n ~ null Null true True tRUE NULL nULL 010 0x1F 0b1 0o14 0O7 1_000 1e3 1E400 1:30
2001-01-01 2001-01-01T00:00:00Z .inf -.inf .nan +1 -0 00 08 1. .5 5.e1 - -- = << ! & * 0x 0xg 1__0
_1 1_ +.5 .e1 +0x1F -0b1 -0x1F 0x1_F 9007199254740993 1e-400 100000000000000000000 '' "" '1' "on"
12e03 1.0 [] {} 0.0 -0.0 +12 ++1 1,2
"""
ADVERSARIAL = st.sampled_from(ADVERSARIAL_SCALARS.split())
WORDS = ADVERSARIAL | st.text("+-0123456789._eExXoObBaAyYnN~:", min_size=1, max_size=6)
LINES = st.tuples(SAFE.filter(str.strip) | WORDS, WORDS | SAFE).map(": ".join)


def canonical(value: object) -> str:
    """Return JSON in which 1 and 1.0 are equal, as in Helm, which uses float64."""
    plain = json.loads(json.dumps(value), parse_int=unsigned_zero, parse_float=unsigned_zero)
    return json.dumps(plain, sort_keys=True)


def unsigned_zero(number: str) -> float:
    """Return a float without the sign of -0, which Helm keeps only in some spellings."""
    return float(number) + 0.0


def assert_as_helm_or_rejected(text: str) -> None:
    document = read_yaml(text, "values.yaml")
    if document.findings or not isinstance(document.value, dict):
        return
    assert canonical(document.value) == canonical(helm_python.values_from_yaml(text)), text


@given(st.dictionaries(SAFE, PLAIN_VALUES, max_size=5))
def test_ordinary_values_are_accepted(value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False)
    document = read_yaml(text, "values.yaml")
    assert document.findings == ()
    assert canonical(document.value) == canonical(helm_python.values_from_yaml(text))
    assert canonical(document.value) == canonical(value)


HOST = st.sampled_from(["example.com", "10.0.0.1", "localhost", "a-b.c", "[::1]", "x"])
PORT = st.integers(1, 65_535)
FLOW_SCALARS = st.one_of(
    st.builds("{}://{}/{}".format, st.sampled_from(["http", "https", "tcp"]), HOST, SAFE),
    st.builds("{}:{}/{}".format, HOST, PORT, st.sampled_from(["app", "team/app:1.2", ""])),
    st.builds("{:02}:{:02}".format, st.integers(0, 24), st.integers(0, 59)),
    st.builds("{0:02}:00-{1:02}:30".format, st.integers(0, 24), st.integers(0, 24)),
    st.builds("--{}={}".format, st.sampled_from(["listen", "a.b", "v"]), WORDS),
    st.builds("--{}=:{}".format, st.sampled_from(["listen", "a.b"]), PORT),
    st.text("ab:?-/#,. ", min_size=1, max_size=6),
    WORDS,
)
FLOW = st.recursive(
    FLOW_SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(SAFE, inner).map(": ".join), max_size=3).map(
            lambda entries: f"{{{', '.join(entries)}}}"
        )
    ),
    max_leaves=6,
)


@given(FLOW.map("a: {}\n".format))
def test_flow_collections_are_read_as_helm_does_or_rejected(text: str) -> None:
    assert_as_helm_or_rejected(text)


OTHER_CHARTS = """
ingress-nginx: {tcp: {8080: "default/web:80"}, defaultMode: 0440, enabled: yes, a: 1, a: 2}
when: !!binary aGk=
shared: &shared
  replicas: 010
  on: {1: no}
"""
SECTIONS: dict[str, tuple[str, tuple[str, ...], list[tuple[str, int, int]]]] = {
    "values of other charts": (f"{OTHER_CHARTS}t: {{a: 1}}\n", ("t",), []),
    "a mistake in the section": (
        "b: yes\nt: {a: [{b: yes}]}\n",
        ("t",),
        [("ambiguous_scalar", 2, 13)],
    ),
    "a repeated section": ("t: {}\nt: {}\n", ("t",), [("duplicate_key", 2, 1)]),
    "a mistake in another key of the parent": ("i: {a: yes, t: {}}\n", ("i", "t"), []),
    "a mistake around the section": ("i: yes\n", ("i", "t"), [("ambiguous_scalar", 1, 4)]),
    "an invisible character in the key of the section": (
        "\u00a0t: {}\n",
        ("t",),
        [("invisible_character", 1, 1)],
    ),
    "a mistake in an anchor that the section uses": (
        "x: {y: &y [{b: yes}]}\nt: {a: *y}\n",
        ("t",),
        [("ambiguous_scalar", 1, 16)],
    ),
    "a mistake in a scalar that the section uses": (
        "x: &x yes\nt: {a: *x}\n",
        ("t",),
        [("ambiguous_scalar", 1, 4)],
    ),
    "a mistake in an anchor that the section uses through another": (
        "x: &x {b: yes}\ny: &y {x: *x}\nt: {<<: *y}\n",
        ("t",),
        [("ambiguous_scalar", 1, 11)],
    ),
    "a mistake in an anchor that is merged above the section": (
        "x: &x {t: {b: yes}}\n<<: *x\n",
        ("t",),
        [("ambiguous_scalar", 1, 15)],
    ),
    "a mistake in an anchor that another chart uses": ("x: &x {b: yes}\ny: *x\n", ("t",), []),
    "broken syntax elsewhere": ("x: [\nt: {}\n", ("t",), [("syntax_error", 3, 1)]),
    "many mistakes of other charts": (
        f"x: [{'yes, ' * 200}]\nt: yes\n",
        ("t",),
        [("ambiguous_scalar", 2, 4)],
    ),
}


@pytest.mark.parametrize(("text", "section", "expected"), SECTIONS.values(), ids=SECTIONS)
def test_only_what_concerns_the_section_is_judged(
    text: str, section: tuple[str, ...], expected: list[tuple[str, int, int]]
) -> None:
    document = read_yaml(text, "values.yaml", section=section)
    assert [(f.code, f.at.line, f.at.column) for f in document.findings] == expected


@given(st.lists(LINES, max_size=4).map("\n".join))
def test_adversarial_scalars_are_read_as_helm_does_or_rejected(text: str) -> None:
    assert_as_helm_or_rejected(text)


@given(st.text("ab:-[]{}&*!|>'\"%#, \n\t<1", max_size=40))
def test_any_text_is_read_as_helm_does_or_rejected(text: str) -> None:
    assert_as_helm_or_rejected(text)
