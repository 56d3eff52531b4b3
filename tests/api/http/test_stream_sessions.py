"""Streams end with the web session that authenticates them."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from api.http.stream_sessions import EndReason, StreamEnded, StreamSessions
from tests.support.lock_gates import TIMEOUT_SECONDS

LATER = datetime.now(UTC) + timedelta(hours=1)


class SignedIn:
    """The digests of valid sessions, which counts how often they are searched."""

    def __init__(self, *digests: bytes) -> None:
        self.digests = set(digests)
        self.searches = 0

    async def find(self, digests: Collection[bytes]) -> Collection[bytes]:
        self.searches += 1
        return self.digests & set(digests)


async def stay(
    streams: StreamSessions, digest: bytes | None, expires_at: datetime = LATER
) -> EndReason | None:
    """Keep a stream open until the server ends it."""
    try:
        async with streams.open() as stream:
            if digest is not None:
                stream.expire_with_web_session(digest, expires_at)
            await asyncio.Event().wait()
    except StreamEnded as ended:
        return ended.reason
    return None


async def test_a_stream_ends_when_its_user_has_signed_out() -> None:
    streams, signed_in = StreamSessions(), SignedIn(b"stays", b"leaves")
    leaving, staying, with_token = (
        asyncio.create_task(stay(streams, digest)) for digest in (b"leaves", b"stays", None)
    )
    await asyncio.sleep(0)
    await streams.end_signed_out(signed_in.find)
    assert len(streams) == 3
    signed_in.digests.remove(b"leaves")
    await streams.end_signed_out(signed_in.find)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert await leaving is EndReason.SIGNED_OUT
    assert not staying.done()
    assert not with_token.done()
    for each in (staying, with_token):
        each.cancel()


async def test_a_stream_ends_when_its_session_expires_without_the_database() -> None:
    expired = datetime.now(UTC) - timedelta(seconds=1)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert await stay(StreamSessions(), b"old", expired) is EndReason.SIGNED_OUT


async def test_without_web_sessions_nothing_is_searched() -> None:
    streams, signed_in = StreamSessions(), SignedIn()
    with_token = asyncio.create_task(stay(streams, None))
    await asyncio.sleep(0)
    await streams.end_signed_out(signed_in.find)
    assert signed_in.searches == 0
    with_token.cancel()
