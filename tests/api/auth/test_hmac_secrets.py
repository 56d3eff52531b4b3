"""Secrets are refreshed from a file, so that one can replace another."""

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from api import limits
from api.auth.errors import TokenErrorReason
from api.auth.hmac_secrets import parse_secrets
from api.auth.key_fetch import read_key_file
from api.auth.key_sources import RefreshedSecrets
from api.auth.tokens import TokenVerifier
from api.demo.run import with_secret
from api.settings import Settings
from engine.errors import Misconfigured
from tests.support.rotating_keys import CLAIMS, REFRESH_SECONDS, Clock, error_reason
from tests.support.signers import HS256, NOW, OLD_SECRET, RSA_JWK, SECRET, jwks, sign_hmac

NEW = HS256.token(CLAIMS)
OLD = HS256.token(CLAIMS, sign=sign_hmac(OLD_SECRET))
PUBLIC_KEY = generate_private_key(SECP256R1()).public_key()
PEM = PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
DER = PUBLIC_KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
OPENSSH = PUBLIC_KEY.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def secrets_of(file: Path, clock: Clock) -> RefreshedSecrets:
    read = partial(asyncio.to_thread, read_key_file, file)
    return RefreshedSecrets(read, str(file), required_at_start=True, clock=clock)


async def test_both_secrets_are_valid_while_one_replaces_the_other(
    file: Path, clock: Clock
) -> None:
    write(file, OLD_SECRET)
    keys = secrets_of(file, clock)
    verifier = TokenVerifier(keys, clock=lambda: NOW)
    await keys.start()
    assert await error_reason(verifier, NEW) is TokenErrorReason.BAD_SIGNATURE
    clock.now += REFRESH_SECONDS
    write(file, f"{SECRET}\n{OLD_SECRET}\n")
    for token in (NEW, OLD):  # the first one causes a refresh
        assert (await verifier.authenticate(token)).id == "u_b1"
    clock.now += REFRESH_SECONDS
    write(file, SECRET)
    await keys.refresh()
    assert verifier.verify(NEW).id == "u_b1"
    assert await error_reason(verifier, OLD) is TokenErrorReason.BAD_SIGNATURE


async def test_forged_tokens_cause_at_most_one_refresh_per_interval(
    file: Path, clock: Clock
) -> None:
    write(file, OLD_SECRET)
    keys = secrets_of(file, clock)
    verifier = TokenVerifier(keys, clock=lambda: NOW)
    await keys.start()
    await error_reason(verifier, NEW)
    write(file, SECRET)
    assert await error_reason(verifier, NEW) is TokenErrorReason.BAD_SIGNATURE
    clock.now += REFRESH_SECONDS
    assert (await verifier.authenticate(NEW)).id == "u_b1"


def test_the_demo_uses_a_secrets_file(file: Path) -> None:
    settings = Settings(jwt_secret_file=file)
    assert with_secret(settings) == settings


LINES: dict[str, bytes] = {
    "no line end": f"{SECRET}\n{OLD_SECRET}".encode(),
    "the line ends of Windows": f"{SECRET}\r\n{OLD_SECRET}\r\n".encode(),
    "empty lines and blanks": f"\n  {SECRET}\t\n\n \n{OLD_SECRET}\n\n".encode(),
}


@pytest.mark.parametrize("content", LINES.values(), ids=LINES)
def test_each_line_is_a_secret(content: bytes) -> None:
    assert [each.get_secret_value() for each in parse_secrets(content)] == [SECRET, OLD_SECRET]


INVALID: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the file has 0 secrets; it must have 1 to 5"),
    "empty lines": (b"\n \n", "the file has 0 secrets"),
    "too many": (
        "\n".join([SECRET] * (limits.JWT_SECRETS + 1)).encode(),
        "the file has 6 secrets; it must have 1 to 5, one per line",
    ),
    "a short one below a good one": (
        f"{SECRET}\n\n{OLD_SECRET[:-1]}".encode(),
        "line 3 has less than 32 characters",
    ),
    "a public key": (PEM.encode(), "the file is a public key"),
    "a public key below a good one": (f"{SECRET}\n{PEM}".encode(), "line 2 has less than 32"),
    "a public key without lines": (DER, "the file is not UTF-8 text"),
    "a public key of OpenSSH": (OPENSSH.encode(), "the file is a public key"),
    "a public key of OpenSSH below a good one": (
        f"{SECRET}\n{OPENSSH}".encode(),
        "line 2 is a public key",
    ),
    "a key set": (jwks(RSA_JWK), "the file is a public key, a key set"),
    "a key set on many lines": (
        json.dumps({"keys": [RSA_JWK]}, indent=2).encode(),
        "the file is a public key, a key set",
    ),
    "a key below a good one": (
        f"{SECRET}\n{json.dumps(RSA_JWK)}".encode(),
        "line 2 is a public key",
    ),
    "no text": (SECRET.encode() + b"\xff\xfe", "the file is not UTF-8 text"),
    "a file too large": (b" " * (limits.JWKS_BYTES + 1), "is larger than 262,144 bytes"),
}


@pytest.mark.parametrize(("content", "reason"), INVALID.values(), ids=INVALID)
async def test_an_invalid_file_leaves_the_secrets_in_use_and_the_log_quotes_none(
    content: bytes, reason: str, file: Path, clock: Clock
) -> None:
    write(file, OLD_SECRET)
    keys = secrets_of(file, clock)
    verifier = TokenVerifier(keys, clock=lambda: NOW)
    with capture_logs() as lines:
        await keys.start()
        write(file, content)
        await keys.refresh()
    assert reason in lines[-1]["reason"]
    assert lines[-1]["old_keys_in_use"]
    for text in (str(lines), repr(keys.keys.keys)):
        assert not [each for each in (SECRET, OLD_SECRET[:-1], "xff") if each in text]
    assert verifier.verify(OLD).id == "u_b1"


@pytest.mark.parametrize(("content", "reason"), INVALID.values(), ids=INVALID)
async def test_a_server_does_not_start_with_an_invalid_file(
    content: bytes, reason: str, file: Path, clock: Clock
) -> None:
    write(file, content)
    with pytest.raises(Misconfigured) as refused:
        await secrets_of(file, clock).start()
    assert reason in refused.value.message
    assert SECRET not in refused.value.message
