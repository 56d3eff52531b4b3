"""Signed tokens, built by hand: joserfc refuses to build most invalid ones."""

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

from api.auth.hmac_secrets import hmac_key_set, parse_hmac_keys
from api.auth.jwks import parse_jwks
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


def authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_bytes(part: object) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def sign_hmac(secret: str | bytes, digest: Callable[..., Any] = hashlib.sha256) -> Sign:
    key = secret.encode() if isinstance(secret, str) else secret
    return lambda message: hmac.new(key, message, digest).digest()


def sign_rsa(key: rsa.RSAPrivateKey) -> Sign:
    return lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def sign_pss(key: rsa.RSAPrivateKey) -> Sign:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
    return lambda message: key.sign(message, scheme, hashes.SHA256())


def sign_ecdsa(key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm) -> Sign:
    size = (key.curve.key_size + 7) // 8

    def sign(message: bytes) -> bytes:
        pair = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        return b"".join(number.to_bytes(size, "big") for number in pair)

    return sign


def token(header: object, claims: object, sign: Sign) -> str:
    signed = f"{b64(to_bytes(header))}.{b64(to_bytes(claims))}"
    return f"{signed}.{b64(sign(signed.encode()))}"


@dataclass(frozen=True)
class Signer:
    """An algorithm with a key.

    Attributes:
        forge: signs with a key that no server knows.
        keys: the keys of a server that verifies the tokens.
        public: forms of the public key that a server could mistake for a secret.
        name: the name in test ids, if it is not the algorithm.

    """

    algorithm: str
    kid: str | None
    sign: Sign
    forge: Sign
    keys: KeySource
    public: tuple[bytes, ...] = ()
    jwk: Jwk | None = None
    name: str = ""

    @property
    def header(self) -> Jwk:
        return {"alg": self.algorithm, "typ": "JWT"} | ({"kid": self.kid} if self.kid else {})

    def token(self, claims: object = GOOD, header: object = None, sign: Sign | None = None) -> str:
        return token(self.header if header is None else header, claims, sign or self.sign)

    def __str__(self) -> str:
        return self.name or self.algorithm


RSA_KEYS = [rsa.generate_private_key(65_537, 2_048) for _ in range(2)]
EC_KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
P384_KEYS = [ec.generate_private_key(ec.SECP384R1()) for _ in range(2)]
ED25519_KEYS = [ed25519.Ed25519PrivateKey.generate() for _ in range(2)]

RSA_JWK = RSAKey.import_key(RSA_KEYS[0].public_key()).as_dict() | {"kid": "rsa-1", "use": "sig"}
EC_JWK = ECKey.import_key(EC_KEYS[0].public_key()).as_dict() | {"kid": "ec-1"}
P384_JWK = ECKey.import_key(P384_KEYS[0].public_key()).as_dict() | {"kid": "ec-2"}
ED25519_JWK = OKPKey.import_key(ED25519_KEYS[0].public_key()).as_dict() | {
    "kid": "ed-1",
    "key_ops": ["verify"],
}
SECOND_RSA_JWK = RSAKey.import_key(RSA_KEYS[1].public_key()).as_dict() | {"kid": "rsa-2"}


def jwks(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


ALL_KEYS = FixedKeys(parse_jwks(jwks(RSA_JWK, EC_JWK, P384_JWK, ED25519_JWK, SECOND_RSA_JWK)))


def public_forms(jwk: Jwk, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
    """Return the public forms of a key."""
    forms = [
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ]
    texts = [key.public_bytes(*form) for form in forms]
    return (*texts, texts[0].strip(), json.dumps(jwk).encode())


SECRET_KEYS = FixedKeys(hmac_key_set(SecretStr(SECRET)))

HS256 = Signer("HS256", None, sign_hmac(SECRET), sign_hmac("f" * 32), SECRET_KEYS)
OLD_SECRET = "fedcba9876543210" * 2
BOTH_SECRETS = FixedKeys(parse_hmac_keys(f"{SECRET}\n{OLD_SECRET}\n".encode()))
FIRST_SECRET, SECOND_SECRET = (
    Signer("HS256", None, sign_hmac(each), HS256.forge, BOTH_SECRETS, name=f"HS256, {which} of two")
    for each, which in ((SECRET, "first"), (OLD_SECRET, "second"))
)
RS256 = Signer(
    "RS256",
    "rsa-1",
    sign_rsa(RSA_KEYS[0]),
    sign_rsa(RSA_KEYS[1]),
    ALL_KEYS,
    public_forms(RSA_JWK, RSA_KEYS[0].public_key()),
    RSA_JWK,
)
PS256 = Signer(
    "PS256",
    "rsa-1",
    sign_pss(RSA_KEYS[0]),
    sign_pss(RSA_KEYS[1]),
    ALL_KEYS,
    public_forms(RSA_JWK, RSA_KEYS[0].public_key()),
    RSA_JWK,
)
ES256 = Signer(
    "ES256",
    "ec-1",
    sign_ecdsa(EC_KEYS[0], hashes.SHA256()),
    sign_ecdsa(EC_KEYS[1], hashes.SHA256()),
    ALL_KEYS,
    public_forms(EC_JWK, EC_KEYS[0].public_key()),
    EC_JWK,
)
ES384 = Signer(
    "ES384",
    "ec-2",
    sign_ecdsa(P384_KEYS[0], hashes.SHA384()),
    sign_ecdsa(P384_KEYS[1], hashes.SHA384()),
    ALL_KEYS,
    public_forms(P384_JWK, P384_KEYS[0].public_key()),
    P384_JWK,
)
EDDSA = Signer(
    "EdDSA",
    "ed-1",
    ED25519_KEYS[0].sign,
    ED25519_KEYS[1].sign,
    ALL_KEYS,
    (
        ED25519_KEYS[0].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        json.dumps(ED25519_JWK).encode(),
    ),
    ED25519_JWK,
)
ED25519 = Signer("Ed25519", "ed-1", EDDSA.sign, EDDSA.forge, ALL_KEYS, EDDSA.public, ED25519_JWK)
SIGNERS = (HS256, FIRST_SECRET, SECOND_SECRET, RS256, PS256, ES256, ES384, EDDSA, ED25519)
