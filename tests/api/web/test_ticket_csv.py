"""`GET /tickets.csv`: the rows of the list, for the viewer who requests them."""

import csv
from io import StringIO

import pytest

from api.web.views.tickets.csv_routes import PAGE_TICKETS
from engine.tickets.actor import Actor
from tests.api.web.test_ticket_lists import open_tickets
from tests.support.api_client import SharedApplication
from tests.support.personas import ANNA, MARTON
from tests.support.web_client import signed_in


async def rows_of(shared: SharedApplication, query: str, actor: Actor) -> list[dict[str, str]]:
    headers = await signed_in(shared.database, actor)
    async with shared.client.get(f"/tickets.csv?{query}", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/csv"
        assert response.headers["Content-Disposition"] == 'attachment; filename="tickets.csv"'
        assert response.headers["Transfer-Encoding"] == "chunked"
        text = (await response.read()).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text, newline="")))


@pytest.mark.parametrize("order", ["oldest", "due"])
async def test_all_tickets_of_the_filter_are_in_the_order_of_the_list(
    shared: SharedApplication, order: str
) -> None:
    word = f"csv{order}"
    opened = await open_tickets(shared, [word] * (PAGE_TICKETS + 3))
    await open_tickets(shared, ["something else"])
    ids = [ticket.id for ticket in opened]
    rows = await rows_of(shared, f"text={word}&order={order}&assignee=", MARTON)
    assert [row["id"] for row in rows] == (ids if order == "oldest" else ids[::-1])
    assert {row["requester name"] for row in rows} == {"Anna K."}


async def test_me_is_the_reader(shared: SharedApplication) -> None:
    await open_tickets(shared, ["minemine"], MARTON)
    query = "text=minemine&openedByMe=true"
    assert len(await rows_of(shared, query, MARTON)) == 1
    assert await rows_of(shared, query, ANNA) == []


async def test_an_invalid_filter_is_a_problem(shared: SharedApplication) -> None:
    headers = await signed_in(shared.database, ANNA)
    async with shared.client.get("/tickets.csv?colour=red", headers=headers) as response:
        assert response.status == 400
        assert "colour" in await response.text()


async def test_a_user_who_is_not_signed_in_gets_nothing(shared: SharedApplication) -> None:
    async with shared.client.get("/tickets.csv", allow_redirects=False) as response:
        assert response.status == 303
