"""Lists the background tasks of a server."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from api.auth.key_sources import KeySource, RefreshedKeys
from api.auth.tokens import TokenVerifier
from api.http.stream_sessions import StreamSessions
from api.runtime.anchors import ScheduledAnchors
from api.runtime.background_tasks import BackgroundTask, every
from api.runtime.embedded_database import embedded_database_task
from api.runtime.maintenance import maintenance_tasks
from api.runtime.refresh import refresh_task
from api.runtime.seals import Sealer
from api.runtime.server_state import ServerState
from api.runtime.values_watcher import ValuesWatcher
from api.webhooks.worker import WebhookWorker
from engine.storage.postgres.embedded import EmbeddedServer
from engine.storage.postgres.notifications import Listener
from engine.storage.web_sessions import SessionLifetime, WebSessionStore

STREAM_CHECK_SECONDS: Final = 1
"""How long a stream can outlast the key of its token, or its web session."""


def background_tasks(  # noqa: PLR0913  # the components of a server
    *,
    state: ServerState,
    listener: Listener,
    keys: KeySource,
    tokens: TokenVerifier,
    streams: StreamSessions,
    worker: WebhookWorker,
    watcher: ValuesWatcher | None,
    sealer: Sealer,
    anchors: ScheduledAnchors | None,
    session_lifetime: SessionLifetime,
    embedded: EmbeddedServer | None,
) -> Iterator[BackgroundTask]:
    """Yield all background tasks of a server; docs/operations.md describes them."""
    yield refresh_task(listener, state.refresh, state.workflows.end_subscriptions)
    yield state.changes.task
    yield state.status_page.task
    yield state.log_watch.task
    yield state.clock_watch.task
    yield BackgroundTask(
        "stream_tokens",
        partial(streams.end_revoked, tokens),
        every(STREAM_CHECK_SECONDS),
        is_essential=True,
    )
    sessions = WebSessionStore(state.databases.essential, session_lifetime)
    yield BackgroundTask(
        "stream_web_sessions",
        partial(streams.end_signed_out, sessions.find_valid),
        every(STREAM_CHECK_SECONDS),
        is_essential=True,
    )
    if isinstance(keys, RefreshedKeys):
        # Not essential: if the keys cannot be read, the old ones stay in use.
        yield BackgroundTask("token_keys", keys.read_again, keys.wait)
    yield from worker.tasks()
    if watcher is not None:
        yield watcher.task()
    yield from maintenance_tasks(
        state.databases.background, state.plugins, session_lifetime, state.tickets
    )
    yield state.declaration.task
    yield sealer.task
    if anchors is not None:
        yield anchors.task
    if embedded is not None:
        yield embedded_database_task(embedded)
