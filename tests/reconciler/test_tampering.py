"""Every way of tampering is found as docs/history.md says, and so is each pair of them."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from engine.sealing.anchor import Anchor
from engine.sealing.anchor_audit import signature_flaw
from engine.sealing.anchor_key import AnchorKey
from engine.sealing.flaw import RecordFlaw
from engine.storage.history.anchors import read_anchors
from engine.storage.history.seal_audit import audit_seals
from engine.storage.outages.health_intervals import audit_health
from engine.storage.postgres.connection import connect
from engine.storage.postgres.database import Session, open_database
from engine.storage.resources.audit import audit_declared_columns
from engine.storage.tickets.audit import audit_names, audit_search
from reconciler.record_audit import AuditedAnchors, audit_record, audit_tickets
from reconciler.resource_audit import audit_resources
from tests.support.databases import new_database
from tests.support.forger import Forger
from tests.support.paths import ROOT
from tests.support.tampering import TAMPERINGS, fill

KEY = AnchorKey.new()
ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
PAGE = (ROOT / "docs" / "history.md").read_text("utf-8").partition("## Ways of tampering")[2]
DOCUMENTED = {way: (without, given) for way, without, given in ROW.findall(PAGE)[2:]}
NOTHING = "**nothing**"
FOUND_BY = {
    "anchor": "anchor",
    "reconciliation": "chains",
    "revision": "chains",
    "plugin": "chains",
}
"""What finds a flaw of `audit_seals`, by the first word of its subject; by default the seals."""


@pytest.fixture(scope="module")
async def world(template: str) -> AsyncIterator[tuple[Session, Anchor]]:
    """Return a session of a superuser without triggers, and the anchor of its database."""
    async with new_database(template) as url:
        async with open_database(url) as database:
            anchor = await fill(database, KEY)
        connection = await connect(url)
        await connection.execute("SET session_replication_role = replica")
        yield Session(connection), anchor
        await connection.close()


@asynccontextmanager
async def tampered(session: Session, *ways: str) -> AsyncIterator[None]:
    """Tamper with the database during the block."""
    transaction = session.connection.transaction()
    await transaction.start()
    try:
        for way in ways:
            await TAMPERINGS[way](Forger(session))
        yield
    finally:
        await transaction.rollback()


async def finders(session: Session, *anchors: Anchor) -> str:
    """Return what finds a flaw, as the page names it."""
    found = set()
    async for _, flaws in audit_tickets(session):
        found |= {"due times" if "computed from" in flaw else "histories" for flaw in flaws}
    async for flaw in audit_seals(session, anchors):
        found.add(FOUND_BY.get(flaw.subject.partition(" ")[0], "seals"))
    async for stored in read_anchors(session):
        if isinstance(stored, RecordFlaw) or signature_flaw(stored, [KEY.public]):
            found.add("stored anchors")
    for name, audit in (
        ("names", audit_names),
        ("search", audit_search),
        ("statuses", audit_health),
        ("declarations", audit_declared_columns),
        ("declarations", audit_resources),
    ):
        if [flaw async for flaw in audit(session)]:
            found.add(name)
    return ", ".join(sorted(found)) or NOTHING


async def is_found(session: Session, anchor: Anchor) -> bool:
    anchors = AuditedAnchors([anchor], [KEY.public])
    async with (
        aclosing(audit_record(session, anchors)) as record,
        aclosing(audit_tickets(session)) as tickets,
    ):
        async for _, flaws in tickets:
            if flaws:
                return True
        async for _ in record:
            return True
    return False


def test_the_page_lists_all_ways() -> None:
    assert list(DOCUMENTED) == list(TAMPERINGS)
    assert len(DOCUMENTED) >= 32


async def test_an_intact_database_has_no_flaw(world: tuple[Session, Anchor]) -> None:
    session, anchor = world
    async with tampered(session):
        assert not await is_found(session, anchor)


@pytest.mark.parametrize("way", TAMPERINGS)
async def test_tampering_is_found_as_documented(world: tuple[Session, Anchor], way: str) -> None:
    session, anchor = world
    async with tampered(session, way):
        assert (await finders(session), await finders(session, anchor)) == DOCUMENTED[way]
        assert await is_found(session, anchor)


@pytest.mark.parametrize("first", TAMPERINGS)
async def test_each_pair_is_found_with_an_anchor(world: tuple[Session, Anchor], first: str) -> None:
    session, anchor = world
    for second in list(TAMPERINGS)[list(TAMPERINGS).index(first) + 1 :]:
        async with tampered(session, first, second):
            assert await is_found(session, anchor), second
