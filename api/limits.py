"""Every limit of the interfaces, units last.

The constants are fixed. The fields of the classes are settings (`api.limits_setting`).
"""

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import Field

BODY_PROBLEMS: Final = 20
"""Problems to report for one body."""
REFUSED_ALERTS: Final = 100
"""Refused alerts to list for one request of Alertmanager."""
REQUEST_ID_CHARACTERS: Final = 64
READINESS_SECONDS: Final = 4
METRICS_RATE: Final = 2
"""Sustained renderings of the metrics a second; more requests get the latest one."""
METRICS_BURST: Final = 20
ACCEPT_CHARACTERS: Final = 1_000
"""An `Accept` header. Parsing one of 16 KB takes 18 ms, and can precede authentication."""
ACCEPT_HEADERS: Final = 256
"""Parsed `Accept` headers to cache. Clients send few different ones."""

HEAD_FIELD_BYTES: Final = 16_384
"""The URL of a request, and each of its headers."""
HEAD_BYTES: Final = 65_536
"""All headers of a request."""
HEAD_FIELDS: Final = 100
PATH_CHARACTERS: Final = 1_024
"""The path of a URL, as it was sent. Routing a path with 16,000 slashes takes 30 ms."""
RECEIVED_BYTES_MIN: Final = 49_152
"""What a client has to read of a full send buffer in `send_seconds`."""
RESERVED_DESCRIPTORS: Final = 256
"""File descriptors for everything but connections of clients: databases, webhooks, files."""
CONNECTION_WARNING_SECONDS: Final = 60
"""The time between two warnings about too many connections."""
EVICTED_CONNECTIONS: Final = 64
"""Idle connections that are closed at a time when there are too many: finding them takes 2 ms."""
IDLE_SEARCH_SECONDS: Final = 1
"""The time until idle connections are searched again after no connection was idle."""
READ_BUFFER_BYTES: Final = 65_536
"""Unread input of one connection; twice as much pauses reading."""
DISCARDED_BYTES: Final = 256 * 1024
"""Input to discard after a response to a request that was not read completely."""
DISCARDING_SECONDS: Final = 2
"""How long the client of such a request can take to close the connection."""
TOKEN_CHARACTERS: Final = 8_000
"""Half of a header, so that a token that is too long gets a clear error."""
TOKEN_LIFETIME_DAYS: Final = 365
VERIFIED_TOKENS: Final = 1_000
LICENCE_TEXT_CHARACTERS: Final = 200
LICENCE_PLUGINS: Final = 100
LATEST_SECOND: Final = 253_402_300_799
"""The end of the year 9999, in seconds since 1970."""
API_KEY_CHARACTERS: Final = 200
"""Longer keys are refused without hashing them; our keys have 46 characters."""
CLOCK_LEEWAY_SECONDS: Final = 60
"""The default difference between clocks that is tolerated."""
CLOCK_LEEWAY_SECONDS_MAX: Final = 300
CLOCK_DIFFERENCE_SECONDS: Final = 2
"""By how much the clocks of a server and of the database can differ without a warning."""
AUDIENCES: Final = 20
CLAIM_NAME_CHARACTERS: Final = 200
JWT_SECRET_CHARACTERS_MIN: Final = 32
"""RFC 7518, section 3.2: a secret must be at least as long as the hash, 256 bits."""
JWT_SECRETS: Final = 5
"""Secrets in one file. A token does not name its secret, so each of them may have to be tried."""
JWKS_BYTES: Final = 256 * 1024
"""A key set, a file of secrets, or a discovery document."""
JWKS_KEYS: Final = 100
RSA_BITS_MIN: Final = 2_048
"""NIST SP 800-131A disallows shorter keys."""
RSA_BITS_MAX: Final = 8_192
"""The library refuses longer signatures."""
KEYS_REFRESH_SECONDS: Final = 300
"""How often keys are fetched, and so how long a removed key can stay valid."""
KEYS_FILE_REFRESH_SECONDS: Final = 5
UNKNOWN_KEY_REFRESH_SECONDS: Final = 10
"""The shortest time between two fetches that tokens with an unknown key cause."""
KEYS_FETCH_TIMEOUT_SECONDS: Final = 5
KNOWN_USERS: Final = 10_000
"""Users that a process remembers to be stored already."""
KNOWN_USER_SECONDS: Final = 15 * 60
"""How long it remembers a user, because a database that goes back in time can lose the record."""

