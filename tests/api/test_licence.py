"""Licences: issued licences are valid, and all others are not."""

import base64
import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from api.licence import LicenceError, LicenceKey, read_licence
from api.limits import TOKEN_CHARACTERS
from api.settings import Settings
from engine.errors import InvalidInput, Misconfigured
from engine.plugins import OPEN_EDITION, Licence, Plugin
from tests.support.command import interlock

BEGINS, ENDS = datetime(2027, 3, 28, 12, 0, tzinfo=UTC), datetime(2027, 4, 28, 12, 0, tzinfo=UTC)
SIGNER, OTHER_SIGNER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PUBLIC = SIGNER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
CLAIMS: dict[str, object] = {
    "customer": "ACME",
    "plugins": ["ticketing"],
    "exp": int(ENDS.timestamp()),
}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


PUBLIC_KEY = base64url(PUBLIC)


def signing_input(header: object, claims: object) -> str:
    return ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))


def token(
    header: object = None, claims: object = CLAIMS, signer: Ed25519PrivateKey = SIGNER
) -> str:
    """Return a token built by hand (RFC 7515, RFC 8037)."""
    text = signing_input(header or {"alg": "EdDSA"}, claims)
    return f"{text}.{base64url(signer.sign(text.encode()))}"


def confused(secret: bytes) -> str:
    """Return a token that is signed with the public key as a shared secret."""
    text = signing_input({"alg": "HS256"}, CLAIMS)
    return f"{text}.{base64url(hmac.digest(secret, text.encode(), sha256))}"


def altered(valid: str) -> str:
    """Return a token whose claims were changed after signing."""
    header, _, signature = valid.split(".")
    claims = CLAIMS | {"exp": 4_000_000_000}
    return f"{header}.{base64url(json.dumps(claims).encode())}.{signature}"


VALID = {
    "the algorithm EdDSA": token(),
    "the algorithm Ed25519": token({"alg": "Ed25519"}),
    "additional headers and claims": token(
        {"alg": "EdDSA", "typ": "JWT", "kid": "1"}, CLAIMS | {"iat": 1, "seats": 5}
    ),
    "white space around the token": f" {token()}\n",
}
INVALID: dict[str, tuple[str, LicenceError]] = {
    "alg none, unsigned": (
        signing_input({"alg": "none"}, CLAIMS) + ".",
        LicenceError.WRONG_ALGORITHM,
    ),
    "alg none, signed": (token({"alg": "none"}), LicenceError.WRONG_ALGORITHM),
    "alg NonE": (token({"alg": "NonE"}), LicenceError.WRONG_ALGORITHM),
    "HS256 with the public key": (confused(PUBLIC), LicenceError.WRONG_ALGORITHM),
    "HS256 with the text of the public key": (
        confused(PUBLIC_KEY.encode()),
        LicenceError.WRONG_ALGORITHM,
    ),
    "another algorithm of the key type": (
        token({"alg": "Ed448"}),
        LicenceError.WRONG_ALGORITHM,
    ),
    "no algorithm": (token({"typ": "JWT"}), LicenceError.MALFORMED),
    "a key in the header": (
        token(
            {
                "alg": "EdDSA",
                "jwk": {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": base64url(
                        OTHER_SIGNER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
                    ),
                },
            },
            signer=OTHER_SIGNER,
        ),
        LicenceError.BAD_SIGNATURE,
    ),
    "another key": (token(signer=OTHER_SIGNER), LicenceError.BAD_SIGNATURE),
    "claims changed after signing": (altered(token()), LicenceError.BAD_SIGNATURE),
    "no signature": (token().rpartition(".")[0] + ".", LicenceError.BAD_SIGNATURE),
    "a critical extension": (
        token({"alg": "EdDSA", "crit": ["b64"], "b64": True}),
        LicenceError.MALFORMED,
    ),
    "not a token": ("ACME", LicenceError.MALFORMED),
    "an empty text": ("", LicenceError.MALFORMED),
    "two parts": ("e30.e30", LicenceError.MALFORMED),
    "claims that are not an object": (token(claims=[]), LicenceError.MALFORMED),
    "too long": (token(claims={"x": TOKEN_CHARACTERS * "x"}), LicenceError.TOO_LARGE),
    **{
        f"without {claim}": (
            token(claims={name: CLAIMS[name] for name in CLAIMS if name != claim}),
            LicenceError.MISSING_CLAIM,
        )
        for claim in CLAIMS
    },
    **{
        f"{claim} {value!r:.20}": (
            token(claims=CLAIMS | {claim: value}),
            LicenceError.INVALID_CLAIM,
        )
        for claim, value in [
            ("exp", "2027-04-28"),
            ("exp", 1.8e9),
            ("exp", True),
            ("exp", -1),
            ("exp", 10**18),
            ("nbf", "2027-04-28"),
            ("nbf", -1),
            ("plugins", "ticketing"),
            ("plugins", [1]),
            ("plugins", 101 * ["ticketing"]),
            ("customer", ""),
            ("customer", 7),
            ("customer", "A\nB"),
        ]
    },
}


