"""Signatures are those of Standard Webhooks."""

import hmac
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.webhooks.signatures import Secret, signature_headers

# The test vector of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published
SIGNED = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_signature_of_the_specification_is_computed() -> None:
    assert signature_headers(*SIGNED, [Secret.parse(SECRET)]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_each_of_several_secrets_signs() -> None:
    other = Secret(b"k" * 32)
    headers = signature_headers(*SIGNED, [other, Secret.parse(SECRET)])
    assert headers["webhook-signature"].split() == [other.sign(content()), SIGNATURE]


def content() -> bytes:
    message_id, timestamp, body = SIGNED
    return b"%s.%d.%s" % (message_id.encode(), timestamp, body)


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=300))
def test_a_secret_of_any_valid_length_is_parsed(key: bytes, body: bytes) -> None:
    text = f"whsec_{b64encode(key).decode()}"
    headers = signature_headers("a-1", 7, body, [Secret.parse(text)])
    version, signature = headers["webhook-signature"].split(",")
    assert version == "v1"
    assert b64decode(signature) == hmac.new(key, b"a-1.7." + body, "sha256").digest()


INVALID = [
    *("", "whsec_", SECRET.removeprefix("whsec_"), "whsec_c2hvcnQ=", SECRET[:-1], SECRET + "\n"),
    *("whsec_" + "A" * 300, "whsec_ä", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
]


@pytest.mark.parametrize("text", INVALID)
def test_an_invalid_secret_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="must be whsec_ and the base64 of 24 to 64") as refused:
        Secret.parse(text)
    assert text.removeprefix("whsec_")[:8] not in str(refused.value) or len(text) < 8


def test_the_repr_of_a_secret_hides_it() -> None:
    assert "MfKQ" not in repr(Secret.parse(SECRET))
    assert repr(Secret(b"secret" * 5)) == "Secret()"
