"""Documents are prepared once and cached, within bounds."""

import sys
from collections.abc import Callable
from functools import partial

import pytest

from api.graphql.documents.memory_estimate import (
    BYTES_PER_CHARACTER,
    BYTES_PER_FIELD,
    BYTES_PER_PLAN,
)
from api.graphql.documents.prepare import DocumentCache
from api.graphql.errors import RequestError, RequestLimitExceeded, response_errors
from api.limits import PLANS_PER_OPERATION, GraphQLLimits
from tests.support import sample_schema

SCHEMA = sample_schema.reference_schema()
FOUR_CONDITIONS = """
query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!) {
  a: __typename @skip(if: $a) b: __typename @skip(if: $b)
  c: __typename @skip(if: $c) d: __typename @skip(if: $d)
}
"""


def numbered(number: int) -> str:
    return f"{{ a{number}: __typename }}"


def test_a_document_is_prepared_once() -> None:
    documents = DocumentCache(SCHEMA, GraphQLLimits())
    assert documents.get(numbered(1)) is documents.get(numbered(1))


def test_the_cache_keeps_the_documents_that_were_used_last() -> None:
    documents = DocumentCache(SCHEMA, GraphQLLimits(prepared_documents=2))
    first = documents.get(numbered(1))
    second = documents.get(numbered(2))
    assert documents.get(numbered(1)) is first
    documents.get(numbered(3))
    assert documents.get(numbered(1)) is first
    assert documents.get(numbered(2)) is not second


def test_the_memory_of_all_cached_documents_is_bounded() -> None:
    size = DocumentCache(SCHEMA, GraphQLLimits()).get(numbered(1)).max_memory_bytes
    documents = DocumentCache(SCHEMA, GraphQLLimits(prepared_documents_bytes=2 * size))
    first, second = documents.get(numbered(1)), documents.get(numbered(2))
    assert documents.get(numbered(1)) is first
    third = documents.get(numbered(3))
    assert documents.get(numbered(1)) is first
    assert documents.get(numbered(3)) is third
    assert documents.get(numbered(2)) is not second


@pytest.mark.parametrize(
    ("text", "plans", "fields"),
    [
        ("{ __typename }", 1, 1),
        ("{ __schema { types { name } } }", 1, 0),
        ("query A { ...F } query B { ...F } fragment F on Query { a: __typename }", 2, 2),
        ("query ($a: Boolean!) { __typename @skip(if: $a) }", 2, 2),
        (FOUR_CONDITIONS, PLANS_PER_OPERATION, 4 * PLANS_PER_OPERATION),
    ],
)
def test_the_memory_estimate_includes_everything_that_can_be_compiled(
    text: str, plans: int, fields: int
) -> None:
    document = DocumentCache(SCHEMA, GraphQLLimits()).get(text)
    compiled = BYTES_PER_PLAN * plans + BYTES_PER_FIELD * fields
    assert document.max_memory_bytes == BYTES_PER_CHARACTER * len(text) + compiled


def refusal_of(documents: DocumentCache, text: str) -> RequestError:
    with pytest.raises(RequestError) as refused:
        documents.get(text)
    return refused.value


def test_refused_documents_displace_no_prepared_ones() -> None:
    documents = DocumentCache(SCHEMA, GraphQLLimits(prepared_documents=1))
    kept = documents.get(numbered(1))
    for number in range(3):
        refusal_of(documents, f"{{ wings{number} }}")
    assert documents.get(numbered(1)) is kept


REFUSED = {
    "not valid": "{ one two three }",
    "not GraphQL": "{ one",
    "too deep": "{ __typename }" + "{" * 60 + "}" * 60,
    "not UTF-8": "{ one\ud800 }",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_document_is_refused_again_with_the_same_errors(text: str) -> None:
    documents = DocumentCache(SCHEMA, GraphQLLimits())
    first, second = (refusal_of(documents, text) for _ in range(2))
    assert response_errors(first) == response_errors(second)
    assert type(first) is type(second)
    assert first is not second


def calls(work: Callable[[], object]) -> int:
    """Return how many functions a call calls."""
    count = 0

    def observe(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(observe)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_only_the_refused_documents_that_were_sent_last_are_remembered() -> None:
    documents = DocumentCache(SCHEMA, GraphQLLimits(refused_documents=2))
    first, second, third = (f"{{ {'wings ' * 50} }} #{number}" for number in range(3))
    work = {text: calls(partial(refusal_of, documents, text)) for text in (first, second)}
    for text in (first, second, third, second):
        refusal_of(documents, text)
    assert calls(partial(refusal_of, documents, second)) < work[second] / 20
    assert calls(partial(refusal_of, documents, first)) > work[first] / 2


def test_a_document_that_is_larger_than_the_cache_is_prepared_each_time() -> None:
    size = DocumentCache(SCHEMA, GraphQLLimits()).get(numbered(1)).max_memory_bytes
    documents = DocumentCache(SCHEMA, GraphQLLimits(prepared_documents_bytes=size))
    kept, large = documents.get(numbered(1)), f"{numbered(2)} #"
    assert documents.get(large) is not documents.get(large)
    assert documents.get(numbered(1)) is kept


def test_validation_stops_at_its_time_limit() -> None:
    documents = DocumentCache(SCHEMA, GraphQLLimits(validation_seconds=1e-9))
    with pytest.raises(RequestLimitExceeded) as refused:
        documents.get(numbered(1))
    assert refused.value.details == {"limit": "validation_seconds", "bound": 1e-9}
