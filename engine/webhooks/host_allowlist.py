"""Which hosts webhooks may call: what the operators of the servers listed, and nothing else.

Three forms of entry: `hooks.example.com` is that host, and `*.example.com` every host below it, by
https and on public addresses only. `http://chat.internal:8080`, an origin written out, is a host
inside: that scheme and port, and private addresses too.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from engine.webhook_urls import HTTPS, PORTS, Origin, parse_host, parse_webhook_url
from engine.webhooks.ip_ranges import Reach

BELOW: Final = "*."
SCHEME: Final = re.compile(r"https?://")


@dataclass(frozen=True, slots=True)
class HostList:
    """The allow-list.

    Attributes:
        names: hosts that may be called by https.
        suffixes: with their leading dot; hosts that end in one may be called by https.
        origins: what may be called wherever it stands.

    """

    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    origins: frozenset[Origin] = frozenset()

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the list of entries that commas or spaces separate.

        Raises:
            ValueError: an entry is of none of the forms.

        """
        entries = [each for each in re.split(r"[\s,]+", text.lower()) if each]
        origins = {origin(each) for each in entries if SCHEME.match(each)}
        rest = [each for each in entries if not SCHEME.match(each)]
        suffixes = [each.removeprefix("*") for each in rest if each.startswith(BELOW)]
        names = frozenset(parse_host(each) for each in rest if not each.startswith(BELOW))
        for suffix in suffixes:
            parse_host(suffix.removeprefix("."))
        return cls(names, tuple(sorted(suffixes)), frozenset(origins))

    def reach_to(self, target: Origin) -> Reach | None:
        """Return which addresses a call to a target may lead to; None if it may not be called."""
        if target in self.origins:
            return Reach.INSIDE
        is_listed = target.host in self.names or target.host.endswith(self.suffixes)
        return Reach.PUBLIC if is_listed and target.scheme == HTTPS else None


NO_HOSTS: Final = HostList()


def origin(text: str) -> Origin:
    """Return the target of an origin.

    Raises:
        ValueError: it is none, or has a path.

    """
    target = parse_webhook_url(text)
    if text.rstrip("/") not in {str(target), f"{target}:{PORTS[target.scheme]}"}:
        raise ValueError(f"{text!r} must be an origin, such as http://chat.internal:8080")
    return target
