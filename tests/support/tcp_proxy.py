"""A TCP proxy that stalls or cuts connections, like a broken network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class TcpProxy:
    """A proxy in front of one server.

    Attributes:
        host, port: the server; a host that is a folder contains PostgreSQL's Unix socket.
        local_port: where the proxy listens.
        flowing: cleared while bytes are held back in both directions.

    """

    host: str
    port: int
    local_port: int = 0
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def stall(self) -> None:
        """Hold back all bytes; connections stay open, and new ones are accepted."""
        self.flowing.clear()

    def resume(self) -> None:
        """Pass on the bytes that were held back, and all later ones."""
        self.flowing.set()

    def cut(self) -> None:
        """Abort all connections."""
        for writer in tuple(self.writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client with the server until one of them closes."""
        await self.flowing.wait()
        try:
            upstream_reader, upstream = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        both = {writer, upstream}
        self.writers |= both
        with suppress(OSError):
            await asyncio.gather(self._pass(reader, upstream), self._pass(upstream_reader, writer))
        for each in both:
            each.transport.abort()
        self.writers -= both

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.host.startswith("/"):
            return await asyncio.open_unix_connection(f"{self.host}/.s.PGSQL.{self.port}")
        return await asyncio.open_connection(self.host, self.port)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self.flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@asynccontextmanager
async def tcp_proxy(host: str, port: int) -> AsyncIterator[TcpProxy]:
    """Run a proxy in front of a server during the block."""
    proxy = TcpProxy(host, port)
    proxy.resume()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.local_port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.resume()
        proxy.cut()
        server.close()