TASK_RETRY_SECONDS: Final = 1
"""The longest delay after the first failure of a background task; it doubles with each failure."""
TASK_RETRY_SECONDS_MAX: Final = 10
TASK_RUN_SECONDS_MAX: Final = 600
ESSENTIAL_RUN_SECONDS_MAX: Final = 10
"""A run of a background task that requests depend on."""

EXPORT_RETRY_SECONDS: Final = 10
"""When to ask again for an export while there are too many."""
ADMINISTRATION_SECONDS_MAX: Final = 600
"""A request that applies a declaration."""
EXPORT_BATCH_SECONDS_MAX: Final = 300
"""How long a client can take to read one batch of rows."""
EXPORT_SECONDS_MAX: Final = 3_600
"""An export keeps a snapshot, so that PostgreSQL cannot remove old rows meanwhile."""

DRAIN_SECONDS: Final = 10
"""The default. Kubernetes takes some seconds until no request is sent to a pod that ends."""
DRAIN_SECONDS_MAX: Final = 3_600

PROVIDER_SIGN_INS: Final = 10
"""Sign-ins of one server that wait for the OpenID provider at a time."""
CLIENT_TEXT_CHARACTERS: Final = 500
"""The id of this server at an OpenID provider, and the scopes that it requests."""
SESSION_HOURS: Final = 12
"""The default time after which a user of the web UI has to sign in again."""
SESSION_HOURS_MAX: Final = 30 * 24
SESSION_IDLE_MINUTES: Final = 120
"""The default time without a request after which they have to."""
SESSION_IDLE_MINUTES_MIN: Final = 5
"""The use of a session is recorded once a minute."""
SESSION_IDLE_MINUTES_MAX: Final = SESSION_HOURS_MAX * 60
SESSION_CLAIMS_MINUTES: Final = 30
"""The default age of the claims of a session at which a page renews them."""
SESSION_CLAIMS_MINUTES_MAX: Final = SESSION_IDLE_MINUTES_MAX
ID_TOKEN_HINT_CHARACTERS: Final = 2_000
"""A longer ID token does not fit into the URL of every OpenID provider."""

ANCHOR_MINUTES: Final = 60
"""The default time between two anchors."""
ANCHOR_MINUTES_MAX: Final = 30 * 24 * 60

SHUTDOWN_SECONDS: Final = 10
"""How long requests in flight have to finish, and then again to be cancelled."""

UNAUTHENTICATED_MESSAGE_CHARACTERS: Final = 16_384
"""A WebSocket message before the client is authenticated; the first one can have a token."""

PLANS_PER_OPERATION: Final = 8
"""Compiled plans of one GraphQL operation: one for each combination of `@skip` and `@include`."""

DEFAULT_PAGE_ITEMS: Final = 20
"""The size of a page if the request gives none; also what the page then costs."""
DEFAULT_LATEST_ENTRIES: Final = 100
"""The entries of `Ticket.history` if the request gives no number."""

GRAPHQL_BATCH: Final = 100
"""The highest number of operations in one request that can be configured."""

DATABASE_CONNECTIONS: Final = 24
"""The default number of connections of one server; reads get 8 and changes 9."""
DATABASE_CONNECTIONS_MAX: Final = 1_000

KNOWN_CLIENTS: Final = 10_000
"""Clients whose requests a process counts; the one that was idle the longest is dropped first."""

Bound: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rate: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The limits of one client of one server.

    A viewer is a user or an API key. An address is an IPv4 address or an IPv6 /64 network.

    Attributes:
        body_bytes: the size of one request body.
        viewer_requests: requests of one viewer that are processed at a time.
        viewer_rate: milliseconds that the server computes for one viewer, per second; 0 means no
            limit. Each request counts as at least one millisecond.
        viewer_burst: milliseconds for one viewer at once.
        address_rate: sustained requests a second from one address, authenticated or not; 0 means
            no limit.
        address_burst: requests from one address at once.
        request_seconds: from the first byte of a request until its response is ready. An operation
            in a stream has as much time.

    """

    body_bytes: Bound = 256 * 1024
    viewer_requests: Bound = 32
    viewer_rate: Rate = 200
    viewer_burst: Bound = 400
    address_rate: Rate = 500
    address_burst: Bound = 1_000
    request_seconds: Seconds = 20


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of the connections of one server.

    Attributes:
        connections: open connections; fewer if the limit of file descriptors is too low.
        address_connections: open connections of one address, at most half of `connections`.
        head_seconds: how long a client can take to send the head of a request.
        body_seconds: how long a client can take to send the body.
        idle_seconds: how long a connection can wait for the next request.

    """

    connections: Bound = 10_000
    address_connections: Bound = 1_000
    head_seconds: Seconds = 10
    body_seconds: Seconds = 30
    idle_seconds: Seconds = 75


