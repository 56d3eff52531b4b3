"""An open list of tickets in a real browser follows their changes."""

from playwright.async_api import expect

from tests.api.web.test_ticket_page import COMMENT, MOVE, new_ticket
from tests.support.api_client import Api
from tests.support.personas import ANNA, MARTON
from tests.support.web_pages import WebPages

ASSIGN = 'mutation ($id: ID!) { assignTicket(id: $id, assignee: "u_c4") { ticket { id } } }'


async def test_rows_change_in_place_and_new_tickets_wait(api: Api, pages: WebPages) -> None:
    first = await new_ticket(api, "The first one")
    await new_ticket(api, "The second one")
    async with pages.window(MARTON, "/tickets?status=OPEN&status=IN_PROGRESS") as page:
        await page.get_by_role("link", name="The first one").focus()
        await api.data(MARTON, ASSIGN, id=first)
        await api.data(MARTON, MOVE, id=first, to="IN_PROGRESS")
        row = page.locator(f"#{first}")
        await expect(row).to_contain_text("In progress")
        await expect(page.locator("#announcements")).to_have_text("Changed: The first one")
        await expect(row).to_contain_text("Marton P.")
        await expect(page.get_by_role("link", name="The first one")).to_be_focused()
        await api.data(MARTON, MOVE, id=first, to="RESOLVED")
        await expect(row).to_contain_text("Resolved")  # it matched before, and is still shown
        third, _ = await new_ticket(api, "The third one"), await new_ticket(api, "The fourth one")
        await api.data(ANNA, COMMENT, id=third, text="More")
        arrived = page.locator("#arrived")
        await expect(arrived).to_have_text("Show 2 new tickets")
        await expect(page.locator("table.tickets")).not_to_contain_text("The third one")
        await arrived.click()
        await expect(page.locator("table.tickets tbody tr")).to_have_count(3)
        await expect(row).to_have_count(0)
        await expect(arrived).to_be_hidden()
        await new_ticket(api, "The fifth one")
        await expect(arrived).to_have_text("Show 1 new ticket")


async def test_only_tickets_of_the_filter_arrive(api: Api, pages: WebPages) -> None:
    async with pages.window(MARTON, "/tickets?text=printer") as page:
        await new_ticket(api, "Card payments fail")
        later = await new_ticket(api, "The printer is on fire")
        await expect(page.locator("#arrived")).to_have_text("Show 1 new ticket")
        await page.click("#arrived")
        await expect(page.locator("table.tickets tbody tr")).to_have_count(1)
        await expect(page.locator(f"#{later}")).to_contain_text("The printer is on fire")


async def test_enter_in_the_search_lands_on_a_ticket(api: Api, pages: WebPages) -> None:
    ticket = await new_ticket(api)
    async with pages.window(ANNA, "/tickets", {"java_script_enabled": False}) as page:
        await page.fill("input[type=search]", pages.url(f"/tickets/{ticket}"))
        await page.press("input[type=search]", "Enter")
        await expect(page.locator("h1")).to_have_text("Card payments fail")


async def test_the_counts_of_the_views_load_after_the_list(api: Api, pages: WebPages) -> None:
    await new_ticket(api)
    async with pages.window(ANNA, "/tickets") as page:
        link = page.get_by_role("navigation", name="Views").get_by_role("link", name="Opened by me")
        await expect(link).to_have_text("Opened by me 1")
