"""Tickets can be assigned to known users and groups only, unless the server accepts any."""

from dataclasses import dataclass

import pytest

from engine.errors import Forbidden, UnknownGroup, UnknownUser
from engine.storage.postgres.database import Database
from engine.storage.tickets.directory import require_known
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import ensure_users, save_user
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    TransferTicket,
    UpdateTicket,
)
from engine.tickets.ticket import Ticket
from engine.vocabulary import Assignees
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

ZOE = Actor("u_zoe", "Zoë Adams", frozenset({"network-team"}))
FORM = {"title": "Payments fail", "workflow": "incident_response"}
CATALOG = {
    "categories": [{"name": "incidents", "displayName": "Incidents"}],
    "items": [
        {
            "name": "dns",
            "category": "incidents",
            "displayName": "DNS",
            "workflow": "incident_response",
            "defaults": {"assigneeGroup": "of-an-item"},
        }
    ],
}
DECLARED = {
    "groups": ["of-the-setting", "quoted \\" + '"'],
    "catalog": CATALOG,
    "services": [{"path": "acme/shop", "slaGroup": "of-a-service"}],
}


@pytest.fixture
def strict(database: Database) -> TicketStore:
    """Return a store that accepts only known users and groups."""
    return TicketStore(database, assignees=Assignees.KNOWN)


@pytest.fixture(autouse=True)
async def signed_in(database: Database) -> None:
    """Declare groups, sign in two users, and leave a record of one who has never signed in."""
    await declare(database, **DECLARED)
    for user in (ANNA, ZOE):
        await save_user(database, user)
    async with database.transaction() as session:
        await ensure_users(session, "u_invited")


async def open_ticket(store: TicketStore, actor: Actor, **fields: object) -> Ticket:
    return await store.create(actor, CreateTicket.parse(**FORM | fields))


@pytest.mark.parametrize(
    "group",
    [
        pytest.param("of-the-setting", id="in ticketing.groups"),
        pytest.param('quoted \\"', id="with a quote"),
        pytest.param("of-an-item", id="of a catalog item"),
        pytest.param("of-a-service", id="of a service"),
        pytest.param("network-team", id="in a token"),
    ],
)
async def test_a_known_group_is_accepted(strict: TicketStore, group: str) -> None:
    assert (await open_ticket(strict, ANNA, assignee_group=group)).assignee_group == group


async def test_a_group_that_is_no_longer_declared_is_unknown(
    strict: TicketStore, database: Database
) -> None:
    await declare(database, groups=["another"])
    await open_ticket(strict, ANNA, assignee_group="another")
    with pytest.raises(UnknownGroup):
        await open_ticket(strict, ANNA, assignee_group="of-the-setting")


async def test_a_group_stays_known_after_its_last_member_left(
    strict: TicketStore, database: Database
) -> None:
    await save_user(database, Actor(ZOE.id, ZOE.name))
    assert await open_ticket(strict, ANNA, assignee_group="network-team")


async def test_the_actor_and_their_groups_need_no_record(strict: TicketStore) -> None:
    ticket = await open_ticket(strict, MARTON, assignee_group="payment-team", assignee=MARTON.id)
    assert (ticket.assignee, ticket.assignee_group) == (MARTON.id, "payment-team")


@dataclass(frozen=True)
class Refused:
    """A user or a group that is not known, and the similar names that an error lists."""

    actor: Actor
    near: list[str]
    user: str | None = None
    group: str | None = None


