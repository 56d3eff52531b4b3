"""Verify everything that is recorded, and everything that is stored because of it.

Without an anchor, only changes that do not fit together are found. A superuser can compute all
digests again; an anchor that is kept outside the database finds that, too.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from engine.sealing.anchor import Anchor
from engine.sealing.anchor_audit import signature_flaw
from engine.sealing.anchor_key import AnchorPublicKey
from engine.sealing.flaw import RecordFlaw
from engine.storage.history.anchors import read_anchors
from engine.storage.history.audit import history_flaw
from engine.storage.history.declared import read_declared_history
from engine.storage.history.scan import scan_tickets
from engine.storage.history.seal_audit import audit_seals
from engine.storage.outages.health_intervals import audit_health
from engine.storage.postgres.database import Session
from engine.storage.resources.audit import audit_declared_columns
from engine.storage.sla.audit import audit_ticket
from engine.storage.tickets.audit import audit_names, audit_search
from reconciler.resource_audit import audit_resources


@dataclass(frozen=True, slots=True)
class AuditedAnchors:
    """The anchors to verify a database against.

    Attributes:
        given: anchors that were kept outside the database.
        trusted: the keys that may sign anchors; without any, every key may.

    """

    given: Sequence[Anchor] = ()
    trusted: Collection[AnchorPublicKey] = ()


NO_ANCHORS: Final = AuditedAnchors()


async def audit_tickets(session: Session) -> AsyncGenerator[tuple[str, Sequence[str]], None]:
    """Yield the id of every ticket, ordered by id, with its flaws.

    Of each history, only the first flaw is reported, because the rest follows from it.

    Args:
        session: a transaction with a snapshot.

    """
    declared = await read_declared_history(session)
    async for scanned in scan_tickets(session):
        if flaw := history_flaw(declared, scanned):
            yield scanned.id, (str(flaw),)
        elif scanned.row is not None:
            history = [stored.entry for stored in scanned.history]
            yield scanned.id, audit_ticket(scanned.row, history).differences


async def audit_record(
    session: Session, anchors: AuditedAnchors = NO_ANCHORS
) -> AsyncGenerator[RecordFlaw, None]:
    """Yield what is wrong with everything except the histories of single tickets.

    Args:
        session: a transaction with a snapshot.
        anchors: what to verify the seals against, in addition to the stored anchors.

    """
    stored: list[Anchor] = []
    async for anchor in read_anchors(session):
        if isinstance(anchor, RecordFlaw):
            yield anchor
        else:
            stored.append(anchor)
    for each in (*stored, *anchors.given):
        if message := signature_flaw(each, anchors.trusted):
            yield RecordFlaw(str(each), message)
    latest = sorted(anchors.given, key=lambda anchor: anchor.seal)[-1:]
    with_heads = [*stored[-1:], *latest]
    older = [each for each in (*stored, *anchors.given) if each not in with_heads]
    for audit in (
        audit_seals(session, with_heads, older),
        audit_names(session),
        audit_search(session),
        audit_health(session),
        audit_declared_columns(session),
        audit_resources(session),
    ):
        async for flaw in audit:
            yield flaw
