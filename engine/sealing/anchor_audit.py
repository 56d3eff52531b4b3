"""Checks of anchors: their signatures, and the seals of a database against them. Pure."""

from collections.abc import Collection

from engine.sealing.anchor import Anchor
from engine.sealing.anchor_key import AnchorPublicKey
from engine.sealing.seal import Seal


def anchor_flaw(anchor: Anchor, seal: Seal | None, verified_seals: int) -> str | None:
    """Return how the seals of a database contradict an anchor; None if they do not.

    Args:
        anchor: the anchor.
        seal: the seal with the number in the anchor; None if no seal has it.
        verified_seals: up to this number, all seals cover exactly the rows of the database.

    """
    if seal is None:
        return (
            f"it was made after seal {anchor.seal}, and the database ends before that: it was "
            "restored to an earlier time, or rows and seals were deleted"
        )
    if (seal.digest.hex(), seal.counts) != (anchor.seal_digest, anchor.counts):
        return (
            f"what was recorded up to entry {anchor.entries} of the log is not what was anchored: "
            "it was changed, and sealed again"
        )
    if verified_seals < anchor.seal:
        return f"it covers seal {verified_seals + 1}, which is not valid"
    return None


def signature_flaw(anchor: Anchor, trusted: Collection[AnchorPublicKey]) -> str | None:
    """Return why the signature of an anchor is not valid; None if it is.

    Args:
        anchor: the anchor.
        trusted: the keys that may sign; without any, every key may.

    """
    if not anchor.is_authentic:
        return "its signature is not valid"
    if trusted and anchor.key not in {key.text for key in trusted}:
        return f"it is signed with {anchor.key}, which is not a key of this installation"
    return None