REFUSED = {
    "a misspelt user id": Refused(ADA, [ZOE.id], user="u_zo"),
    "a name instead of an id": Refused(ADA, [ZOE.id], user="Zoe Adams"),
    "another case": Refused(ADA, [ZOE.id], user="U_ZOE"),
    "an unlike user": Refused(ADA, [], user="unlike@example.com"),
    "a user who has never signed in": Refused(ADA, [], user="u_invited"),
    "a user, for a requester": Refused(ANNA, [], user="u_zo"),
    "a misspelt group of a token": Refused(ADA, ["network-team"], group="netwrk-team"),
    "the same, for a requester": Refused(ANNA, [], group="netwrk-team"),
    "a misspelt declared group, for a requester": Refused(
        ANNA, ["of-a-service"], group="of-service"
    ),
    "an unlike group": Refused(MARTON, [], group="zzz"),
    "a very long group": Refused(ADA, [], group="x" * 120),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
async def test_unknown_users_and_groups_are_refused_with_similar_names(
    refused: Refused, strict: TicketStore, database: Database
) -> None:
    with pytest.raises(UnknownUser if refused.user else UnknownGroup) as error:
        await open_ticket(
            strict, refused.actor, assignee=refused.user, assignee_group=refused.group
        )
    assert error.value.details["near"] == refused.near
    assert error.value.details["field"] == ("assignee" if refused.user else "assigneeGroup")
    assert all(repr(name) in error.value.message for name in refused.near)
    assert ("Did you mean" if refused.near else "Check the ") in error.value.message
    ticket = await open_ticket(TicketStore(database), refused.actor)
    if refused.user is not None:
        with pytest.raises(UnknownUser):
            await strict.assign(
                refused.actor, AssignTicket.parse(ticket=ticket.id, assignee=refused.user)
            )


async def test_permission_is_checked_before_users_are_looked_up(strict: TicketStore) -> None:
    ticket = await open_ticket(strict, ANNA, assignee_group="network-team")
    with pytest.raises(Forbidden) as error:
        await strict.assign(OUTSIDER, AssignTicket.parse(ticket=ticket.id, assignee="u_zo"))
    assert error.value.code == "forbidden"


async def test_a_ticket_is_transferred_to_known_groups(strict: TicketStore) -> None:
    ticket = await open_ticket(strict, ANNA, assignee_group="network-team")
    move = {"ticket": ticket.id, "assignee_group": "of-the-settin"}
    with pytest.raises(UnknownGroup) as error:
        await strict.transfer(ADA, TransferTicket.parse(**move))
    assert error.value.details["near"] == ["of-the-setting"]
    move["assignee_group"] = "of-the-setting"
    assert (await strict.transfer(ADA, TransferTicket.parse(**move))).version == 2


async def test_a_ticket_can_be_unassigned_and_assigned_again(strict: TicketStore) -> None:
    ticket = await open_ticket(strict, ANNA, assignee=ZOE.id)
    for assignee in (None, ANNA.id, ZOE.id, ZOE.id):
        ticket = await strict.assign(
            ZOE if ticket.assignee == ZOE.id else ANNA,
            AssignTicket.parse(ticket=ticket.id, assignee=assignee),
        )
        assert ticket.assignee == assignee


async def test_a_stored_ticket_keeps_an_unknown_assignee_and_group(
    store: TicketStore, strict: TicketStore
) -> None:
    ticket = await open_ticket(store, ADA, assignee="u_zz", assignee_group="no-such-team")
    for change in (
        strict.comment(ADA, CommentTicket.parse(ticket=ticket.id, text="Whose is it?")),
        strict.update(ADA, UpdateTicket.parse(ticket=ticket.id, title="Lost")),
        strict.assign(ADA, AssignTicket.parse(ticket=ticket.id, assignee="u_zz")),
        strict.transfer(ADA, TransferTicket.parse(ticket=ticket.id, assignee_group="no-such-team")),
    ):
        changed = await change
        assert (changed.assignee, changed.assignee_group) == ("u_zz", "no-such-team")
    found = await strict.transfer(
        ADA, TransferTicket.parse(ticket=ticket.id, assignee_group="network-team")
    )
    assert (found.assignee, found.assignee_group) == (None, "network-team")


async def test_a_server_can_accept_any_user_and_group(store: TicketStore) -> None:
    ticket = await open_ticket(store, ADA, assignee="u_zz", assignee_group="no-such-team")
    assert (ticket.assignee, ticket.assignee_group) == ("u_zz", "no-such-team")
    ticket = await store.assign(ADA, AssignTicket.parse(ticket=ticket.id, assignee="u_yy"))
    assert ticket.assignee == "u_yy"


@pytest.mark.parametrize(
    ("group", "index"),
    [
        pytest.param("of-an-item", "catalog_items_group_idx", id="items"),
        pytest.param("of-a-service", "services_group_idx", id="services"),
    ],
)
async def test_declared_groups_are_found_by_an_index(
    group: str, index: str, database: Database
) -> None:
    async with database.transaction() as session:
        await session.connection.execute("SET LOCAL enable_seqscan = off")
        await session.connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await require_known(session, Assignees.KNOWN, ADA, group=group)
        used = await session.connection.fetchval(
            "SELECT pg_stat_get_xact_numscans($1::regclass)", index
        )
    assert used == 1
