"""Keys in a file, which is read again and again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from api import limits
from api.auth import TokenRefusal, Tokens
from api.auth.key_fetch import from_file
from api.auth.key_sources import LiveKeys
from engine.errors import Misconfigured
from tests.support.rotating_keys import AT_ONCE, BY_CURVE, BY_RSA, Clock, refusal
from tests.support.signers import CURVE_JWK, NOW, OTHER_JWK, RSA_JWK, jwks


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "jwks.json"
    written.write_bytes(jwks(RSA_JWK))
    return written


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def kept_in(file: Path, clock: Callable[[], float]) -> LiveKeys:
    return LiveKeys(from_file(file), str(file), must_begin=True, clock=clock)


async def test_a_file_is_read_again(file: Path, clock: Clock) -> None:
    live = kept_in(file, clock)
    tokens = Tokens(live, clock=lambda: NOW)
    await live.begin()
    assert (await tokens.identified(BY_RSA)).id == "u_b1"
    for content, token, other in (
        (jwks(CURVE_JWK, OTHER_JWK), BY_CURVE, BY_RSA),
        (b'{"keys": [', BY_CURVE, BY_RSA),
        (jwks(RSA_JWK, OTHER_JWK), BY_RSA, BY_CURVE),
    ):
        clock.now += AT_ONCE
        write(file, content)
        await live.renew()
        assert (await tokens.identified(token)).id == "u_b1"
        assert await refusal(tokens, other) is TokenRefusal.UNKNOWN_KEY


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda file: file.unlink(), "can't be read: No such file"),
    "a folder": (replace_by_folder, "can't be read: Is a directory"),
    "no set": (lambda file: file.write_text("{}"), "it is no JSON Web Key Set"),
    "a weak key": (
        lambda file: file.write_text(json.dumps({"keys": [RSA_JWK | {"n": "_" * 100}]})),
        "has 600 bits",
    ),
    "a file too large": (
        lambda file: file.write_bytes(b" " * (limits.JWKS_BYTES + 1)),
        "holds more than 262,144 bytes",
    ),
}


@pytest.mark.parametrize(("spoil", "reason"), FILES.values(), ids=FILES)
async def test_a_server_does_not_start_without_its_file(
    spoil: Callable[[Path], object], reason: str, file: Path, clock: Clock
) -> None:
    spoil(file)
    with pytest.raises(Misconfigured, match=reason):
        await kept_in(file, clock).begin()
