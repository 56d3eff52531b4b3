"""A database without tampering has no flaws, whatever else happened to it."""

import asyncio
from dataclasses import replace

from engine.plugins import Plugin
from engine.sealing.anchor import Anchor
from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.anchors import make_anchor
from engine.storage.postgres.database import Database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import save_user
from reconciler.allowances import Allowances
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import read_desired
from reconciler.record_audit import AuditedAnchors
from reconciler.values import ValuesInput
from tests.support.concurrent_changes import comment, edit, open_ticket, pick_up, reassign
from tests.support.personas import ADA, ANNA
from tests.support.record_flaws import record_flaws
from tests.support.seals import seal_everything

KEY = AnchorKey.new()
VALUES = {
    "a catalog": """
ticketing:
  catalog:
    categories: [{name: hardware, displayName: Hardware}]
    items:
      - {name: card_reader, category: hardware, displayName: Card reader, workflow: hotfix}
  workflows:
    - name: hotfix
      transitions: [{from: OPEN, to: IN_PROGRESS, role: any}]
      autoClose: {afterResolved: 2h}
""",
    "another workflow": """
ticketing:
  workflows:
    - name: hotfix
      displayName: Hotfix
      transitions: [{from: OPEN, to: CLOSED, role: any}]
""",
    "fewer workflows": "ticketing: {defaultWorkflows: [service_request, incident_response]}",
    "ticketing off": "ticketing: {enabled: false}",
    "defaults": "ticketing: {}",
    "a catalog again": "",
}
VALUES["a catalog again"] = VALUES["a catalog"]
EVERYTHING = Allowances(switch_off=True, widening=True, many_retired=True, empty=True)


async def test_reconciliations_of_all_kinds_leave_no_flaw(database: Database) -> None:
    anchors: list[Anchor] = []
    for number, text in enumerate(VALUES.values()):
        desired = read_desired(ValuesInput([("values.yaml", text)]))
        await reconcile(database, desired, ApplyRequest("u_a0", EVERYTHING), f"test {number}")
        assert await record_flaws(database, AuditedAnchors(anchors, [KEY.public])) == []
        await seal_everything(database)
        anchors.append(await make_anchor(database, KEY))
    assert await record_flaws(database, AuditedAnchors(anchors, [KEY.public])) == []


async def test_concurrent_work_leaves_no_flaw(store: TicketStore, database: Database) -> None:
    async def work(number: int) -> None:
        await save_user(database, replace(ANNA, name=f"Anna {number}"))
        ticket = await open_ticket(store)
        for change in (comment, pick_up, edit, reassign):
            await change(store, ticket)

    async def switch() -> None:
        for enabled in (False, True):
            await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=enabled)

    await asyncio.gather(*map(work, range(10)))
    await switch()
    assert await record_flaws(database) == []
    await asyncio.gather(seal_everything(database), *map(work, range(10)))
    await seal_everything(database)
    assert await record_flaws(database) == []
