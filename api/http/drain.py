"""The drain: a server that must stop serves on until clients have gone to other servers.

A load balancer notices only after some time that a server is not ready. Until then it sends
requests, which must not fail.
"""

from collections.abc import Callable

from engine.errors import Unavailable


class ServerStopping(Unavailable):
    """The server is stopping. Send your requests to another server."""


class Drain:
    """Whether a server must stop.

    Attributes:
        has_begun: whether it must.
        on_begin: called with the seconds until the server stops.

    """

    def __init__(self) -> None:
        self.has_begun = False
        self.on_begin: list[Callable[[float], None]] = []

    def begin(self, seconds: float) -> None:
        """Begin the drain; the server stops in so many seconds."""
        self.has_begun = True
        for each in self.on_begin:
            each(seconds)

    def check(self) -> None:
        """Raise ServerStopping if the server must stop."""
        if self.has_begun:
            raise ServerStopping
