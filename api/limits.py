"""Every named upper bound of the doors, units last (design section 8 for GraphQL's)."""

from dataclasses import dataclass
from typing import Final

BODY_BYTES: Final = 256 * 1024
"""Of one HTTP request."""
REQUEST_ID_CHARACTERS: Final = 64
READINESS_SECONDS: Final = 5
ACCEPT_HEADERS: Final = 256
"""Whose meaning a process remembers: clients send few different ones."""

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
REMEMBERED_PEOPLE: Final = 10_000
"""Of whom a process knows that they are written down already."""

SHUTDOWN_SECONDS: Final = 10
"""What requests in flight get to finish, and as long again to be cancelled."""

PAGE_ITEMS: Final = 20
"""Of a page, where a request gives no size; also what it then costs."""

GRAPHQL_BATCH: Final = 100
"""Of operations in one request, for whoever configures any."""


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


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one stream of answers may take, over a socket or as server-sent events.

    Attributes:
        waiting_changes: of one subscription, that its reader has not taken yet.
        send_seconds: that a client may take no byte while there is something for it.
        heartbeat_seconds: from one sign of life to the next.
        message_bytes: of one message of a socket.
        messages_at_once, messages_a_second: of a socket: a burst, and what it gains back.
        operations: of a socket at once.
        initialisation_seconds: until the client of a socket says who it is.
        close_seconds: until the client of a socket has closed it, too.

    """

    waiting_changes: int = 1_000
    send_seconds: float = 10
    heartbeat_seconds: float = 20
    message_bytes: int = BODY_BYTES
    messages_at_once: int = 200
    messages_a_second: float = 50
    operations: int = 100
    initialisation_seconds: float = 10
    close_seconds: float = 5


STREAM_LIMITS: Final = StreamLimits()
