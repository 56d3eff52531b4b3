"""A text is stored as words; how a word is spelled does not matter."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tickets.search_words import WORD_CHARACTERS, runs_of, words_of

EXAMPLES: dict[str, tuple[str, list[str]]] = {
    "a sentence": ("The VPN is down!", ["the", "vpn", "is", "down"]),
    "a URL": (
        "https://wiki.example.net/a/b?x=1#top",
        ["https", "wiki", "example", "net", "a", "b", "x", "1", "top"],
    ),
    "a word between angle brackets": ("<GnuWord>", ["gnuword"]),
    "markup": ("<script>alert(1)</script> after", ["script", "alert", "1", "script", "after"]),
    "a code": ("ORA-00942", ["ora", "00942"]),
    "a host": ("server-01.example.com", ["server", "01", "example", "com"]),
    "paths": (r"/var/log/app.log C:\x_y", ["var", "log", "app", "log", "c", "x", "y"]),
    "numbers": ("1e5 -7 0x1F 3.14 v2", ["1e5", "7", "0x1f", "3", "14", "v2"]),
    "an e-mail address": ("ada@example.com", ["ada", "example", "com"]),
    "an escape sequence": (r"&amp; \u0041 %20", ["amp", "u0041", "20"]),
    "composed and decomposed": ("\u00e9t\u00e9 e\u0301te\u0301", ["été", "été"]),
    "case folding": ("Straße ΣΊΣΥΦΟΣ", ["strasse", "σίσυφοσ"]),
    "full width": ("\uff21\uff22\uff23 \uff11", ["abc", "1"]),
    "half width": ("\uff8c\uff9f\uff98", ["プリ", "リ"]),
    "invisible characters": (
        "pass\u00adword\u200b \ufeffzero\u200dwidth",
        ["password", "zerowidth"],
    ),
    "marks stay with their letters": ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
    "vowel signs of Arabic": ("مُحَمَّد", ["مُحَمَّد"]),
    "Chinese": ("订单支付", ["订单", "单支", "支付", "付"]),
    "Chinese punctuation": ("支付,失败。", ["支付", "付", "失败", "败"]),
    "Japanese": ("プリンタ", ["プリ", "リン", "ンタ", "タ"]),
    "Korean": ("결제 실패", ["결제", "제", "실패", "패"]),
    "Thai": ("ระบบ", ["ระ", "ะบ", "บบ", "บ"]),
    "scripts side by side": ("VPN连接fail", ["vpn", "连接", "接", "fail"]),
    "symbols": ("on🔥fire 👍🏽 ❤\ufe0f", ["on", "🔥", "fire", "👍", "❤"]),
    "a long word": ("x" * (WORD_CHARACTERS + 2), ["x" * WORD_CHARACTERS, "xx"]),
    "nothing": ("", []),
    "punctuation": ("'\"-_/\\%$&|!<->:*()[]{}~^`+=.,;?@#", []),
}


@pytest.mark.parametrize(("text", "words"), EXAMPLES.values(), ids=EXAMPLES)
def test_a_text_is_split_into_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_composed_and_decomposed_text_has_the_same_words(text: str) -> None:
    assert words_of(normalize("NFC", text)) == words_of(normalize("NFD", text)) == words_of(text)


@given(st.text())
def test_a_word_has_no_character_that_separates_words_or_that_a_query_interprets(text: str) -> None:
    for word in words_of(text):
        assert 0 < len(word) <= WORD_CHARACTERS
        assert not set(word) & set(" \t\n'\"\\&|!<>():*^$.?+[]{}-_%")


@given(st.text(st.characters(codec="ascii")))
def test_the_short_way_for_ascii_gives_the_same_words(text: str) -> None:
    assert words_of(text) == [word for run in runs_of(text) for word in run.words]


@given(st.text(), st.text())
def test_a_separator_separates(before: str, after: str) -> None:
    assert words_of(f"{before}\n{after}") == [*words_of(before), *words_of(after)]
