"""An anchor is signed as a whole, and only an anchor can be read as one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.sealing.anchor import Anchor, AnchorStatement
from engine.sealing.anchor_audit import anchor_flaw, signature_flaw
from engine.sealing.anchor_key import AnchorKey, AnchorPublicKey
from engine.sealing.seal import Seal, SealedCounts
from tests.support.ticket_examples import NOON

KEY, OTHER_KEY = AnchorKey.new(), AnchorKey.new()
COUNTS = SealedCounts(12, 2, 1, 5, 0)
STATEMENT = AnchorStatement(
    number=1,
    anchored_at="2026-04-28T12:00:00.000000Z",
    seal=3,
    seal_digest="ab" * 32,
    tickets=4,
    **COUNTS._asdict(),
    heads_root="cd" * 32,
    unsealed=1,
    oldest_unsealed_at="2026-04-28T11:59:58.000000Z",
    key=KEY.public.text,
)
ANCHOR = Anchor.sign(STATEMENT, KEY)
SEAL = Seal(3, NOON, COUNTS, bytes.fromhex("ab" * 32))


def test_an_anchor_is_one_line_that_can_be_read_again() -> None:
    assert "\n" not in ANCHOR.text
    assert Anchor.parse(ANCHOR.text, "file") == ANCHOR
    assert json.loads(ANCHOR.text)["format"] == "interlock-anchor/1"


@given(data=st.data())
def test_every_changed_member_invalidates_the_signature(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*AnchorStatement.model_fields]))
    value = data.draw(st.integers(0) if isinstance(getattr(ANCHOR, name), int) else st.text())
    changed = ANCHOR.model_copy(update={name: value})
    assert changed.is_authentic == (changed == ANCHOR)


def test_the_signature_must_be_of_a_trusted_key() -> None:
    assert signature_flaw(ANCHOR, []) is None
    assert signature_flaw(ANCHOR, [OTHER_KEY.public, KEY.public]) is None
    assert "is not a key of this installation" in str(signature_flaw(ANCHOR, [OTHER_KEY.public]))
    for signature in ("", "x", "é", "A" * 86, ANCHOR.signature + "=", OTHER_KEY.public.text):
        changed = ANCHOR.model_copy(update={"signature": signature})
        assert signature_flaw(changed, []) == "its signature is not valid"


INVALID: dict[str, dict[str, Any]] = {
    "an unknown member": {"extra": 1},
    "another format": {"format": "interlock-anchor/2"},
    "a negative number": {"tickets": -1},
    "a number as text": {"tickets": "4"},
    "a short digest": {"heads_root": "cd"},
    "a digest in capitals": {"heads_root": "CD" * 32},
    "a time with an offset": {"anchored_at": "2026-04-28T14:00:00.000000+02:00"},
    "a time without microseconds": {"anchored_at": "2026-04-28T12:00:00Z"},
    "no time": {"anchored_at": "noon"},
}


@pytest.mark.parametrize("change", INVALID.values(), ids=INVALID)
def test_another_document_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"^file line 1: is not an anchor"):
        Anchor.parse(json.dumps(json.loads(ANCHOR.text) | change), "file line 1")


def test_a_long_document_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is too long for an anchor"):
        Anchor.parse(" " * 20_000, "file")


CONTRADICTIONS: dict[str, tuple[Seal | None, int, str]] = {
    "no seal": (None, 2, "and the database ends before that"),
    "another digest": (Seal(3, NOON, COUNTS, b"x" * 32), 3, "is not what was anchored"),
    "other counts": (
        Seal(3, NOON, COUNTS._replace(entries=11), SEAL.digest),
        3,
        "up to entry 12 of the log is not what was anchored",
    ),
    "an invalid earlier seal": (SEAL, 1, "it covers seal 2, which is not valid"),
}


@pytest.mark.parametrize(
    ("seal", "verified", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS
)
def test_a_contradiction_is_described(seal: Seal | None, verified: int, message: str) -> None:
    assert message in str(anchor_flaw(ANCHOR, seal, verified))


def test_the_anchored_seal_is_no_contradiction() -> None:
    assert anchor_flaw(ANCHOR, SEAL, 3) is None
    assert anchor_flaw(ANCHOR, SEAL, 9) is None


def test_keys_can_be_written_and_read() -> None:
    assert AnchorKey.parse(KEY.pem).public.text == KEY.public.text
    assert AnchorPublicKey.parse(f" {KEY.public.text}\n") == KEY.public


@pytest.mark.parametrize("text", ["", "key", "-----BEGIN PRIVATE KEY-----\nx", "é"])
def test_another_text_is_no_private_key(text: str) -> None:
    with pytest.raises(ValueError, match="not a private Ed25519 key in PEM"):
        AnchorKey.parse(text)


@pytest.mark.parametrize("text", ["", "key", "A" * 42, "A" * 44, "+" * 43, "é" * 43])
def test_another_text_is_no_public_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        AnchorPublicKey.parse(text)
