"""The summary of a successful verification: it claims nothing that was not verified."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.sealing.anchor import Anchor
    from reconciler.record_audit import AuditedAnchors


def verified_lines(anchors: "AuditedAnchors", stored: "Anchor | None") -> Iterator[str]:
    """Yield sentences about a database without flaws.

    Args:
        anchors: what it was verified against.
        stored: the last anchor in the database.

    """
    from reconciler.plural import plural

    yield (
        "Each ticket follows from its history. Each entry was possible under the rules and "
        "declarations of its time. Each digest covers its row and the digest before it. Due times, "
        "search words, names of users, plugins and declared resources follow from what is recorded."
    )
    if anchors.given:
        latest = max(anchors.given, key=lambda anchor: anchor.seal)
        others = len(anchors.given) - 1
        also = f" and {plural(others, 'other anchor')}" if others else ""
        yield (
            f"Against {latest}{also}: none of the {latest.entries:,} entries, nor of the other "
            "rows that it covers, was changed, removed or moved, and no row was inserted among "
            "them."
        )
    if stored:
        yield f"The anchors in the database match, too; the last is {stored}."
    if (anchors.given or stored) and not anchors.trusted:
        yield (
            "The signatures of the anchors are valid, but were not compared with a key: set "
            "INTERLOCK_ANCHOR_PUBLIC_KEYS."
        )
    if not anchors.given:
        yield (
            "No anchor from outside the database was given (--against). Without one, rows that "
            "were changed within the rules, together with all their digests, are not found."
        )
