"""The list of tickets without scripts: its pages, its filter, its search and its rows."""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

import pytest

from api.web.views.tickets.routes import PAGE_TICKETS
from api.web.views.tickets.view import MOST_COUNTED
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import CreateTicket
from engine.tickets.ticket import Ticket
from tests.support.api_client import SharedApplication
from tests.support.personas import ANNA, MARTON, OUTSIDER
from tests.support.web_client import signed_in

_ROW: Final = re.compile(r'<tr id="(tk_[0-9a-f]+)"')
_LINK: Final = re.compile(r'rel="(prev|next)" href="([^"]+)"')
FRAGMENT: Final = {"HX-Request": "true"}


async def open_tickets(
    shared: SharedApplication, titles: Sequence[str], actor: Actor = ANNA
) -> list[Ticket]:
    store = TicketStore(shared.database)
    return [
        await store.create(actor, CreateTicket.parse(title=title, workflow="incident_response"))
        for title in titles
    ]


async def page_at(shared: SharedApplication, path: str, actor: Actor = MARTON) -> str:
    headers = await signed_in(shared.database, actor)
    async with shared.client.get(path, headers=headers, allow_redirects=False) as response:
        assert response.status == 200, await response.text()
        return await response.text()


async def redirect_of(shared: SharedApplication, path: str, actor: Actor = MARTON) -> str | None:
    headers = await signed_in(shared.database, actor)
    async with shared.client.get(path, headers=headers, allow_redirects=False) as response:
        return response.headers["Location"] if response.status == 303 else None


def links_in(page: str) -> dict[str, str]:
    return {rel: path.replace("&amp;", "&") for rel, path in _LINK.findall(page)}


@pytest.mark.parametrize("order", ["", "oldest", "changed", "priority"])
async def test_pages_lead_through_all_tickets_and_back(
    shared: SharedApplication, order: str
) -> None:
    word = f"word{order or 'newest'}"
    opened = await open_tickets(shared, [word] * (2 * PAGE_TICKETS + 1))
    path = f"/tickets?text={word}" + (f"&order={order}" if order else "")
    found: list[list[str]] = []
    page = await page_at(shared, path)
    while True:
        found.append(_ROW.findall(page))
        if "next" not in (links := links_in(page)):
            break
        page = await page_at(shared, links["next"])
    assert [len(each) for each in found] == [PAGE_TICKETS, PAGE_TICKETS, 1]
    ids = [ticket.id for ticket in opened]
    shown = list(chain.from_iterable(found))
    assert shown == (ids if order == "oldest" else list(reversed(ids)))
    middle = await page_at(shared, links["prev"])
    assert _ROW.findall(middle) == found[1]
    first = await page_at(shared, links_in(middle)["prev"])
    assert _ROW.findall(first) == found[0]
    assert "prev" not in links_in(first)


async def test_a_page_that_is_not_full_at_the_beginning_is_replaced_by_the_first_one(
    shared: SharedApplication,
) -> None:
    path = "/tickets?text=earlyword&order=oldest"
    await open_tickets(shared, ["earlyword"] * (PAGE_TICKETS + 1))
    after = links_in(await page_at(shared, path))["next"]
    assert await redirect_of(shared, after.replace("after=", "before=")) == path
    last = links_in(await page_at(shared, after))["prev"].replace("before=", "after=")
    assert await redirect_of(shared, last) == path


@pytest.mark.parametrize("cursor", ["x", "Q1JFQVRFRF9BVCBERVND"])
async def test_an_invalid_cursor_is_a_problem_of_the_page(
    shared: SharedApplication, cursor: str
) -> None:
    headers = await signed_in(shared.database, ANNA)
    async with shared.client.get(f"/tickets?after={cursor}", headers=headers) as response:
        assert response.status == 400
        assert "The cursor is invalid." in await response.text()


async def test_a_form_with_empty_fields_leads_to_a_short_url(shared: SharedApplication) -> None:
    sent = "/tickets?text=&status=OPEN&assignee=&dueWithin=&order="
    assert await redirect_of(shared, sent) == "/tickets?status=OPEN"


async def test_an_id_its_beginning_and_a_link_lead_to_the_ticket(shared: SharedApplication) -> None:
    [ticket] = await open_tickets(shared, ["To be found by its id"])
    texts = [
        ticket.id,
        ticket.id[:20].upper(),
        f"https%3A%2F%2Fdesk.example%2Ftickets%2F{ticket.id}",
    ]
    for text in texts:
        path = f"/tickets?text={text}&status=CLOSED&assignee="
        assert await redirect_of(shared, path) == f"/tickets/{ticket.id}"
    unknown = "/tickets?text=tk_0123456789abcdef0123456789abcdef"
    assert "No tickets here" in await page_at(shared, unknown)


async def test_an_ambiguous_beginning_lists_its_tickets(shared: SharedApplication) -> None:
    await open_tickets(shared, ["one", "two"])
    assert await redirect_of(shared, "/tickets?text=tk_") is None


async def test_a_row_is_a_fragment(shared: SharedApplication) -> None:
    [ticket] = await open_tickets(shared, ["<b>Row</b>"])
    headers = await signed_in(shared.database, OUTSIDER)
    path = f"/tickets/{ticket.id}/row"
    async with shared.client.get(path, headers=headers | FRAGMENT) as response:
        row = await response.text()
    assert row.strip().startswith(f'<tr id="{ticket.id}" class="changed"')
    assert "&lt;b&gt;Row&lt;/b&gt;" in row
    assert row.strip().endswith("</tr>")
    assert await redirect_of(shared, path) == f"/tickets/{ticket.id}"
    async with shared.client.get("/tickets/tk_000000/row", headers=headers | FRAGMENT) as response:
        assert response.status == 204


async def test_the_views_have_counts_up_to_a_bound(shared: SharedApplication) -> None:
    reader = Actor("u_count", "Counting C.")
    store = TicketStore(shared.database)
    for number in range(MOST_COUNTED + 1):
        form = {"title": f"Count {number}", "workflow": "incident_response"}
        await store.create(reader, CreateTicket.parse(**form))
    headers = await signed_in(shared.database, reader) | FRAGMENT
    path = "/tickets/counts?openedByMe=true"
    async with shared.client.get(path, headers=headers) as response:
        views = await response.text()
    assert views.startswith('<nav class="views"')
    assert "hx-trigger" not in views  # it would load itself again and again
    counts = dict(re.findall(r">([\w ]+)</bdi> <span class=\"count\">([^<]+)<", views))
    assert counts["Opened by me"] == "100+"
    assert counts["Assigned to me"] == counts["Waiting for me"] == "0"
    assert "All" not in counts
    assert re.findall(r'aria-current="page"><bdi>([\w ]+)', views) == ["Opened by me"]
    assert await redirect_of(shared, path, reader) == "/tickets?openedByMe=true"
