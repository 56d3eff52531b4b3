"""Whoever signs tokens in the tests: by hand, as the library refuses to make most of them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey
from pydantic import SecretStr

from api.auth.hmac_secrets import keys_of_secret, keys_of_secrets
from api.auth.jwks import keys_in
from api.auth.key_sources import FixedKeys, KeySource

SECRET = "0123456789abcdef" * 2
NOW = 1_800_000_000
ISSUER = "https://id.example/realms/acme"
GOOD: dict[str, Any] = {
    "sub": "u_b1",
    "name": "Anna K.",
    "iss": ISSUER,
    "aud": "interlock",
    "exp": NOW + 3600,
}
NESTED = b"[" * 5_000

Sign = Callable[[bytes], bytes]
Jwk = dict[str, Any]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(part: object) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def by_secret(secret: str | bytes, digest: Callable[..., Any] = hashlib.sha256) -> Sign:
    key = secret.encode() if isinstance(secret, str) else secret
    return lambda message: hmac.new(key, message, digest).digest()


def by_rsa(key: rsa.RSAPrivateKey) -> Sign:
    return lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def by_pss(key: rsa.RSAPrivateKey) -> Sign:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
    return lambda message: key.sign(message, scheme, hashes.SHA256())


def by_curve(key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm) -> Sign:
    size = (key.curve.key_size + 7) // 8

    def sign(message: bytes) -> bytes:
        pair = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        return b"".join(number.to_bytes(size, "big") for number in pair)

    return sign


def token(header: object, claims: object, sign: Sign) -> str:
    signed = f"{b64(raw(header))}.{b64(raw(claims))}"
    return f"{signed}.{b64(sign(signed.encode()))}"


@dataclass(frozen=True)
class Signer:
    """One way to sign, with a key of its own and one that nobody knows."""

    algorithm: str
    kid: str | None
    sign: Sign
    forge: Sign
    keys: KeySource
    public: tuple[bytes, ...] = ()
    """What everybody may know of the key."""
    jwk: Jwk | None = None
    name: str = ""
    """In the names of tests, where it is not its algorithm."""

    @property
    def header(self) -> Jwk:
        return {"alg": self.algorithm, "typ": "JWT"} | ({"kid": self.kid} if self.kid else {})

    def token(self, claims: object = GOOD, header: object = None, sign: Sign | None = None) -> str:
        return token(self.header if header is None else header, claims, sign or self.sign)

    def __str__(self) -> str:
        return self.name or self.algorithm


RSA_KEYS = [rsa.generate_private_key(65_537, 2_048) for _ in range(2)]
CURVE_KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
LARGE_CURVE_KEYS = [ec.generate_private_key(ec.SECP384R1()) for _ in range(2)]
EDWARDS_KEYS = [ed25519.Ed25519PrivateKey.generate() for _ in range(2)]

RSA_JWK = RSAKey.import_key(RSA_KEYS[0].public_key()).as_dict() | {"kid": "rsa-1", "use": "sig"}
CURVE_JWK = ECKey.import_key(CURVE_KEYS[0].public_key()).as_dict() | {"kid": "ec-1"}
LARGE_CURVE_JWK = ECKey.import_key(LARGE_CURVE_KEYS[0].public_key()).as_dict() | {"kid": "ec-2"}
EDWARDS_JWK = OKPKey.import_key(EDWARDS_KEYS[0].public_key()).as_dict() | {
    "kid": "ed-1",
    "key_ops": ["verify"],
}
OTHER_JWK = RSAKey.import_key(RSA_KEYS[1].public_key()).as_dict() | {"kid": "rsa-2"}


def jwks(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


ALL_KEYS = FixedKeys(keys_in(jwks(RSA_JWK, CURVE_JWK, LARGE_CURVE_JWK, EDWARDS_JWK, OTHER_JWK)))


def published(jwk: Jwk, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
    """Return what anybody could take for a secret."""
    forms = [
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ]
    texts = [key.public_bytes(*form) for form in forms]
    return (*texts, texts[0].strip(), json.dumps(jwk).encode())


SECRET_KEYS = FixedKeys(keys_of_secret(SecretStr(SECRET)))

HS256 = Signer("HS256", None, by_secret(SECRET), by_secret("f" * 32), SECRET_KEYS)
OLD_SECRET = "fedcba9876543210" * 2
BOTH_SECRETS = FixedKeys(keys_of_secrets(f"{SECRET}\n{OLD_SECRET}\n".encode()))
FIRST_SECRET, SECOND_SECRET = (
    Signer("HS256", None, by_secret(each), HS256.forge, BOTH_SECRETS, name=f"HS256, {which} of two")
    for each, which in ((SECRET, "first"), (OLD_SECRET, "second"))
)
RS256 = Signer(
    "RS256",
    "rsa-1",
    by_rsa(RSA_KEYS[0]),
    by_rsa(RSA_KEYS[1]),
    ALL_KEYS,
    published(RSA_JWK, RSA_KEYS[0].public_key()),
    RSA_JWK,
)
PS256 = Signer(
    "PS256",
    "rsa-1",
    by_pss(RSA_KEYS[0]),
    by_pss(RSA_KEYS[1]),
    ALL_KEYS,
    published(RSA_JWK, RSA_KEYS[0].public_key()),
    RSA_JWK,
)
ES256 = Signer(
    "ES256",
    "ec-1",
    by_curve(CURVE_KEYS[0], hashes.SHA256()),
    by_curve(CURVE_KEYS[1], hashes.SHA256()),
    ALL_KEYS,
    published(CURVE_JWK, CURVE_KEYS[0].public_key()),
    CURVE_JWK,
)
ES384 = Signer(
    "ES384",
    "ec-2",
    by_curve(LARGE_CURVE_KEYS[0], hashes.SHA384()),
    by_curve(LARGE_CURVE_KEYS[1], hashes.SHA384()),
    ALL_KEYS,
    published(LARGE_CURVE_JWK, LARGE_CURVE_KEYS[0].public_key()),
    LARGE_CURVE_JWK,
)
EDDSA = Signer(
    "EdDSA",
    "ed-1",
    EDWARDS_KEYS[0].sign,
    EDWARDS_KEYS[1].sign,
    ALL_KEYS,
    (
        EDWARDS_KEYS[0].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        json.dumps(EDWARDS_JWK).encode(),
    ),
    EDWARDS_JWK,
)
ED25519 = Signer("Ed25519", "ed-1", EDDSA.sign, EDDSA.forge, ALL_KEYS, EDDSA.public, EDWARDS_JWK)
SIGNERS = (HS256, FIRST_SECRET, SECOND_SECRET, RS256, PS256, ES256, ES384, EDDSA, ED25519)
