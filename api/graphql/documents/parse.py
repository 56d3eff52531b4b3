"""The text of a client's document -> graphql-core's tree, within bounds that prevent recursion.

Brackets make a parser recurse, so they are counted first, in one linear pass. Brackets in strings
and comments do not count.
"""

import re
from collections.abc import Iterator
from typing import Final

from graphql import DocumentNode, GraphQLSyntaxError, parse

from api.graphql.errors import ParseFailed, RequestLimitExceeded, check_limit
from api.limits import GraphQLLimits

_BRACKETS: Final = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*+"""|"(?:\\.|[^"\\\n])*+"|\#[^\n\r]*+|[\[({]|[\])}]'
)
"""Brackets, and the strings and comments in which brackets do not count."""

_PARSER_COUNTS: Final = ("tokens", "comments")


def parse_document(text: str, limits: GraphQLLimits) -> DocumentNode:
    """Return the tree of a client's document.

    Raises:
        ParseFailed: the text is not GraphQL.
        RequestLimitExceeded: the text is too large or too deep.

    """
    size = len(text.encode(errors="surrogatepass"))
    check_limit("document_bytes", limits.document_bytes, size)
    check_limit("nesting_levels", limits.nesting_levels, max(_bracket_levels(text), default=0))
    try:
        return parse(
            text,
            max_lexical_tokens=limits.document_tokens,
            max_comments=limits.document_comments,
            allow_empty_selection_sets=False,
        )
    except GraphQLSyntaxError as error:
        raise _parser_error(error, limits) from None


def _bracket_levels(text: str) -> Iterator[int]:
    """Yield how many brackets are open after each one, whether or not they match."""
    level = 0
    for match in _BRACKETS.finditer(text):
        level += (match[0] in "[({") - (match[0] in "])}")
        yield level


def _parser_error(
    error: GraphQLSyntaxError, limits: GraphQLLimits
) -> ParseFailed | RequestLimitExceeded:
    """Return why the parser stopped: at one of its limits, or at text that is not GraphQL."""
    for counted in _PARSER_COUNTS:
        limit = f"document_{counted}"
        bound: int = getattr(limits, limit)
        if f"more than {bound} {counted}" in error.message:
            message = f"The document has more than {bound:,} {counted}."
            return RequestLimitExceeded(message, limit=limit, bound=bound)
    return ParseFailed(error)
