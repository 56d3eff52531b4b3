"""Every named upper bound of the doors, units last (design section 8 for GraphQL's).

The constants are fixed; what stands in a class can be set (`api.limits_setting`).
"""

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import Field

BODY_PROBLEMS: Final = 20
"""With one body, that are told."""
REQUEST_ID_CHARACTERS: Final = 64
READINESS_SECONDS: Final = 5
ACCEPT_HEADERS: Final = 256
"""Whose meaning a process remembers: clients send few different ones."""

HEAD_FIELD_BYTES: Final = 16_384
"""Of a request's address, and of each of its headers."""
TOKEN_CHARACTERS: Final = 8_000
"""Half of what a header may have, so that whose token is too long is told so."""
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
JWT_SECRET_CHARACTERS: Final = 32
"""At the least: RFC 7518, section 3.2, wants a secret to be as long as the hash, 256 bits."""
JWT_SECRETS: Final = 5
"""In one file: a token names none, so each of them may have to be tried."""
JWKS_BYTES: Final = 256 * 1024
"""Of a set of keys, a file of secrets, and a discovery document."""
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
KNOWN_USERS: Final = 10_000
"""Of whom a process knows that they are written down already."""

SHUTDOWN_SECONDS: Final = 10
"""What requests in flight get to finish, and as long again to be cancelled."""

PLANS_PER_OPERATION: Final = 8
"""Of one GraphQL operation: one for each set of answers to its `@skip` and `@include`."""

DEFAULT_PAGE_ITEMS: Final = 20
"""Of a page, where a request gives no size; also what it then costs."""

GRAPHQL_BATCH: Final = 100
"""Of operations in one request, for whoever configures any."""

KNOWN_CLIENTS: Final = 10_000
"""Whose requests a process counts; whoever has been quiet the longest is forgotten first."""

Bound: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rate: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one client may ask of the HTTP doors of one server.

    A viewer is a person or an API key; an address is that of a client, for IPv6 its /64 network.

    Attributes:
        body_bytes: of one request.
        viewer_requests: of one viewer that are answered at a time.
        viewer_rate: requests a second of one viewer, in the long run; 0 is as many as it likes.
        viewer_burst: requests of one viewer that may come at once.
        address_rate: requests a second from one address, signed in or not; 0 is as many as it
            likes.
        address_burst: requests from one address that may come at once.

    """

    body_bytes: Bound = 256 * 1024
    viewer_requests: Bound = 32
    viewer_rate: Rate = 100
    viewer_burst: Bound = 200
    address_rate: Rate = 500
    address_burst: Bound = 1_000


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
        cost_points: fields that an operation may answer, lists counted by their size and long
            texts by thousands of characters.
        assumed_list_items: the size of a list of which nothing else is known.
        overlap_comparisons: units of graphql-core's rule that fields must be mergeable.
        reported_errors: of one refused request.
        prepared_documents: that are kept ready.
        prepared_documents_bytes: of memory that they may come to take together; one that may take
            more alone is prepared each time.
        validation_seconds: of a document that is not kept ready; its reading is bounded by
            `document_tokens`.
        execution_seconds: from the first resolver to the whole answer.
        page_tickets: of one page.
        page_history: entries of one page, of one ticket.
        page_services: of one page.
        page_dead_letters: of one page of one webhook.

    """

    document_bytes: Bound = 100 * 1024
    document_tokens: Bound = 2_000
    document_comments: Bound = 1_000
    nesting_levels: Bound = 50
    depth_fields: Bound = 15
    introspection_depth_fields: Bound = 25
    aliases: Bound = 200
    root_fields: Bound = 50
    directives: Bound = 50
    cost_points: Bound = 10_000
    assumed_list_items: Bound = 10
    overlap_comparisons: Bound = 20_000
    reported_errors: Bound = 20
    prepared_documents: Bound = 1_000
    prepared_documents_bytes: Bound = 64 * 1024 * 1024
    validation_seconds: Seconds = 1
    execution_seconds: Seconds = 20
    page_tickets: Bound = 100
    page_history: Bound = 100
    page_services: Bound = 500
    page_dead_letters: Bound = 100


HTTP_LIMITS: Final = HttpLimits()
GRAPHQL_LIMITS: Final = GraphQLLimits()


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one stream of answers may take, over a socket or as server-sent events.

    Attributes:
        waiting_changes: of one subscription, that its reader has not taken yet.
        send_seconds: that a client may take no byte while there is something for it.
        heartbeat_seconds: from one sign of life to the next.
        message_bytes: of one message of a socket.
        message_rate: messages a second of a socket, in the long run; 0 is as many as it likes.
        message_burst: messages of a socket that may come at once.
        socket_operations: of one socket at a time.
        initialisation_seconds: until the client of a socket has said who it is.
        close_seconds: until the client of a socket has closed it, too.

    """

    waiting_changes: Bound = 1_000
    send_seconds: Seconds = 10
    heartbeat_seconds: Seconds = 20
    message_bytes: Bound = 256 * 1024
    message_rate: Rate = 50
    message_burst: Bound = 200
    socket_operations: Bound = 100
    initialisation_seconds: Seconds = 10
    close_seconds: Seconds = 5


STREAM_LIMITS: Final = StreamLimits()


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit that can be set."""

    http: HttpLimits = HTTP_LIMITS
    graphql: GraphQLLimits = GRAPHQL_LIMITS
    stream: StreamLimits = STREAM_LIMITS
