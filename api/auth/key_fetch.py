"""Keys, fetched: from a file, from an address, or from where an OpenID provider says they are."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, StreamReader, hdrs

from api import limits
from api.auth.key_sources import Read
from api.auth.key_urls import DISCOVERY_PATH, safe_address
from engine.errors import Unavailable

OK: Final = 200
TIMEOUT: Final = ClientTimeout(total=limits.KEYS_FETCH_TIMEOUT_SECONDS)
HEADERS: Final = {hdrs.ACCEPT: "application/json", hdrs.ACCEPT_ENCODING: "identity"}


def from_file(file: Path) -> Read:
    """Return what reads a file."""
    return partial(asyncio.to_thread, file_content, file)


def from_address(address: str) -> Read:
    """Return what fetches an address."""
    return partial(fetched, address)


def from_issuer(issuer: str) -> Read:
    """Return what asks an OpenID provider where its keys are, and fetches them."""

    async def read() -> bytes:
        discovery = issuer.rstrip("/") + DISCOVERY_PATH
        return await fetched(keys_address(await fetched(discovery), issuer, discovery))

    return read


def file_content(file: Path) -> bytes:
    """Return what a file holds.

    Raises:
        Unavailable: it can't be read, or is too large.

    """
    try:
        with file.open("rb") as stream:
            return bounded(stream.read(limits.JWKS_BYTES + 1), str(file))
    except OSError as error:
        raise Unavailable(f"{file} can't be read: {error.strerror}.") from None


async def fetched(address: str) -> bytes:
    """Return what an address answers. A redirect is none: keys come from where they are asked for.

    Raises:
        Unavailable: it does not answer 200 in time, or too much.

    """
    try:
        async with (
            ClientSession(timeout=TIMEOUT, headers=HEADERS, auto_decompress=False) as session,
            session.get(address, allow_redirects=False) as response,
        ):
            if response.status != OK:
                raise Unavailable(f"{address} answers {response.status}, not {OK}.")
            return await body_of(response.content, address)
    except (ClientError, OSError, TimeoutError) as error:
        why = str(error) or f"no answer in {limits.KEYS_FETCH_TIMEOUT_SECONDS} seconds"
        raise Unavailable(f"{address} can't be fetched: {why}.") from None


async def body_of(stream: StreamReader, address: str) -> bytes:
    """Return a body, of which no more is read than may be there."""
    body = b""
    while (chunk := await stream.readany()) and len(body) <= limits.JWKS_BYTES:
        body += chunk
    return bounded(body, address)


def bounded(content: bytes, origin: str) -> bytes:
    """Return a content; Unavailable if it is larger than any set of keys."""
    if len(content) > limits.JWKS_BYTES:
        raise Unavailable(f"{origin} holds more than {limits.JWKS_BYTES:,} bytes.")
    return content


def keys_address(document: bytes, issuer: str, origin: str) -> str:
    """Return where the keys of an issuer are, by its discovery document.

    Raises:
        Unavailable: it is none, or that of another issuer, or its keys can't be taken safely.

    """
    try:
        stated = json.loads(document)
        named, address = stated["issuer"], stated["jwks_uri"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unavailable(f"{origin} is no OpenID discovery document.") from None
    if named != issuer:
        raise Unavailable(f"{origin} is the document of {named!r}, not of {issuer!r}.")
    try:
        return safe_address(address)
    except (ValueError, TypeError, AttributeError) as error:
        raise Unavailable(f"{origin}: jwks_uri can't be used: {error}.") from None