@dataclass(frozen=True, slots=True)
class GraphQLLimits:
    """The limits of one GraphQL request; the defaults keep the worst document cheap.

    Attributes:
        document_bytes: the size of the document, in UTF-8.
        document_tokens: tokens of the document, without comments.
        document_comments: comments of the document; the parser stores each of them.
        nesting_levels: nested brackets in the document, and nested selections through fragments.
        depth_fields: nested fields.
        introspection_depth_fields: nested fields below `__schema` and `__type`.
        aliases: aliases in the document.
        root_fields: root fields of one operation, through fragments.
        directives: directives in the document.
        cost_points: what an operation can return: a field costs one point, a list its size, and a
            long text one point for each thousand characters.
        assumed_list_items: the size of a list if nothing else is known about it.
        overlap_comparisons: steps of graphql-core's rule that fields can be merged.
        reported_errors: errors to report for one request.
        prepared_documents: prepared documents to cache.
        prepared_documents_bytes: the estimated memory of all cached documents; a document that
            needs more is not cached.
        refused_documents: refused documents to remember, each with its errors.
        validation_seconds: computing time for validating a document that is not cached; parsing
            is bounded by `document_tokens`.
        page_tickets: tickets in one page.
        page_history: history entries in one page.
        latest_history: history entries without paging.
        page_services: services in one page.
        page_dead_letters: dead letters in one page.
        page_users: users or groups in one list.

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
    refused_documents: Bound = 1_000
    validation_seconds: Seconds = 1
    page_tickets: Bound = 100
    page_history: Bound = 100
    latest_history: Bound = 1_000
    page_services: Bound = 500
    page_dead_letters: Bound = 100
    page_users: Bound = 100


HTTP_LIMITS: Final = HttpLimits()
CONNECTION_LIMITS: Final = ConnectionLimits()
GRAPHQL_LIMITS: Final = GraphQLLimits()


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The limits of one stream: a WebSocket, or server-sent events.

    Attributes:
        waiting_changes: changes that wait for the subscriber of one subscription.
        send_seconds: how long a client can take to receive what is sent.
        heartbeat_seconds: the time between two heartbeats.
        message_bytes: the size of one WebSocket message.
        message_rate: sustained messages a second of a WebSocket; 0 means no limit.
        message_burst: messages of a WebSocket at once.
        socket_operations: operations of one WebSocket at a time.
        initialisation_seconds: how long the client of a WebSocket can take to authenticate.
        close_seconds: how long the client of a WebSocket can take to answer a close.

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
class ServerLimits:
    """The limits of one server.

    Attributes:
        exports: exports at a time; each has a connection of its own to the database.
        task_failure_seconds: how long a background task that requests depend on can fail. Then the
            subscriptions that it serves end, and the server is not ready.
        wait_seconds: how long a request waits for a connection to the database, and how long a
            change waits for other changes of the same viewer or of the same ticket.
        connection_waiters: requests that wait for a connection of one kind of work.
        ticket_waiters: changes that wait for another change of the same ticket.
        lock_wait_seconds: how long a statement waits for a lock.

    """

    exports: Bound = 2
    task_failure_seconds: Seconds = 15
    wait_seconds: Seconds = 5
    connection_waiters: Bound = 500
    ticket_waiters: Bound = 8
    lock_wait_seconds: Seconds = 2


SERVER_LIMITS: Final = ServerLimits()


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits that are settings."""

    http: HttpLimits = HTTP_LIMITS
    graphql: GraphQLLimits = GRAPHQL_LIMITS
    stream: StreamLimits = STREAM_LIMITS
    server: ServerLimits = SERVER_LIMITS
    connection: ConnectionLimits = CONNECTION_LIMITS
