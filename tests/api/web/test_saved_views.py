"""Saved views: in the tabs of the list, for their user only."""

import pytest
from playwright.async_api import expect

from api.web.views.tickets.view import TicketList, order_named
from engine.user_settings import SavedView
from tests.api.web.test_ticket_page import NO_SCRIPTS
from tests.support.api_client import SharedApplication, bearer
from tests.support.personas import ANNA, CILI, MARTON, OUTSIDER
from tests.support.web_client import submit
from tests.support.web_pages import WebPages

OPEN = (("status", "OPEN"), ("text", "a&b"))
VIEWS = [
    SavedView(name="Ours", query="text=a%26b&status=OPEN"),
    SavedView(name="Due first", query="status=OPEN&text=a%26b&order=due"),
    SavedView(name="Mine", query="assignedToMe=true&status=OPEN&status=IN_PROGRESS&order=due"),
]


@pytest.mark.parametrize(
    ("query", "order", "active"),
    [
        (OPEN, "", "Ours"),
        (OPEN, "due", "Due first"),
        (OPEN, "oldest", None),
        (tuple((name, value) for name, value in OPEN if name == "text"), "", None),
    ],
)
def test_the_page_shows_a_view_if_filter_and_order_are_the_same(
    query: tuple[tuple[str, str], ...], order: str, active: str | None
) -> None:
    page = TicketList(query, order_named(order), saved_views=VIEWS)
    assert page.saved_view == active
    assert [each.label for each in page.views if each.active] == ([active] if active else [])
    assert page.heading == active or active is None


def test_a_saved_view_comes_before_the_built_in_one_with_the_same_filter() -> None:
    mine = (("assignedToMe", "true"), ("status", "OPEN"), ("status", "IN_PROGRESS"))
    by_due_time = TicketList(mine, order_named("due"), saved_views=VIEWS)
    assert by_due_time.heading == "Mine"
    newest = TicketList(mine, order_named(""), saved_views=VIEWS)
    assert (newest.heading, newest.saved_view) == ("Assigned to me", None)


async def test_a_view_is_saved_shown_and_deleted(pages: WebPages) -> None:
    path = "/tickets?text=printer&order=oldest"
    async with pages.window(MARTON, path, NO_SCRIPTS) as page:
        await page.get_by_text("Save as a view").click()
        await page.get_by_label("Name of the view").fill("<b>Printers</b>")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("h1")).to_have_text("<b>Printers</b>")
        await page.get_by_role("link", name="All", exact=True).click()
        await page.get_by_role("link", name="<b>Printers</b>").click()
        await expect(page).to_have_url(pages.url(path))
        await expect(page.get_by_text("Save as a view")).to_have_count(0)
        async with pages.window(ANNA, path, NO_SCRIPTS) as other:
            await expect(other.locator("h1")).to_have_text("Tickets")
        await page.get_by_role("button", name="Delete the view").click()
        await expect(page).to_have_url(pages.url(path))
        await expect(page.locator("h1")).to_have_text("Tickets")


async def test_the_views_with_counts_contain_the_saved_ones(shared: SharedApplication) -> None:
    form = {"name": "Printers by due time", "query": "text=printer&order=due"}
    async with await submit(shared.client, "/views", bearer(CILI), form) as response:
        assert response.status == 303
    path, headers = f"/tickets/counts?{form['query']}", bearer(CILI) | {"HX-Request": "true"}
    async with shared.client.get(path, headers=headers) as response:
        current = (await response.text()).partition("aria-current")[2]
    assert current.startswith('="page"><bdi>Printers by due time</bdi>')


FORMS = {
    "the cursor and empty fields are left out": (
        "status=OPEN&text=&after=x&order=oldest",
        "status=OPEN&order=oldest",
    ),
    "an unknown order is the default": ("status=OPEN&order=colour", "status=OPEN"),
    "no filter is a filter": ("", ""),
}


@pytest.mark.parametrize(("sent", "stored"), FORMS.values(), ids=FORMS)
async def test_a_filter_is_stored_as_the_list_has_it(
    shared: SharedApplication, sent: str, stored: str
) -> None:
    form = {"name": "view", "query": sent}
    async with await submit(shared.client, "/views", bearer(OUTSIDER), form) as response:
        assert (response.status, response.headers["Location"]) == (303, f"/tickets?{stored}")


@pytest.mark.parametrize(
    "form",
    [
        {"query": "status=OPEN"},
        {"name": " ", "query": "status=OPEN"},
        {"name": "x" * 61, "query": "status=OPEN"},
        {"name": "view", "query": "colour=red"},
        {"name": "view", "query": f"text={'x' * 501}"},
    ],
)
async def test_an_invalid_view_is_refused(shared: SharedApplication, form: dict[str, str]) -> None:
    async with await submit(shared.client, "/views", bearer(ANNA), form) as response:
        assert response.status == 400
    async with shared.client.get("/tickets", headers=bearer(ANNA)) as response:
        assert "Delete the view" not in await response.text()
