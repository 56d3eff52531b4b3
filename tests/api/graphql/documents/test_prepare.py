"""Documents are prepared once and kept, within bounds."""

import pytest

from api.graphql.documents.memory_estimate import BYTES_A_CHARACTER, BYTES_A_FIELD, BYTES_A_PLAN
from api.graphql.documents.prepare import Documents
from api.graphql.errors import LimitExceeded, RequestRefused
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


def test_what_is_kept_is_bounded_together() -> None:
    taken = Documents(SCHEMA, GraphQLLimits()).prepared(numbered(1)).bytes_at_most
    documents = Documents(SCHEMA, GraphQLLimits(prepared_documents_bytes=2 * taken))
    first, second = documents.prepared(numbered(1)), documents.prepared(numbered(2))
    assert documents.prepared(numbered(1)) is first
    third = documents.prepared(numbered(3))
    assert documents.prepared(numbered(1)) is first
    assert documents.prepared(numbered(3)) is third
    assert documents.prepared(numbered(2)) is not second


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
def test_a_document_is_taken_for_all_that_may_be_compiled_of_it(
    text: str, plans: int, fields: int
) -> None:
    document = Documents(SCHEMA, GraphQLLimits()).prepared(text)
    compiled = BYTES_A_PLAN * plans + BYTES_A_FIELD * fields
    assert document.bytes_at_most == BYTES_A_CHARACTER * len(text) + compiled


def test_a_document_that_is_refused_is_not_kept() -> None:
    documents = Documents(SCHEMA, GraphQLLimits(prepared_documents=1))
    kept = documents.prepared(numbered(1))
    with pytest.raises(RequestRefused):
        documents.prepared("{ wings }")
    assert documents.prepared(numbered(1)) is kept


def test_a_document_larger_than_all_that_is_kept_is_prepared_each_time() -> None:
    taken = Documents(SCHEMA, GraphQLLimits()).prepared(numbered(1)).bytes_at_most
    documents = Documents(SCHEMA, GraphQLLimits(prepared_documents_bytes=taken))
    kept, large = documents.prepared(numbered(1)), f"{numbered(2)} #"
    assert documents.prepared(large) is not documents.prepared(large)
    assert documents.prepared(numbered(1)) is kept


def test_a_validation_ends_when_its_time_is_over() -> None:
    documents = Documents(SCHEMA, GraphQLLimits(validation_seconds=1e-9))
    with pytest.raises(LimitExceeded) as refused:
        documents.prepared(numbered(1))
    assert refused.value.details == {"limit": "validation_seconds", "bound": 1e-9}
