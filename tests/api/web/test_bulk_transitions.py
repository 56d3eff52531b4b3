"""Moving several tickets: a preview, the move and its outcome, with and without scripts."""

import re
from html import unescape
from typing import Final

import pytest
from playwright.async_api import expect

from tests.api.web.test_live_list import ASSIGN
from tests.api.web.test_ticket_page import MOVE, NO_SCRIPTS, new_ticket
from tests.support.api_client import Api, Client, bearer
from tests.support.personas import ADA, ANNA, MARTON
from tests.support.web_client import OWN_PAGE
from tests.support.web_pages import WebPages

STATUS: Final = "query ($id: ID!) { ticket(id: $id) { status version } }"


async def started(api: Api, title: str, *, ours: bool = True) -> str:
    ticket = await new_ticket(api, title)
    if ours:
        await api.data(MARTON, ASSIGN, id=ticket)
        await api.data(MARTON, MOVE, id=ticket, to="IN_PROGRESS")
    return ticket


async def status_of(api: Api, ticket: str) -> str:
    found: str = (await api.data(ADA, STATUS, id=ticket))["ticket"]["status"]
    return found


@pytest.mark.parametrize("options", [{}, NO_SCRIPTS], ids=["with scripts", "without scripts"])
async def test_selected_tickets_are_moved_after_a_preview(
    options: dict[str, bool], api: Api, pages: WebPages
) -> None:
    first, second = await started(api, "The first"), await started(api, "The second")
    third = await started(api, "Not started", ours=False)
    async with pages.window(MARTON, "/tickets", options) as page:
        if options:
            for ticket in (first, second, third):
                await page.check(f"#{ticket} input[type=checkbox]")
        else:
            await page.keyboard.press("j")
            for key in "xjxjx":
                await page.keyboard.press(key)
            await expect(page.locator("input[name=ids]:checked")).to_have_count(3)
        await page.get_by_role("button", name="Preview", exact=True).click()
        message = page.locator(".message")
        await expect(message).to_have_text("2 will move, 1 has no transition to Resolved")
        assert await status_of(api, first) == "IN_PROGRESS"
        await page.get_by_role("button", name="Move 2 tickets to Resolved").click()
        await expect(message).to_have_text("2 moved, 1 not moved")
        await expect(page.locator("input[name=ids]:checked")).to_have_count(1)
        assert await page.locator("input[name=ids]").get_attribute("value") == third
    assert [await status_of(api, each) for each in (first, second, third)] == [
        *("RESOLVED", "RESOLVED"),
        "OPEN",
    ]


async def test_a_row_that_changes_stays_selected(api: Api, pages: WebPages) -> None:
    ticket = await new_ticket(api, "The first")
    async with pages.window(MARTON, "/tickets") as page:
        box = page.locator(f"#{ticket} input[type=checkbox]")
        await box.check()
        await api.data(MARTON, ASSIGN, id=ticket)
        await expect(page.locator(f"#{ticket}")).to_contain_text("Marton P.")
        await expect(box).to_be_checked()


async def test_a_click_with_shift_selects_a_range(api: Api, pages: WebPages) -> None:
    for number in range(4):
        await new_ticket(api, f"Ticket {number}")
    async with pages.window(MARTON, "/tickets") as page:
        boxes = page.locator("input[name=ids]")
        await boxes.nth(2).click()
        await boxes.nth(0).click(modifiers=["Shift"])
        await expect(page.locator("input[name=ids]:checked")).to_have_count(3)
        await expect(boxes.nth(3)).not_to_be_checked()


async def page_at(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path, headers=bearer(MARTON)) as response:
        assert response.status == status
        return unescape(await response.text())


async def test_all_that_match_are_the_tickets_of_the_filter(api: Api, client: Client) -> None:
    await started(api, "The printer is on fire")
    await started(api, "Something else")
    listed = await page_at(client, "/tickets?text=printer&order=oldest")
    [matching] = re.findall('name="matching" value="([^"]*)"', listed)
    assert matching == "text=printer&order=oldest"
    path = "/tickets/bulk?to=RESOLVED&matching=text%3Dprinter%26order%3Doldest"
    preview = await page_at(client, path)
    assert "1 will move" in preview
    assert "Something else" not in preview
    nothing = await page_at(client, "/tickets/bulk?to=RESOLVED&matching=text%3Dscanner")
    assert "No ticket matches this filter." in nothing


REFUSALS: Final = {
    "/tickets/bulk?to=RESOLVED": "Select at least one ticket.",
    "/tickets/bulk?ids=tk_000000": "Choose a status",
    "/tickets/bulk?ids=tk_000000&to=DONE": "Choose a status",
    "/tickets/bulk?to=OPEN&" + "&".join(f"ids=tk_{each:06x}" for each in range(101)): (
        "Select at most 100 tickets, not 101."
    ),
    "/tickets/bulk/outcome?to=OPEN": "Select at least one ticket.",
    "/tickets/bulk?to=OPEN&matching=colour%3Dred": "colour",
}


@pytest.mark.parametrize(("path", "message"), REFUSALS.items(), ids=range(len(REFUSALS)))
async def test_an_invalid_selection_is_a_problem_of_the_page(
    client: Client, path: str, message: str
) -> None:
    assert message in await page_at(client, path, 400)


async def test_a_form_that_is_sent_twice_moves_tickets_once(api: Api, client: Client) -> None:
    ticket = await started(api, "The first")
    form = {"ids": ticket, "to": "RESOLVED", "key": "once", "comment": "Rolled back"}
    headers = bearer(MARTON) | OWN_PAGE
    outcomes = []
    for _ in range(2):
        async with client.post(
            "/tickets/bulk", data=form, headers=headers, allow_redirects=False
        ) as response:
            assert response.status == 303
            outcomes.append(response.headers["Location"])
    assert outcomes == [f"/tickets/bulk/outcome?to=RESOLVED&done={ticket}"] * 2
    found = (await api.data(ANNA, STATUS, id=ticket))["ticket"]
    assert found == {"status": "RESOLVED", "version": 5}


async def test_tickets_that_the_reader_cannot_read_look_missing(client: Client) -> None:
    preview = await page_at(client, "/tickets/bulk?ids=tk_000000&ids=x&to=RESOLVED")
    assert "2 can't be found" in preview
