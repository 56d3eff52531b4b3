"""Comments on pull requests, as a Markdown parser reads them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from syrupy.assertion import SnapshotAssertion

from reconciler.hazards import hazards
from reconciler.plan import Plan
from reconciler.report.markdown import COMMENT_CHARACTERS, as_markdown
from reconciler.report.wording import NO_CHANGES, summary
from tests.support.generated_plans import PLANS, some_plans
from tests.support.plans import EXAMPLES, plan_between

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OUR_TAGS = re.compile(r"</?(?:details(?: open)?|summary|code)>")
ACTIVE_TOKENS = {"link_open", "image", "em_open", "s_open", "heading_open", "fence", "hr"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_comments(example: str, snapshot: SnapshotAssertion) -> None:
    assert as_markdown(EXAMPLES[example]()) == snapshot


# 200 changes have more details than a comment can hold, 1,500 changes have too many rows, too.
@given(PLANS, st.sampled_from([1, 200, 1_500]))
@some_plans
def test_a_truncated_comment_has_the_hazards_and_the_summary(plan: Plan, size: int) -> None:
    changes = plan.changes and plan.changes * ceil(size / len(plan.changes))
    plan = replace(plan, changes=changes)
    text = as_markdown(plan)
    assert len(text) <= COMMENT_CHARACTERS
    assert f"**{summary(plan)}**" in text
    assert all(f"`{hazard.code}`" in text and hazard.remedy in text for hazard in hazards(plan))
    assert (NO_CHANGES in text) == plan.is_empty
    rows = sum(
        line.startswith(("| `+`", "| `~`", "| `-`", "| `↺`", "| `*`")) for line in text.splitlines()
    )
    missing = f"{len(plan.changes) - rows:,} of {len(plan.changes):,} change"
    assert (f"This comment is truncated: {missing}" in text) == (rows < len(plan.changes))


@given(PLANS)
@some_plans
def test_declared_text_has_no_effect_in_a_comment(plan: Plan) -> None:
    tokens = list(flat(PARSER.parse(as_markdown(plan).removeprefix("## Interlock plan\n"))))
    assert not ACTIVE_TOKENS & {token.type for token in tokens}
    assert all(OUR_TAGS.sub("", each).strip() == "" for each in html_of(tokens))
    assert not any(re.search(r"@\w|://|www\.|#\d", text) for text in texts_outside_code(tokens))


ORIGINS = {
    "a source and a file": ("git:4f8e29c", ("a.yaml",), "from `git:4f8e29c`: `a.yaml`"),
    "only files": ("a.yaml, b.yaml", ("a.yaml", "b.yaml"), "from `a.yaml`, `b.yaml`"),
    "no files": ("git:4f8e29c", (), "from `git:4f8e29c`"),
}


@pytest.mark.parametrize(("source", "files", "origin"), ORIGINS.values(), ids=ORIGINS)
def test_the_origin_of_a_plan_is_shown_once(
    source: str, files: tuple[str, ...], origin: str
) -> None:
    text = as_markdown(plan_between({}, {}, files=files, source=source))
    assert f"Created at 2026-01-31 12:00:00 UTC {origin}\n" in text


@given(PLANS)
@some_plans
def test_all_rows_of_a_table_have_the_same_number_of_cells(plan: Plan) -> None:
    lines = as_markdown(plan).splitlines()
    tables = [token for token in PARSER.parse("\n".join(lines)) if token.type == "table_open"]
    for start, end in (token.map for token in tables if token.map):
        pipes = {line.count("|") for line in lines[start:end]}
        assert len(pipes) == 1
        assert pipes <= {4, 5, 6, 7}


def flat(tokens: list[Token]) -> Iterator[Token]:
    """Yield tokens and the tokens inside them."""
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def html_of(tokens: list[Token]) -> Iterator[str]:
    """Yield the HTML in a comment, without the text of summaries."""
    for token in tokens:
        if token.type == "html_inline":
            yield token.content
        if token.type == "html_block":
            yield re.sub(r"(?<=>)[^<>]*(?=<)", "", token.content)


def texts_outside_code(tokens: list[Token]) -> Iterator[str]:
    """Yield the texts in which GitHub recognizes mentions and references."""
    in_code = False
    for token in tokens:
        if token.type == "html_inline":
            in_code = token.content == "<code>"
        elif token.type == "text" and not in_code:
            yield token.content
