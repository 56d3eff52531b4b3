"""Declared text is shown as it is, and has no effect in Markdown or on a terminal."""

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from reconciler.report.escaping import code, html_code, prose, visible, visible_lines
from tests.support.generated_plans import LINES, TEXTS

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def shown(markdown: str) -> str:
    """Return the text that a reader sees for inline Markdown in a table cell."""
    tokens = PARSER.parse(f"| a |\n|---|\n| {markdown} |")
    (inline,) = [token for token in tokens if token.type == "inline"][1:]
    kinds = {"text", "code_inline"}
    return "".join(each.content for each in inline.children or [] if each.type in kinds)


@given(LINES | TEXTS)
def test_code_is_shown_as_it_is(text: str) -> None:
    quoted = f'"{text}"'
    assert shown(code(quoted)) == visible(quoted)


@given(LINES | TEXTS)
def test_a_sentence_is_shown_as_it_is(text: str) -> None:
    sentence = f"It is {text}."
    assert shown(prose(sentence)).replace("@\u200b", "@") == visible(sentence)


@given(LINES | TEXTS)
def test_html_code_contains_no_other_html(text: str) -> None:
    assert html_code(text).count("<") == 2


ESCAPED = {
    "printable text": ("payment api, ß, 日本, 🙂", "payment api, ß, 日本, 🙂"),
    "an escape sequence": ("\x1b[31mred", "\\x1b[31mred"),
    "a C1 control": ("\x9b31m", "\\x9b31m"),
    "a line break": ("a\nb\r\u2028", "a\\nb\\r\\u2028"),
    "a change of direction": ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
    "zero-width characters": ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
    "a lone surrogate": ("\udcff", "\\udcff"),
    "an invisible tag character": ("\U000e0041", "\\U000e0041"),
}


@pytest.mark.parametrize(("text", "shown"), ESCAPED.values(), ids=ESCAPED)
def test_invisible_characters_are_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_line_breaks_stay_in_a_text_of_several_lines() -> None:
    assert visible_lines("a\u202eb\n\x1b[2Jc") == "a\\u202eb\n\\x1b[2Jc"
