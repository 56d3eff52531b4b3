"""Reads documents with keys: from a file, from a URL, or by OpenID Connect discovery."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, hdrs

from api import limits
from api.auth.key_urls import DISCOVERY_PATH, check_key_url
from engine.errors import Unavailable

TIMEOUT: Final = ClientTimeout(total=limits.KEYS_FETCH_TIMEOUT_SECONDS)
_HEADERS: Final = {hdrs.ACCEPT: "application/json", hdrs.ACCEPT_ENCODING: "identity"}


def read_key_file(file: Path) -> bytes:
    """Return the content of a file; Unavailable if it cannot be read or is too large."""
    try:
        with file.open("rb") as stream:
            return _check_size(stream.read(limits.JWKS_BYTES + 1), str(file))
    except OSError as error:
        raise Unavailable(f"{file} cannot be read: {error.strerror}.") from None


async def fetch_keys(url: str) -> bytes:
    """Return the response body of a URL.

    Raises:
        Unavailable: the status is not 200, or the response is too late or too large.

    """
    status, body = await fetch(url)
    if status != HTTPStatus.OK:
        raise Unavailable(f"{url} returned status {status}, not 200.")
    return body


async def fetch(
    url: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, bytes]:
    """Return status and body of a response. Redirects are not followed: they can lead elsewhere.

    Args:
        url: of another server.
        form: sent with POST; None for GET.
        headers: of the request, in addition to those of every request.

    Raises:
        Unavailable: the response is too late or too large.

    """
    method = hdrs.METH_GET if form is None else hdrs.METH_POST
    try:
        async with (
            ClientSession(timeout=TIMEOUT, headers=_HEADERS, auto_decompress=False) as session,
            session.request(
                method, url, data=form, headers=headers, allow_redirects=False
            ) as response,
        ):
            body = b""
            while (chunk := await response.content.readany()) and len(body) <= limits.JWKS_BYTES:
                body += chunk
            return response.status, _check_size(body, url)
    except (ClientError, OSError, TimeoutError) as error:
        reason = str(error) or f"no response in {limits.KEYS_FETCH_TIMEOUT_SECONDS} seconds"
        raise Unavailable(f"{url} cannot be fetched: {reason}.") from None


async def fetch_issuer_keys(issuer: str) -> bytes:
    """Return the keys of an OpenID provider, whose URL is in its discovery document.

    Raises:
        Unavailable: the document is invalid or of another issuer, the URL of the keys is not
            safe, or the document or the keys cannot be fetched.

    """
    metadata = await fetch_metadata(issuer)
    return await fetch_keys(metadata.url("jwks_uri"))


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The discovery document of an OpenID provider."""

    origin: str
    members: Mapping[str, object]

    def url(self, name: str) -> str:
        """Return the URL of an endpoint; Unavailable if it is missing or not safe."""
        url = self.members.get(name)
        try:
            if isinstance(url, str):
                return check_key_url(url)
            reason = "it is missing"
        except ValueError as error:
            reason = str(error)
        raise Unavailable(f"{self.origin} has an invalid {name}: {reason}.")


async def fetch_metadata(issuer: str) -> ProviderMetadata:
    """Return the discovery document of an OpenID provider.

    Raises:
        Unavailable: the document is invalid or of another issuer, or cannot be fetched.

    """
    url = issuer.rstrip("/") + DISCOVERY_PATH
    document = await fetch_keys(url)
    try:
        members = json.loads(document)
        found = members["issuer"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unavailable(f"{url} is not an OpenID discovery document.") from None
    if found != issuer:
        raise Unavailable(f"{url} is the document of {found!r}, not of {issuer!r}.")
    return ProviderMetadata(url, members)


def _check_size(content: bytes, origin: str) -> bytes:
    if len(content) > limits.JWKS_BYTES:
        raise Unavailable(f"{origin} is larger than {limits.JWKS_BYTES:,} bytes.")
    return content
