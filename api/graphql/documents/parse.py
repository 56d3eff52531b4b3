"""A client's text -> graphql-core's tree, with bounds that hold before anything recursive reads it.

The brackets are counted first, in one linear pass: they are what makes a reader recurse. Strings
and comments are skipped, so that what a text says is never taken for its form.
"""

import re
from collections.abc import Iterator
from typing import Final

from graphql import DocumentNode, GraphQLSyntaxError, parse

from api.graphql.errors import LimitExceeded, ParseFailed, refuse_above
from api.limits import GraphQLLimits

BRACKETS: Final = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*+"""|"(?:\\.|[^"\\\n])*+"|\#[^\n\r]*+|[\[({]|[\])}]'
)
"""Opening and closing brackets, and the strings and comments in which none counts."""

PARSER_COUNTS: Final = ("tokens", "comments")


def parse_document(text: str, limits: GraphQLLimits) -> DocumentNode:
    """Return the tree of a client's document.

    Raises ParseFailed if the text is not GraphQL, LimitExceeded if it is too large.
    """
    check_text(text, limits)
    try:
        return parse(
            text,
            max_lexical_tokens=limits.document_tokens,
            max_comments=limits.document_comments,
            allow_empty_selection_sets=False,
        )
    except GraphQLSyntaxError as error:
        raise parser_refusal(error, limits) from None


def check_text(text: str, limits: GraphQLLimits) -> None:
    """Refuse a text that is too long, or whose brackets stand too deep for a recursive reader."""
    size = len(text.encode(errors="surrogatepass"))
    refuse_above("document_bytes", limits.document_bytes, size)
    refuse_above("nesting_levels", limits.nesting_levels, max(bracket_levels(text), default=0))


def bracket_levels(text: str) -> Iterator[int]:
    """Yield how many brackets are open after each one, whether or not they fit each other."""
    level = 0
    for match in BRACKETS.finditer(text):
        level += (match[0] in "[({") - (match[0] in "])}")
        yield level


def parser_refusal(error: GraphQLSyntaxError, limits: GraphQLLimits) -> ParseFailed | LimitExceeded:
    """Return why the parser stopped: at a count of its own, or at a text that is not GraphQL."""
    for counted in PARSER_COUNTS:
        limit = f"document_{counted}"
        bound: int = getattr(limits, limit)
        if f"more than {bound} {counted}" in error.message:
            message = f"The document has more than {bound:,} {counted}."
            return LimitExceeded(message, limit=limit, bound=bound)
    return ParseFailed(error)
