"""The syntax of a search for a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tickets.search_words import words_of
from engine.tickets.text_search import Term, TextSearch, parse_text_search


def begins(*words: str) -> Term:
    return Term(words, is_exact=False)


def equals(*words: str) -> Term:
    return Term(words, is_exact=True)


EXAMPLES: dict[str, tuple[str, TextSearch]] = {
    "a word": ("VPN", TextSearch(((begins("vpn"),),), ())),
    "all of several words": ("down vpn", TextSearch(((begins("down"), begins("vpn")),), ())),
    "short words": ("in the pc", TextSearch(((equals("in"), equals("the"), begins("pc")),), ())),
    "a short part": ("server-01 down", TextSearch(((equals("server", "01"), begins("down")),), ())),
    "a code": ("server-01", TextSearch(((begins("server", "01"),),), ())),
    "a URL": (
        "https://wiki.example.net/a?x=1",
        TextSearch(((begins("https", "wiki", "example", "net", "a", "x", "1"),),), ()),
    ),
    "quotes": ('"on Fire" now', TextSearch(((equals("on", "fire"), begins("now")),), ())),
    "one quote": ('text "down', TextSearch(((begins("text"), begins("down")),), ())),
    "typographic quotes": ("“on fire”", TextSearch(((equals("on"), begins("fire")),), ())),
    "quotes within a word": ('x"a b"', TextSearch(((equals("x"), equals("a", "b")),), ())),
    "one or the other": ("a or b c", TextSearch(((equals("a"),), (equals("b"), begins("c"))), ())),
    "OR": ("a OR b", TextSearch(((equals("a"),), (begins("b"),)), ())),
    "the word or": ("or", TextSearch(((begins("or"),),), ())),
    "or at the end": ("a or", TextSearch(((equals("a"),),), ())),
    "or in quotes": ('a "or" b', TextSearch(((equals("a"), equals("or"), begins("b")),), ())),
    "an excluded word": ("a -b-c", TextSearch(((equals("a"),),), (begins("b", "c"),))),
    "excluded quotes": ('-"b c"', TextSearch((), (equals("b", "c"),))),
    "excluded, between others": (
        "a or -b c",
        TextSearch(((equals("a"),), (begins("c"),)), (equals("b"),)),
    ),
    "an option of a command": ("--force", TextSearch(((begins("force"),),), ())),
    "a lonely hyphen": ("a - b", TextSearch(((equals("a"), begins("b")),), ())),
    "Chinese": ("支付失败", TextSearch(((begins("支付", "付失", "失败"),),), ())),
    "one character of Chinese": ("支", TextSearch(((begins("支"),),), ())),
    "Chinese in quotes": ('"支付"', TextSearch(((begins("支付"),),), ())),
    "Chinese, then Latin": ("支付abc", TextSearch(((begins("支付", "付", "abc"),),), ())),
    "a ticket id": ("TK_4f8e ", TextSearch(((begins("tk", "4f8e"),),), (), "tk_4f8e")),
    "a ticket id among words": ("a tk_4f", TextSearch(((equals("a"), begins("tk", "4f")),), ())),
    "no ticket id": ("tk_printer", TextSearch(((begins("tk", "printer"),),), ())),
    "nothing": (" ", TextSearch((), ())),
    "punctuation": ('?! -- "\'" - <> or', TextSearch(((begins("or"),),), ())),
}


@pytest.mark.parametrize(("text", "search"), EXAMPLES.values(), ids=EXAMPLES)
def test_a_text_says_what_to_search_for(text: str, search: TextSearch) -> None:
    assert parse_text_search(text) == search


@given(st.text(st.sampled_from("-\"'<>()|&!:*%_. \t🏽\u200b")))
def test_punctuation_asks_for_nothing(text: str) -> None:
    assert parse_text_search(text).is_empty


@given(st.text(st.characters(exclude_characters='-"')))
def test_no_word_is_lost(text: str) -> None:
    search = parse_text_search(text)
    assert search.is_empty == (not words_of(text))
