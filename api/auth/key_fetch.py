"""Reads documents with keys: from a file, from a URL, or by OpenID Connect discovery."""

import json
from pathlib import Path
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
    """Return the response body of a URL. Redirects are refused: they can lead to another server.

    Raises:
        Unavailable: the status is not 200, or the response is too late or too large.

    """
    try:
        async with (
            ClientSession(timeout=TIMEOUT, headers=_HEADERS, auto_decompress=False) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise Unavailable(f"{url} returned status {response.status}, not 200.")
            body = b""
            while (chunk := await response.content.readany()) and len(body) <= limits.JWKS_BYTES:
                body += chunk
            return _check_size(body, url)
    except (ClientError, OSError, TimeoutError) as error:
        reason = str(error) or f"no response in {limits.KEYS_FETCH_TIMEOUT_SECONDS} seconds"
        raise Unavailable(f"{url} cannot be fetched: {reason}.") from None


async def fetch_issuer_keys(issuer: str) -> bytes:
    """Return the keys of an OpenID provider, whose URL is in its discovery document.

    Raises:
        Unavailable: the document is invalid or of another issuer, the URL of the keys is not
            safe, or the document or the keys cannot be fetched.

    """
    url = issuer.rstrip("/") + DISCOVERY_PATH
    document = await fetch_keys(url)
    try:
        metadata = json.loads(document)
        found, keys_url = metadata["issuer"], metadata["jwks_uri"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unavailable(f"{url} is not an OpenID discovery document.") from None
    if found != issuer:
        raise Unavailable(f"{url} is the document of {found!r}, not of {issuer!r}.")
    try:
        check_key_url(keys_url)
    except (ValueError, TypeError, AttributeError) as error:
        raise Unavailable(f"{url} has an invalid jwks_uri: {error}.") from None
    return await fetch_keys(keys_url)


def _check_size(content: bytes, origin: str) -> bytes:
    if len(content) > limits.JWKS_BYTES:
        raise Unavailable(f"{origin} is larger than {limits.JWKS_BYTES:,} bytes.")
    return content
