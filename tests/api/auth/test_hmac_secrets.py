"""Secrets in a file, which is read again and again: how one takes the place of another."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from api import limits
from api.auth import TokenRefusal, Tokens
from api.auth.hmac_secrets import secrets_in
from api.auth.key_fetch import from_file
from api.auth.key_sources import LiveSecrets
from api.demo import with_secret
from api.settings import Settings
from engine.errors import Misconfigured
from tests.support.rotating_keys import AT_ONCE, CLAIMS, Clock, refusal
from tests.support.signers import HS256, NOW, OLD_SECRET, RSA_JWK, SECRET, by_secret, jwks

NEW = HS256.token(CLAIMS)
OLD = HS256.token(CLAIMS, sign=by_secret(OLD_SECRET))
PUBLIC_KEY = generate_private_key(SECP256R1()).public_key()
PEM = PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
DER = PUBLIC_KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
OPENSSH = PUBLIC_KEY.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def kept_in(file: Path, clock: Clock) -> LiveSecrets:
    return LiveSecrets(from_file(file), str(file), must_begin=True, clock=clock)


async def test_a_secret_takes_the_place_of_another_while_both_are_good(
    file: Path, clock: Clock
) -> None:
    write(file, OLD_SECRET)
    live = kept_in(file, clock)
    tokens = Tokens(live, clock=lambda: NOW)
    await live.begin()
    assert await refusal(tokens, NEW) is TokenRefusal.BAD_SIGNATURE
    clock.now += AT_ONCE
    write(file, f"{SECRET}\n{OLD_SECRET}\n")
    for token in (NEW, OLD):  # of which the first has the file read again
        assert (await tokens.identified(token)).id == "u_b1"
    clock.now += AT_ONCE
    write(file, SECRET)
    await live.renew()
    assert tokens.actor_of(NEW).id == "u_b1"
    assert await refusal(tokens, OLD) is TokenRefusal.BAD_SIGNATURE


async def test_tokens_by_no_secret_cause_one_reading_in_a_while(file: Path, clock: Clock) -> None:
    write(file, OLD_SECRET)
    live = kept_in(file, clock)
    tokens = Tokens(live, clock=lambda: NOW)
    await live.begin()
    await refusal(tokens, NEW)
    write(file, SECRET)
    assert await refusal(tokens, NEW) is TokenRefusal.BAD_SIGNATURE
    clock.now += AT_ONCE
    assert (await tokens.identified(NEW)).id == "u_b1"


def test_the_demo_needs_no_secret_beside_a_file(file: Path) -> None:
    settings = Settings(jwt_secret_file=file)
    assert with_secret(settings) == settings


LINES: dict[str, bytes] = {
    "no line end": f"{SECRET}\n{OLD_SECRET}".encode(),
    "the line ends of Windows": f"{SECRET}\r\n{OLD_SECRET}\r\n".encode(),
    "empty lines and blanks": f"\n  {SECRET}\t\n\n \n{OLD_SECRET}\n\n".encode(),
}


@pytest.mark.parametrize("content", LINES.values(), ids=LINES)
def test_a_secret_is_a_line(content: bytes) -> None:
    assert [each.get_secret_value() for each in secrets_in(content)] == [SECRET, OLD_SECRET]


SPOILT: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it has 0 secrets, and needs 1 to 5"),
    "empty lines": (b"\n \n", "it has 0 secrets"),
    "too many": (
        "\n".join([SECRET] * (limits.JWT_SECRETS + 1)).encode(),
        "it has 6 secrets, and needs 1 to 5, one a line",
    ),
    "a short one below a good one": (
        f"{SECRET}\n\n{OLD_SECRET[:-1]}".encode(),
        "line 3 has less than 32 characters",
    ),
    "a public key": (PEM.encode(), "it is a public key"),
    "a public key below a good one": (f"{SECRET}\n{PEM}".encode(), "line 2 has less than 32"),
    "a public key without lines": (DER, "it isn't UTF-8 text"),
    "a public key of OpenSSH": (OPENSSH.encode(), "it is a public key"),
    "one below a good one": (f"{SECRET}\n{OPENSSH}".encode(), "line 2 is a public key"),
    "a key set": (jwks(RSA_JWK), "it is a public key, a key set"),
    "a key set on many lines": (
        json.dumps({"keys": [RSA_JWK]}, indent=2).encode(),
        "it is a public key, a key set",
    ),
    "a key below a good one": (
        f"{SECRET}\n{json.dumps(RSA_JWK)}".encode(),
        "line 2 is a public key",
    ),
    "no text": (SECRET.encode() + b"\xff\xfe", "it isn't UTF-8 text"),
    "a file too large": (b" " * (limits.JWKS_BYTES + 1), "holds more than 262,144 bytes"),
}


@pytest.mark.parametrize(("content", "reason"), SPOILT.values(), ids=SPOILT)
async def test_a_file_that_is_spoilt_changes_nothing_and_the_log_tells_without_secrets(
    content: bytes, reason: str, file: Path, clock: Clock
) -> None:
    write(file, OLD_SECRET)
    live = kept_in(file, clock)
    tokens = Tokens(live, clock=lambda: NOW)
    with capture_logs() as lines:
        await live.begin()
        write(file, content)
        await live.renew()
    assert reason in lines[-1]["reason"]
    assert lines[-1]["old_keys_in_use"]
    for shown in (str(lines), repr(live.keys.keys)):
        assert not [each for each in (SECRET, OLD_SECRET[:-1], "xff") if each in shown]
    assert tokens.actor_of(OLD).id == "u_b1"


@pytest.mark.parametrize(("content", "reason"), SPOILT.values(), ids=SPOILT)
async def test_a_server_does_not_start_with_a_spoilt_file(
    content: bytes, reason: str, file: Path, clock: Clock
) -> None:
    write(file, content)
    with pytest.raises(Misconfigured) as refused:
        await kept_in(file, clock).begin()
    assert reason in refused.value.message
    assert SECRET not in refused.value.message
