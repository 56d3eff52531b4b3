"""The allowlist of hosts that webhooks can call, as the operators of the servers configure it.

An entry has one of three forms. `hooks.example.com` allows that host, and `*.example.com` allows
all hosts below it; both only by https and at public addresses. An origin such as
`http://chat.internal:8080` allows an internal host: exactly that scheme and port, also at private
addresses.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from engine.webhook_urls import HTTPS, PORTS, Origin, parse_host, parse_webhook_url
from engine.webhooks.ip_ranges import AddressScope

_WILDCARD: Final = "*."
_SCHEME: Final = re.compile(r"https?://")


@dataclass(frozen=True, slots=True)
class HostAllowlist:
    """The hosts that webhooks can call.

    Attributes:
        names: hosts allowed by https.
        suffixes: with a leading dot; hosts that end in one are allowed by https.
        origins: targets allowed at any address.

    """

    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    origins: frozenset[Origin] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the allowlist of entries that are separated by commas or spaces.

        Raises:
            ValueError: an entry has none of the three forms.

        """
        entries = [each for each in re.split(r"[\s,]+", text.lower()) if each]
        origins = {_parse_origin(each) for each in entries if _SCHEME.match(each)}
        hosts = [each for each in entries if not _SCHEME.match(each)]
        suffixes = [each.removeprefix("*") for each in hosts if each.startswith(_WILDCARD)]
        names = frozenset(parse_host(each) for each in hosts if not each.startswith(_WILDCARD))
        for suffix in suffixes:
            parse_host(suffix.removeprefix("."))
        return cls(names, tuple(sorted(suffixes)), frozenset(origins))

    def address_scope(self, target: Origin) -> AddressScope | None:
        """Return the addresses at which a target can be called; None if it is not allowed."""
        if target in self.origins:
            return AddressScope.PRIVATE
        is_listed = target.host in self.names or target.host.endswith(self.suffixes)
        return AddressScope.PUBLIC if is_listed and target.scheme == HTTPS else None


NO_HOSTS: Final = HostAllowlist()


def _parse_origin(text: str) -> Origin:
    """Return the target of an origin; ValueError if the text is not an origin or has a path."""
    target = parse_webhook_url(text)
    if text.rstrip("/") not in {str(target), f"{target}:{PORTS[target.scheme]}"}:
        raise ValueError(f"{text!r} must be an origin, such as http://chat.internal:8080")
    return target
