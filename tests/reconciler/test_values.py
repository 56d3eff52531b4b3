"""Values files laid over one another mean what Helm makes of them, and know where they stand."""

import pytest

from engine import limits
from engine.declaration.source_map import Path, Value
from engine.errors import InvalidDeclaration, InvalidInput
from reconciler.values import declare_values, read_values

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

LAYERS: dict[str, tuple[list[str], Value]] = {
    "mappings merge deeply": (["a: {b: {c: 1}}", "a: {b: {d: 2}}"], {"a": {"b": {"c": 1, "d": 2}}}),
    "lists are replaced": (["a: [1, 2]", "a: [3]"], {"a": [3]}),
    "a later scalar wins": (["a: 1", "a: 2", "a: 3"], {"a": 3}),
    "a scalar takes the place of a mapping": (["a: {b: 1}", "a: 2"], {"a": 2}),
    "a mapping takes the place of a scalar": (["a: 1", "a: {b: 2}"], {"a": {"b": 2}}),
    "null wins too": (["a: {b: 1, c: 2}", "a: {b: null}"], {"a": {"b": None, "c": 2}}),
    "what stands over a null starts anew": (
        ["a: {b: 1}", "a: null", "a: {c: 2}"],
        {"a": {"c": 2}},
    ),
    "an empty file says nothing": (["a: 1", "", "# nothing\n"], {"a": 1}),
    "an alias is not changed where it is repeated": (
        ["a: &x {b: 1}\nc: *x\n", "a: {b: 2}"],
        {"a": {"b": 2}, "c": {"b": 1}},
    ),
}


