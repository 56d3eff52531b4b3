"""Keys are refreshed from a file."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from api import limits
from api.auth.errors import TokenErrorReason
from api.auth.key_fetch import read_key_file
from api.auth.key_sources import RefreshedKeys
from api.auth.tokens import TokenVerifier
from engine.errors import Misconfigured
from tests.support.rotating_keys import EC_TOKEN, REFRESH_SECONDS, RSA_TOKEN, Clock, error_reason
from tests.support.signers import EC_JWK, NOW, RSA_JWK, SECOND_RSA_JWK, jwks


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "jwks.json"
    written.write_bytes(jwks(RSA_JWK))
    return written


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def keys_of(file: Path, clock: Callable[[], float]) -> RefreshedKeys:
    read = partial(asyncio.to_thread, read_key_file, file)
    return RefreshedKeys(read, str(file), required_at_start=True, clock=clock)


async def test_a_changed_file_replaces_the_keys(file: Path, clock: Clock) -> None:
    keys = keys_of(file, clock)
    verifier = TokenVerifier(keys, clock=lambda: NOW)
    await keys.start()
    assert (await verifier.authenticate(RSA_TOKEN)).id == "u_b1"
    for content, token, other in (
        (jwks(EC_JWK, SECOND_RSA_JWK), EC_TOKEN, RSA_TOKEN),
        (b'{"keys": [', EC_TOKEN, RSA_TOKEN),
        (jwks(RSA_JWK, SECOND_RSA_JWK), RSA_TOKEN, EC_TOKEN),
    ):
        clock.now += REFRESH_SECONDS
        write(file, content)
        await keys.refresh()
        assert (await verifier.authenticate(token)).id == "u_b1"
        assert await error_reason(verifier, other) is TokenErrorReason.UNKNOWN_KEY


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda file: file.unlink(), "cannot be read: No such file"),
    "a folder": (replace_by_folder, "cannot be read: Is a directory"),
    "no set": (lambda file: file.write_text("{}"), "the document is not a JSON Web Key Set"),
    "a weak key": (
        lambda file: file.write_text(json.dumps({"keys": [RSA_JWK | {"n": "_" * 100}]})),
        "has 600 bits",
    ),
    "a file too large": (
        lambda file: file.write_bytes(b" " * (limits.JWKS_BYTES + 1)),
        "is larger than 262,144 bytes",
    ),
}


@pytest.mark.parametrize(("damage", "reason"), FILES.values(), ids=FILES)
async def test_a_server_does_not_start_without_its_file(
    damage: Callable[[Path], object], reason: str, file: Path, clock: Clock
) -> None:
    damage(file)
    with pytest.raises(Misconfigured, match=reason):
        await keys_of(file, clock).start()