INVALID["a beginning after the end"] = (
    token(claims=CLAIMS | {"nbf": CLAIMS["exp"]}),
    LicenceError.NEVER_VALID,
)


def read(text: str) -> Licence:
    return read_licence(PUBLIC_KEY, SecretStr(text))


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
def test_a_valid_licence_allows_what_it_contains(text: str) -> None:
    assert read(text) == Licence("ACME", frozenset({"ticketing"}), ENDS)


def test_a_licence_can_begin_later() -> None:
    claims = CLAIMS | {"nbf": int(BEGINS.timestamp())}
    expected = Licence("ACME", frozenset({"ticketing"}), ENDS, BEGINS)
    assert read(token(claims=claims)) == expected
    key = LicenceKey.new()
    issued = SecretStr(key.issue("ACME", [Plugin.TICKETING], ENDS, BEGINS))
    assert read_licence(key.public_text, issued) == expected
    with pytest.raises(InvalidInput, match="begins after its end"):
        key.issue("ACME", [Plugin.TICKETING], BEGINS, ENDS)


@pytest.mark.parametrize(("text", "error"), INVALID.values(), ids=INVALID)
def test_a_licence_is_invalid_with(text: str, error: LicenceError) -> None:
    assert read(text) == Licence(error=error)


def test_without_a_key_everything_is_allowed_and_without_a_licence_nothing() -> None:
    assert read_licence(None, None) == read_licence(None, SecretStr("ACME")) == OPEN_EDITION
    assert read_licence(PUBLIC_KEY, None) == Licence(error=LicenceError.MISSING)


def test_an_issued_licence_is_valid() -> None:
    key = LicenceKey.private(LicenceKey.new().private_text)
    issued = SecretStr(key.issue("ACME", [Plugin.TICKETING], ENDS))
    expected = Licence("ACME", frozenset({"ticketing"}), ENDS)
    assert read_licence(key.public_text, issued) == expected
    assert read_licence(LicenceKey.new().public_text, issued).error == LicenceError.BAD_SIGNATURE


def test_an_invalid_licence_is_not_issued() -> None:
    with pytest.raises(InvalidInput, match="customer"):
        LicenceKey.new().issue("", [Plugin.TICKETING], ENDS)


@pytest.mark.parametrize("text", ["", "x", "é", 43 * "!", 42 * "A", LicenceKey.new().private_text])
def test_an_invalid_public_key_prevents_the_start(text: str) -> None:
    variable = "INTERLOCK_LICENSE_PUBLIC_KEY"
    if not text:
        assert Settings.from_env({variable: text}).license_public_key is None
        return
    with pytest.raises(Misconfigured, match="interlock license keygen"):
        Settings.from_env({variable: text})


def test_the_commands_create_issue_and_inspect_licences(tmp_path: Path) -> None:
    made = interlock("license", "keygen")
    variable, _, public = made.stderr.strip().partition("=")
    file = tmp_path / "license.pem"
    file.write_text(made.stdout)
    about = ("--customer", "ACME", "--plugin", "ticketing", "--expires", "30d")
    words = ("license", "issue", "--key", str(file), *about)
    issued = interlock(*words).stdout.strip()
    good = interlock("license", "inspect", env={variable: public, "INTERLOCK_LICENSE_KEY": issued})
    assert (good.returncode, good.stdout.splitlines()[0]) == (0, "Customer: ACME")
    assert "ticketing is allowed." in good.stdout
    later = interlock(*words, "--begins", "7d").stdout.strip()
    early = interlock("license", "inspect", env={variable: public, "INTERLOCK_LICENSE_KEY": later})
    assert (early.returncode, "ticketing is off: the licence of ACME begins" in early.stdout) == (
        1,
        True,
    )
    missing = interlock("license", "inspect", env={variable: public})
    assert (missing.returncode, missing.stdout) == (
        1,
        "ticketing is off: there is no licence; set INTERLOCK_LICENSE_KEY.\n",
    )
    assert "open edition" in interlock("license", "inspect").stdout
    file.write_text(public)
    wrong = interlock(*words)
    assert (wrong.returncode, "interlock license keygen" in wrong.stderr) == (1, True)