def named(*texts: str) -> list[tuple[str, str]]:
    return [(f"{number}.yaml", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(("texts", "value"), LAYERS.values(), ids=LAYERS)
def test_layers_mean_what_helm_makes_of_them(texts: list[str], value: Value) -> None:
    assert read_values(named(*texts)).value == value


SETS: dict[str, tuple[list[str], Value]] = {
    "a path": (["a.b=c"], {"a": {"b": "c", "d": [{"e": 1}, 2]}}),
    "several, the last wins": (["a.b=1,a.b=2", "a.b=3"], {"a": {"b": 3, "d": [{"e": 1}, 2]}}),
    "an item of a list": (["a.d[0].e=x"], {"a": {"d": [{"e": "x"}, 2]}}),
    "a new item at the end of a list": (["a.d[2].e=x"], {"a": {"d": [{"e": 1}, 2, {"e": "x"}]}}),
    "a list of words": (["a.d={x,1,true}"], {"a": {"d": ["x", 1, True]}}),
    "a comma at the end": (["a=1,"], {"a": 1}),
    "no value at all": (["a="], {"a": ""}),
    "escapes": ([r"a.x\.y=1\,2\=\\"], {"a": {"d": [{"e": 1}, 2], "x.y": r"1,2=\ ".strip()}}),
    "words with a type": (
        ["a={true,FALSE,Null,0,-7,+7,007,1.5,yes,~}"],
        {"a": [True, False, None, 0, -7, 7, "007", "1.5", "yes", "~"]},
    ),
}


@pytest.mark.parametrize(("arguments", "value"), SETS.values(), ids=SETS)
def test_an_argument_sets_what_helm_sets(arguments: list[str], value: Value) -> None:
    assert read_values(named("a: {d: [{e: 1}, 2]}"), arguments).value == value


def test_set_string_makes_text_of_everything_and_comes_last() -> None:
    reading = read_values(named("a: 1"), ["a=2,b=3"], set_strings=["a=true"])
    assert reading.value == {"a": "true", "b": 3}


WRONG_ARGUMENTS = {
    "no value": ("a", 2, "Here should stand '=' (found the end)."),
    "no name": ("=1", 1, "A name is missing here"),
    "no name after a dot": ("a.=1", 3, "A name is missing here"),
    "an index that is no number": ("a[x]=1", 2, "An index is a number in brackets"),
    "an index that is negative": ("a[-1]=1", 2, "An index is a number in brackets"),
    "an index without an end": ("a[0", 2, "An index is a number in brackets"),
    "an index beyond the end": (
        "l[3]=1",
        2,
        "[3] would leave a gap; the next item of this list is [2]",
    ),
    "an index of a mapping": ("m[0]=1", 2, "[0] can't be set in a mapping; it takes a list."),
    "a key of a list": ("l.x=1", 3, "'x' can't be set in a list; it takes a mapping."),
    "a key of a scalar": ("s.x=1", 3, "'x' can't be set in 5; it takes a mapping."),
    "a key of null": ("z.x=1", 3, "'x' can't be set in null; it takes a mapping."),
    "a list without an end": ("a={1,2", 7, "Here should stand '}' (found the end)."),
    "text after a list": ("a={1}2", 6, "Here should stand ',' (found '2')."),
    "a backslash at the end": ("a=1\\", 4, "Here should stand ',' (found '\\\\')."),
    "a number too large": (
        "a=9007199254740993",
        3,
        "Helm cannot represent 9007199254740993 exactly",
    ),
    "a path without end": (".".join("a" * 31) + "=1", 62, "at most 30 steps"),
    "half a character": ("a=\ud800", 3, "This is not Unicode"),
}


@pytest.mark.parametrize(
    ("argument", "column", "words"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS
)
def test_a_wrong_argument_is_told_with_its_column(argument: str, column: int, words: str) -> None:
    reading = read_values(named("{l: [1, 2], m: {}, s: 5, z: null}"), [argument])
    (finding,) = reading.findings
    assert (finding.code, finding.at.line, finding.at.column) == ("wrong_assignment", 1, column)
    assert finding.at.file == f"--set {argument[:60]!r}"
    assert words in finding.message


PLACES: dict[str, tuple[Path, str]] = {
    "what only the lower file has": (("workflows", 0, "name"), "base.yaml:3:14"),
    "what only the upper file has": (("catalog", "items", 0, "workflow"), "production.yaml:5:80"),
    "what the lower file has beside it": (("catalog", "categories", 0), "base.yaml:5:18"),
    "what the upper file sets": (("enabled",), "production.yaml:3:12"),
    "what an argument sets": (
        ("autoClose", "afterResolved"),
        "--set 'ticketing.autoClose.afterResolved=1h':1:35",
    ),
    "what nobody set": (("services",), "production.yaml:3:3"),
}


@pytest.mark.parametrize(("path", "place"), PLACES.values(), ids=PLACES)
def test_every_value_knows_where_the_one_that_won_stands(path: Path, place: str) -> None:
    files = [("base.yaml", BASE), ("production.yaml", PRODUCTION)]
    declaration = declare_values(files, ["ticketing.autoClose.afterResolved=1h"])
    assert str(declaration.location(*path)) == place


def complaints(
    files: list[tuple[str, str]], sets: list[str] | None = None, key: str = ""
) -> list[str]:
    with pytest.raises(InvalidDeclaration) as caught:
        declare_values(files, sets or [], key)
    return [f"{finding.at} {finding.code}" for finding in caught.value.findings]


def test_all_complaints_of_all_files_are_told_at_once() -> None:
    files = [
        ("a.yaml", BASE.replace("role: any", "role: anyone")),
        ("b.yaml", "ticketing: {enabled: yes, catalog: {items: [{name: i}]}}"),
    ]
    assert complaints(files, ["ticketing.servces={x}", "ticketing.enabled"]) == [
        "--set 'ticketing.enabled':1:18 wrong_assignment",
        "b.yaml:1:22 ambiguous_scalar",
    ]
    assert complaints(files, ["ticketing.servces={x}"]) == [
        "--set 'ticketing.servces={x}':1:11 unknown_key",
        "a.yaml:3:67 unknown_role",
        "b.yaml:1:22 ambiguous_scalar",
        "b.yaml:1:45 missing_field",
        "b.yaml:1:45 missing_field",
        "b.yaml:1:45 missing_field",
    ]


def test_a_name_that_is_used_twice_points_into_both_layers() -> None:
    argument = "ticketing.workflows[1].name=hotfix"
    with pytest.raises(InvalidDeclaration, match=r"already declared at base.yaml:3:14") as caught:
        declare_values([("base.yaml", BASE)], [argument])
    places = {finding.code: str(finding.at) for finding in caught.value.findings}
    assert places["duplicate_name"] == f"--set {argument!r}:1:29"


def test_a_reference_into_another_layer_is_followed() -> None:
    files = [("base.yaml", BASE), ("production.yaml", PRODUCTION)]
    assert declare_values(files).ticketing.catalog.items[0].workflow == "hotfix"
    assert complaints([*files, ("last.yaml", "ticketing: {workflows: []}")]) == [
        "production.yaml:5:80 unknown_workflow"
    ]


def test_null_in_a_later_file_gives_the_default_back() -> None:
    files = [("base.yaml", BASE), ("later.yaml", "ticketing: {autoClose: null, workflows: null}")]
    ticketing = declare_values(files).ticketing
    assert (ticketing.auto_close.after_resolved, ticketing.workflows) == ("72h", ())


@pytest.mark.parametrize("key", ["interlock", "platform.interlock"])
def test_the_section_of_a_subchart_is_found_below_its_key(key: str) -> None:
    steps = key.split(".")
    text = BASE
    for step in reversed(steps):
        text = f"{step}:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    declaration = declare_values([("umbrella.yaml", text)], [f"{key}.ticketing.enabled=false"], key)
    assert not declaration.ticketing.enabled
    deeper = len(steps)
    place = f"umbrella.yaml:{3 + deeper}:{14 + 2 * deeper}"
    assert str(declaration.location("workflows", 0, "name")) == place


LOST = {
    "a misspelt section of one layer": (
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
    "a misspelt key of one layer": (
        ["interlock: {ticketing: {}}", "interlok: {ticketing: {}}"],
        "interlock",
        "1.yaml:1:1",
        "There is no 'interlock.ticketing' section",
    ),
    "a key that nobody gave": (
        ["interlock: {ticketing: {}}"],
        "",
        "0.yaml:1:1",
        "under 'interlock'",
    ),
    "a key that holds no mapping": (["interlock: 1"], "interlock", "0.yaml:1:12", "no 'interlock."),
    "a layer that is a list": ([BASE, "[1]"], "", "1.yaml:1:1", "no top-level 'ticketing'"),
    "only layers of others": (["a: 1", "b: 2"], "", "1.yaml:1:1", "no top-level 'ticketing'"),
}


@pytest.mark.parametrize(("texts", "key", "place", "words"), LOST.values(), ids=LOST)
def test_a_layer_that_would_be_passed_over_is_told(
    texts: list[str], key: str, place: str, words: str
) -> None:
    with pytest.raises(InvalidDeclaration, match=words) as caught:
        declare_values(named(*texts), (), key)
    assert [str(finding.at) for finding in caught.value.findings] == [place]


BOUNDLESS: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    "no values": ([], []),
    "too many files": (named(*[""] * (limits.VALUES_FILES + 1)), []),
    "too much text": (named(*["#" * limits.DOCUMENT_BYTES] * 5), []),
    "too much to set": ([], ["a=" + "1" * limits.ARGUMENTS_CHARACTERS]),
}


@pytest.mark.parametrize(("files", "arguments"), BOUNDLESS.values(), ids=BOUNDLESS)
def test_more_than_anybody_means_is_refused(
    files: list[tuple[str, str]], arguments: list[str]
) -> None:
    with pytest.raises(InvalidInput):
        read_values(files, arguments)


def test_a_file_that_cannot_be_read_hides_nothing_of_the_others() -> None:
    assert complaints(named("a: [", "ticketing: {enabled: on}")) == [
        "0.yaml:1:5 syntax_error",
        "1.yaml:1:22 ambiguous_scalar",
    ]
