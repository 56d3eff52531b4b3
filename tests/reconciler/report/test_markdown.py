"""A plan as a comment: read by a Markdown parser, it holds what it must and nothing that acts."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from syrupy.assertion import SnapshotAssertion

from reconciler.hazards import hazards
from reconciler.plan import Plan
from reconciler.report import as_markdown
from reconciler.report.escaping import code, html_code, prose, visible
from reconciler.report.markdown import COMMENT_CHARACTERS
from reconciler.report.wording import NOTHING_TO_DO, summary
from tests.support.generated_plans import LINES, PLANS, TEXTS
from tests.support.plans import EXAMPLES, planned

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OUR_TAGS = re.compile(r"</?(?:details(?: open)?|summary|code)>")
ACTING = {"link_open", "image", "em_open", "s_open", "heading_open", "fence", "hr"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_comment_is_as_it_was(example: str, snapshot: SnapshotAssertion) -> None:
    assert as_markdown(EXAMPLES[example]()) == snapshot


@given(PLANS, st.sampled_from([1, 40, 400]))
@settings(deadline=None)
def test_a_comment_holds_what_matters_however_much_is_cut(plan: Plan, times: int) -> None:
    plan = replace(plan, changes=plan.changes * times)
    text = as_markdown(plan)
    assert len(text) <= COMMENT_CHARACTERS
    assert f"**{summary(plan)}**" in text
    assert all(f"`{hazard.code}`" in text and hazard.remedy in text for hazard in hazards(plan))
    assert (NOTHING_TO_DO in text) == plan.is_empty
    rows = sum(line.startswith(("| `+`", "| `~`", "| `-`", "| `↺`")) for line in text.splitlines())
    missing = f"{len(plan.changes) - rows:,} of {len(plan.changes):,} change"
    assert (f"This comment is cut: {missing}" in text) == (rows < len(plan.changes))


@given(PLANS)
@settings(deadline=None)
def test_nothing_that_was_declared_acts_in_a_comment(plan: Plan) -> None:
    tokens = list(flat(READER.parse(as_markdown(plan).removeprefix("## Interlock plan\n"))))
    assert not ACTING & {token.type for token in tokens}
    assert all(OUR_TAGS.sub("", each).strip() == "" for each in html_of(tokens))
    assert not any(re.search(r"@\w|://|www\.|#\d", text) for text in texts_outside_code(tokens))


ORIGINS = {
    "a source and a file": ("git:4f8e29c", ("a.yaml",), "from `git:4f8e29c`: `a.yaml`"),
    "no source but the files": ("a.yaml, b.yaml", ("a.yaml", "b.yaml"), "from `a.yaml`, `b.yaml`"),
    "no files": ("git:4f8e29c", (), "from `git:4f8e29c`"),
}


@pytest.mark.parametrize(("source", "files", "told"), ORIGINS.values(), ids=ORIGINS)
def test_where_a_plan_came_from_is_told_once(
    source: str, files: tuple[str, ...], told: str
) -> None:
    text = as_markdown(planned({}, {}, files=files, source=source))
    assert f"Made at 2026-01-31 12:00:00 UTC {told}\n" in text


@given(PLANS)
@settings(deadline=None)
def test_every_row_has_as_many_cells_as_its_table(plan: Plan) -> None:
    lines = as_markdown(plan).splitlines()
    tables = [token for token in READER.parse("\n".join(lines)) if token.type == "table_open"]
    for start, end in (token.map for token in tables if token.map):
        pipes = {line.count("|") for line in lines[start:end]}
        assert len(pipes) == 1
        assert pipes <= {4, 5, 6, 7}


def flat(tokens: list[Token]) -> Iterator[Token]:
    """Yield tokens with those inside them."""
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def html_of(tokens: list[Token]) -> Iterator[str]:
    """Yield the HTML in a comment, the text in its summaries aside."""
    for token in tokens:
        if token.type == "html_inline":
            yield token.content
        if token.type == "html_block":
            yield re.sub(r"(?<=>)[^<>]*(?=<)", "", token.content)


def texts_outside_code(tokens: list[Token]) -> Iterator[str]:
    """Yield the texts in which a mention or a reference would be found."""
    in_code = False
    for token in tokens:
        if token.type == "html_inline":
            in_code = token.content == "<code>"
        elif token.type == "text" and not in_code:
            yield token.content


def shown(markdown: str) -> str:
    """Return the text that a reader sees of inline Markdown in a cell."""
    tokens = READER.parse(f"| a |\n|---|\n| {markdown} |")
    (inline,) = [token for token in tokens if token.type == "inline"][1:]
    kinds = {"text", "code_inline"}
    return "".join(each.content for each in inline.children or [] if each.type in kinds)


@given(LINES | TEXTS)
def test_code_shows_a_text_as_it_is(text: str) -> None:
    quoted = f'"{text}"'
    assert shown(code(quoted)) == visible(quoted)


@given(LINES | TEXTS)
def test_a_sentence_shows_a_text_as_it_is(text: str) -> None:
    sentence = f"It is {text}."
    assert shown(prose(sentence)).replace("@\u200b", "@") == visible(sentence)


@given(LINES | TEXTS)
def test_code_in_a_title_holds_no_other_html(text: str) -> None:
    assert html_code(text).count("<") == 2
