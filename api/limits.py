"""Every named upper bound of the doors, units last (design section 8 for GraphQL's)."""

from dataclasses import dataclass
from typing import Final

BODY_BYTES: Final = 256 * 1024
"""Of one HTTP request."""
REQUEST_ID_CHARACTERS: Final = 64
READINESS_SECONDS: Final = 5

TOKEN_CHARACTERS: Final = 8_000
"""The HTTP parser refuses any header above 8,190 bytes, and that refusal would not say why."""
TOKEN_LIFETIME_DAYS: Final = 365
VERIFIED_TOKENS: Final = 1_000
LICENCE_TEXT_CHARACTERS: Final = 200
LICENCE_PLUGINS: Final = 100
LATEST_SECOND: Final = 253_402_300_799
"""Of the year 9999, since 1970."""
API_KEY_CHARACTERS: Final = 200
"""What is longer is not hashed: a key of ours has 46."""
API_KEY_NAME_CHARACTERS: Final = 8
"""Of its hash, in the log."""
CLOCK_LEEWAY_SECONDS: Final = 60
"""By which clocks may differ, unless the settings say otherwise."""
CLOCK_LEEWAY_SECONDS_MOST: Final = 300
AUDIENCES: Final = 20
CLAIM_NAME_CHARACTERS: Final = 200
JWKS_BYTES: Final = 256 * 1024
"""Of a set of keys, and of a discovery document."""
JWKS_KEYS: Final = 100
RSA_BITS_LEAST: Final = 2_048
"""NIST SP 800-131A: weaker ones are not to be used any more."""
RSA_BITS_MOST: Final = 8_192
"""Of which a signature still fits into what the library reads."""
KEYS_SECONDS: Final = 300
"""After which keys are fetched again; a key that was removed is good for so long at the most."""
KEYS_FILE_SECONDS: Final = 5
KEYS_AT_ONCE_SECONDS: Final = 10
"""Between two fetches because of tokens with a key that is not known."""
KEYS_FETCH_SECONDS: Final = 5
REMEMBERED_PEOPLE: Final = 10_000
"""Of whom a process knows that they are written down already."""

SHUTDOWN_SECONDS: Final = 10
"""What requests in flight get to finish, and as long again to be cancelled."""

PAGE_ITEMS: Final = 20
"""Of a page, where a request gives no size; also what it then costs."""


@dataclass(frozen=True, slots=True)
class GraphQLLimits:
    """What one GraphQL request may ask for; the defaults keep the worst document cheap.

    Attributes:
        document_bytes: of the document's text, in UTF-8.
        document_tokens: that the parser reads; comments are counted by themselves.
        document_comments: of which the parser keeps each.
        nesting_levels: brackets within brackets in the text, and selections within selections
            through fragments.
        depth_fields: fields within fields.
        introspection_depth_fields: the same below `__schema` and `__type`.
        aliases: as written.
        root_fields: of one operation, through fragments.
        directives: as written.
        cost_points: fields that an operation may answer, lists counted by their actual size.
        assumed_list_items: the size of a list that has no `first`, `last` or `ids`.
        overlap_comparisons: units of graphql-core's rule that fields must be mergeable.
        reported_errors: of one refused request.
        prepared_documents: that are kept ready.
        prepared_documents_bytes: of their texts together; each takes up to 250 times its text.
        execution_seconds: from the first resolver to the whole answer.

    """

    document_bytes: int = 100 * 1024
    document_tokens: int = 2_000
    document_comments: int = 1_000
    nesting_levels: int = 50
    depth_fields: int = 15
    introspection_depth_fields: int = 25
    aliases: int = 200
    root_fields: int = 50
    directives: int = 50
    cost_points: int = 10_000
    assumed_list_items: int = 10
    overlap_comparisons: int = 20_000
    reported_errors: int = 20
    prepared_documents: int = 1_000
    prepared_documents_bytes: int = 256 * 1024
    execution_seconds: float = 20


GRAPHQL_LIMITS: Final = GraphQLLimits()
