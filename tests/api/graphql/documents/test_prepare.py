"""Documents are prepared once and cached, within bounds."""

import pytest

from api.graphql.documents.memory_estimate import (
    BYTES_PER_CHARACTER,
    BYTES_PER_FIELD,
    BYTES_PER_PLAN,
)
from api.graphql.documents.prepare import DocumentCache
from api.graphql.errors import LimitExceeded, RequestError
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


def test_an_invalid_document_is_not_cached() -> None:
    documents = DocumentCache(SCHEMA, GraphQLLimits(prepared_documents=1))
    kept = documents.get(numbered(1))
    with pytest.raises(RequestError):
        documents.get("{ wings }")
    assert documents.get(numbered(1)) is kept


def test_a_document_that_is_larger_than_the_cache_is_prepared_each_time() -> None:
    size = DocumentCache(SCHEMA, GraphQLLimits()).get(numbered(1)).max_memory_bytes
    documents = DocumentCache(SCHEMA, GraphQLLimits(prepared_documents_bytes=size))
    kept, large = documents.get(numbered(1)), f"{numbered(2)} #"
    assert documents.get(large) is not documents.get(large)
    assert documents.get(numbered(1)) is kept


def test_validation_stops_at_its_time_limit() -> None:
    documents = DocumentCache(SCHEMA, GraphQLLimits(validation_seconds=1e-9))
    with pytest.raises(LimitExceeded) as refused:
        documents.get(numbered(1))
    assert refused.value.details == {"limit": "validation_seconds", "bound": 1e-9}
