"""Documents are prepared once and kept, within bounds."""

import pytest

from api.graphql.documents import Documents
from api.graphql.errors import LimitExceeded, RequestRefused
from api.limits import GraphQLLimits
from tests.api.graphql import zoo

SCHEMA = zoo.reference_schema()


def numbered(number: int) -> str:
    return f"{{ a{number}: __typename }}"


def test_a_document_is_prepared_once() -> None:
    documents = Documents(SCHEMA, GraphQLLimits())
    assert documents.prepared(numbered(1)) is documents.prepared(numbered(1))


def test_the_documents_that_were_used_last_are_kept() -> None:
    documents = Documents(SCHEMA, GraphQLLimits(prepared_documents=2))
    first = documents.prepared(numbered(1))
    second = documents.prepared(numbered(2))
    assert documents.prepared(numbered(1)) is first
    documents.prepared(numbered(3))
    assert documents.prepared(numbered(1)) is first
    assert documents.prepared(numbered(2)) is not second


def test_the_texts_that_are_kept_are_bounded_together() -> None:
    documents = Documents(SCHEMA, GraphQLLimits(prepared_documents_bytes=50))
    first = documents.prepared(numbered(1))
    assert documents.prepared(numbered(1)) is first
    large = documents.prepared(f"{numbered(2)} # {'é' * 20}")
    assert documents.prepared(numbered(1)) is not first
    assert documents.prepared(f"{numbered(2)} # {'é' * 20}") is not large


def test_a_document_that_is_refused_is_not_kept() -> None:
    documents = Documents(SCHEMA, GraphQLLimits(prepared_documents=1))
    kept = documents.prepared(numbered(1))
    with pytest.raises(RequestRefused):
        documents.prepared("{ wings }")
    assert documents.prepared(numbered(1)) is kept


def test_a_document_larger_than_all_that_is_kept_is_prepared_each_time() -> None:
    documents = Documents(SCHEMA, GraphQLLimits(prepared_documents_bytes=5))
    assert documents.prepared(numbered(1)) is not documents.prepared(numbered(1))


def test_a_validation_ends_when_its_time_is_over() -> None:
    documents = Documents(SCHEMA, GraphQLLimits(validation_seconds=1e-9))
    with pytest.raises(LimitExceeded) as refused:
        documents.prepared(numbered(1))
    assert refused.value.details == {"limit": "validation_seconds", "bound": 1e-9}
