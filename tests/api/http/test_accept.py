"""What a client accepts, and what it gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.accept import NotAcceptable, best_match

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
OFFERED = (GRAPHQL, JSON)

ACCEPTED = {
    "nothing said": ("", JSON),
    "blanks": (" ", JSON),
    "anything": ("*/*", JSON),
    "anything of application": ("application/*", JSON),
    "the one": (GRAPHQL, GRAPHQL),
    "the other": (JSON, JSON),
    "any case": ("Application/GraphQL-Response+JSON", GRAPHQL),
    "both": (f"{GRAPHQL}, {JSON}", GRAPHQL),
    "both, the other way round": (f"{JSON}, {GRAPHQL}", GRAPHQL),
    "both, with the encoding": (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
    "the encoding in quotes": (f'{GRAPHQL};charset="UTF-8"', GRAPHQL),
    "what the edition recommends": (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
    "the other liked better": (f"{GRAPHQL};q=0.5, {JSON}", JSON),
    "named rather than anything": (f"{JSON}, text/plain, */*", JSON),
    "the one and anything": (f"{GRAPHQL}, */*", GRAPHQL),
    "anything rather than named": (f"{JSON};q=0.1, */*;q=0.5", GRAPHQL),
    "anything but the one": (f"*/*, {GRAPHQL};q=0", JSON),
    "anything but the other": (f"*/*, {JSON};q=0", GRAPHQL),
    "a browser": ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
    "a family refused, one of it named": (f"application/*;q=0, {JSON}", JSON),
    "what can't be read beside what can": (f"what, ;;, {GRAPHQL};q=high, {JSON}", JSON),
    "a comma in quotes": (f'text/plain;a="b, {GRAPHQL}", {JSON}', JSON),
    "an extension of the quality": (f"{JSON};q=0.7", JSON),
    "blanks all over": (f"\t{GRAPHQL} ; q = 1 , ", GRAPHQL),
}


@pytest.mark.parametrize(("accept", "media_type"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_client_gets_what_it_likes_best(accept: str, media_type: str) -> None:
    assert best_match(accept, OFFERED, JSON) == media_type


REFUSED = {
    "another type": "text/html",
    "another family": "text/*",
    "quality nought": f"{JSON};q=0, {GRAPHQL};q=0.000",
    "anything at nought": "*/*;q=0",
    "another encoding": f"{JSON};charset=utf-16, {GRAPHQL};charset=latin1",
    "a profile": f"{JSON};profile=x",
    "nothing that can be read": "json",
    "half a wildcard": "*/json",
    "a quality above one": f"{JSON};q=2",
}


@pytest.mark.parametrize("accept", REFUSED.values(), ids=REFUSED)
def test_a_client_that_takes_nothing_of_it_is_told_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        best_match(accept, OFFERED, JSON)
    assert refused.value.details["offered"] == list(OFFERED)


PIECES = st.sampled_from([GRAPHQL, JSON, "*/*", "text/", ";q=0.3", ";", ",", '"', "\\", " ", "é"])


@given(st.lists(PIECES).map("".join) | st.text())
def test_any_header_is_answered_or_refused(accept: str) -> None:
    try:
        assert best_match(accept, OFFERED, JSON) in OFFERED
    except NotAcceptable:
        assert accept.strip()
