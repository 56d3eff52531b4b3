"""The media type of a response is the one that the `Accept` header prefers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.accept import NotAcceptable, best_match
from api.http.request_head import HeadTooLarge
from api.limits import ACCEPT_CHARACTERS

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
OFFERED = (GRAPHQL, JSON)

ACCEPTED = {
    "no header": ("", JSON),
    "only blanks": (" ", JSON),
    "anything": ("*/*", JSON),
    "anything of application": ("application/*", JSON),
    "the first type": (GRAPHQL, GRAPHQL),
    "the second type": (JSON, JSON),
    "capitals": ("Application/GraphQL-Response+JSON", GRAPHQL),
    "both types": (f"{GRAPHQL}, {JSON}", GRAPHQL),
    "both types in reverse": (f"{JSON}, {GRAPHQL}", GRAPHQL),
    "both types with a charset": (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
    "a charset in quotes": (f'{GRAPHQL};charset="UTF-8"', GRAPHQL),
    "the header that the specification recommends": (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
    "the second type preferred": (f"{GRAPHQL};q=0.5, {JSON}", JSON),
    "a named type and a wildcard": (f"{JSON}, text/plain, */*", JSON),
    "the first type and a wildcard": (f"{GRAPHQL}, */*", GRAPHQL),
    "a wildcard preferred to a named type": (f"{JSON};q=0.1, */*;q=0.5", GRAPHQL),
    "anything except the first type": (f"*/*, {GRAPHQL};q=0", JSON),
    "anything except the second type": (f"*/*, {JSON};q=0", GRAPHQL),
    "a browser": ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
    "an excluded family with one named type": (f"application/*;q=0, {JSON}", JSON),
    "malformed elements among valid ones": (f"what, ;;, {GRAPHQL};q=high, {JSON}", JSON),
    "a comma in quotes": (f'text/plain;a="b, {GRAPHQL}", {JSON}', JSON),
    "only a quality": (f"{JSON};q=0.7", JSON),
    "blanks everywhere": (f"\t{GRAPHQL} ; q = 1 , ", GRAPHQL),
}


@pytest.mark.parametrize(("accept", "media_type"), ACCEPTED.values(), ids=ACCEPTED)
def test_the_preferred_media_type_is_chosen(accept: str, media_type: str) -> None:
    assert best_match(accept, OFFERED, JSON) == media_type


NOT_ACCEPTABLE = {
    "another type": "text/html",
    "another family": "text/*",
    "a quality of zero": f"{JSON};q=0, {GRAPHQL};q=0.000",
    "a wildcard with a quality of zero": "*/*;q=0",
    "another charset": f"{JSON};charset=utf-16, {GRAPHQL};charset=latin1",
    "a profile": f"{JSON};profile=x",
    "a malformed header": "json",
    "half a wildcard": "*/json",
    "a quality above one": f"{JSON};q=2",
}


@pytest.mark.parametrize("accept", NOT_ACCEPTABLE.values(), ids=NOT_ACCEPTABLE)
def test_an_error_lists_the_offered_media_types(accept: str) -> None:
    with pytest.raises(NotAcceptable) as raised:
        best_match(accept, OFFERED, JSON)
    assert raised.value.details["offered"] == list(OFFERED)


PIECES = st.sampled_from([GRAPHQL, JSON, "*/*", "text/", ";q=0.3", ";", ",", '"', "\\", " ", "é"])


@given(st.lists(PIECES).map("".join) | st.text())
def test_any_header_has_a_result_or_an_error(accept: str) -> None:
    try:
        assert best_match(accept, OFFERED, JSON) in OFFERED
    except NotAcceptable:
        assert accept.strip()


def test_a_header_that_is_too_long_is_refused_before_it_is_parsed() -> None:
    header = JSON.ljust(ACCEPT_CHARACTERS)
    assert best_match(header, OFFERED, GRAPHQL) == JSON
    with pytest.raises(HeadTooLarge):
        best_match(header + " ", OFFERED, GRAPHQL)
