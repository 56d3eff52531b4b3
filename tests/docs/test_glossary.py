"""The glossary defines every name that clients and operators see, and leads to existing files."""

import re
from typing import Final

import pytest
from graphql import build_schema

from api.graphql.interlock import schema_text
from engine.storage.postgres.tables import metadata
from tests.support.paths import DOCS, ROOT

GLOSSARY: Final = (DOCS / "glossary.md").read_text("utf-8")
ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in GLOSSARY.splitlines()
    if line.startswith("| ") and not line.startswith(("| term", "| ---"))
]
GENERAL: Final = GLOSSARY.partition("## Names that need no entry")[2]
METRIC: Final = re.compile(r'"interlock_([a-z_]+)"')
PAGES: Final = [
    "glossary.md",
    "security.md",
    "architecture.md",
    "decisions.md",
    "../CONTRIBUTING.md",
]
PATH: Final = re.compile(
    r"`((?:api|engine|reconciler|tests|tools|docs|charts)/[\w./]+)(?::(\w+))?`"
)


def words_of(name: str) -> set[str]:
    """Return the words of a camelCase or snake_case name, or of a text, in the singular."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {
        re.sub(r"(?<=ch)es$|(?<=[a-z])s$", "", re.sub(r"ies$", "y", each.lower())) for each in words
    }


def words_in_lists(text: str) -> set[str]:
    """Return the words of the bullet lists of a text, without the headings of the bullets."""
    bullets = re.findall(r"^- [^:]+:([^.]+)\.", text, re.MULTILINE)
    return set().union(*map(words_of, bullets))


TERMS: Final = set().union(*(words_of(row[0]) for row in ROWS))
NAMES: Final = {
    **{name: "type" for name in build_schema(schema_text()).type_map if name[:2] != "__"},
    **dict.fromkeys(metadata.tables, "table"),
    **{
        name: "metric"
        for file in (ROOT / "api").rglob("*.py")
        for name in METRIC.findall(file.read_text("utf-8"))
    },
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_type_table_and_metric_is_in_the_glossary_or_self_evident(name: str) -> None:
    assert words_of(name) <= TERMS | words_in_lists(GENERAL)


def test_every_general_word_is_used_by_a_name() -> None:
    assert words_in_lists(GENERAL) - set().union(*map(words_of, NAMES)) == set()


def test_names_of_all_three_kinds_are_found() -> None:
    assert min(list(NAMES.values()).count(kind) for kind in ("type", "table", "metric")) >= 10


def test_no_term_is_defined_twice() -> None:
    terms = [row[0] for row in ROWS]
    assert sorted(set(terms)) == sorted(terms)


@pytest.mark.parametrize("page", PAGES)
def test_every_path_in_a_page_exists_and_defines_what_the_page_names(page: str) -> None:
    for path, name in PATH.findall((DOCS / page).read_text("utf-8")):
        assert (ROOT / path).exists(), path
        if name:
            text = (ROOT / path).read_text("utf-8")
            assert re.search(rf"^(async def|def|class) {name}\b", text, re.MULTILINE), (path, name)


CLASS: Final = re.compile(r"^class (\w+)", re.MULTILINE)


@pytest.mark.parametrize("package", ["api", "engine", "reconciler", "benchmarks"])
def test_no_class_name_is_defined_twice_in_a_package(package: str) -> None:
    files = [file.read_text("utf-8") for file in sorted((ROOT / package).rglob("*.py"))]
    names = [name for text in files for name in CLASS.findall(text)]
    assert sorted(set(names)) == sorted(names)
