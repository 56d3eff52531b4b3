"""The page of a ticket in a real browser: its forms, with and without scripts, and live changes."""

import re

import pytest
from playwright.async_api import expect

from tests.support.api_client import Api
from tests.support.personas import ANNA, MARTON
from tests.support.web_pages import WebPages

CREATE = """
mutation ($title: String!, $workflow: String!) {
  createTicket(title: $title, workflow: $workflow, assigneeGroup: "payment-team") { ticket { id } }
}
"""
COMMENT = (
    "mutation ($id: ID!, $text: String!) { commentTicket(id: $id, text: $text) { ticket { id } } }"
)
MOVE = "mutation ($id: ID!, $to: Status!) { transitionTicket(id: $id, to: $to) { ticket { id } } }"
NO_SCRIPTS = {"java_script_enabled": False}


async def new_ticket(api: Api, title: str = "Card payments fail") -> str:
    data = await api.data(ANNA, CREATE, title=title, workflow="incident_response")
    ticket: str = data["createTicket"]["ticket"]["id"]
    return ticket


async def test_two_users_see_what_the_other_writes_and_typed_text_stays(
    api: Api, pages: WebPages
) -> None:
    path = f"/tickets/{await new_ticket(api)}"
    async with pages.window(MARTON, path) as marton, pages.window(ANNA, path) as anna:
        for page in (marton, anna):
            await page.wait_for_selector("[data-htmx-powered]#live", state="attached")
        await marton.fill("#comment", "half a sentence")
        await anna.fill("#comment", "It **still** fails")
        await anna.get_by_role("button", name="Add comment").click()
        await expect(anna.locator(".message")).to_contain_text("Your comment is on the ticket")
        await expect(marton.locator(".timeline")).to_contain_text("It still fails")
        await expect(marton.locator("#comment")).to_have_value("half a sentence")
        await expect(marton.locator("#comment")).to_be_focused()
        await marton.get_by_role("button", name="Reply to Anna K.").click()
        await expect(anna.locator(".timeline")).to_contain_text("half a sentence")
        await expect(marton.locator("#comment")).to_have_value("")


@pytest.mark.parametrize("options", [{}, NO_SCRIPTS], ids=["with scripts", "without scripts"])
async def test_a_stale_click_changes_nothing_and_says_what_happened(
    options: dict[str, bool], api: Api, pages: WebPages
) -> None:
    ticket = await new_ticket(api)
    assign = 'mutation ($id: ID!) { assignTicket(id: $id, assignee: "u_c4") { ticket { id } } }'
    await api.data(MARTON, assign, id=ticket)
    await api.data(MARTON, MOVE, id=ticket, to="IN_PROGRESS")
    async with pages.window(MARTON, f"/tickets/{ticket}", options) as page:
        await page.context.route("**/events*", lambda route: route.abort())
        await page.reload()
        await api.data(MARTON, MOVE, id=ticket, to="RESOLVED")
        await page.get_by_text("With a comment").click()
        await page.fill('textarea[name="comment"]', "Rolled back")
        await page.fill("#comment", "half a sentence")
        await page.get_by_role("button", name="Resolve").click()
        notice = page.get_by_role("alert")
        await expect(notice).to_contain_text("Nothing was changed")
        await expect(notice).to_contain_text("Marton P. moved it from In progress to Resolved")
        await expect(page.locator(".page-header")).to_contain_text("Resolved")
        await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
        await expect(page.locator('textarea[name="comment"]')).to_have_value("Rolled back")
        if not options:
            await expect(page.locator("#comment")).to_have_value("half a sentence")
    pages.complaints.clear()  # the stream that was aborted


async def test_an_unknown_ticket_is_not_found(pages: WebPages) -> None:
    async with pages.window(ANNA, "/tickets/tk_000000") as page:
        await expect(page.get_by_role("heading", level=1)).to_have_text("Not found")


async def test_timestamps_are_in_the_zone_of_the_browser(api: Api, pages: WebPages) -> None:
    ticket = await new_ticket(api)
    zones = {"Europe/Budapest": r"\d\d:\d\d (CET|CEST|GMT\+[12])$", "Asia/Kathmandu": r"GMT\+5:45$"}
    for zone, pattern in zones.items():
        async with pages.window(ANNA, f"/tickets/{ticket}", {"timezone_id": zone}) as page:
            await expect(page.locator(".facts time")).to_have_text(re.compile(pattern))
    async with pages.window(ANNA, f"/tickets/{ticket}", NO_SCRIPTS) as page:
        await expect(page.locator(".facts time")).to_have_text(re.compile("UTC$"))


async def test_the_id_can_be_copied(api: Api, pages: WebPages) -> None:
    ticket = await new_ticket(api)
    clipboard = {"permissions": ["clipboard-read", "clipboard-write"]}
    async with pages.window(MARTON, f"/tickets/{ticket}", clipboard) as page:
        await page.get_by_role("button", name="Copy the id").click()
        await expect(page.locator("[data-copy]")).to_have_text("Copied")
        assert await page.evaluate("navigator.clipboard.readText()") == ticket
        await page.get_by_role("button", name="Start work").click()
        await expect(page.get_by_role("button", name="Copy the id")).to_be_visible()
    async with pages.window(MARTON, f"/tickets/{ticket}", NO_SCRIPTS) as page:
        await expect(page.locator("[data-copy]")).to_be_hidden()


async def test_a_paragraph_has_the_direction_of_its_own_text(api: Api, pages: WebPages) -> None:
    ticket = await new_ticket(api)
    await api.data(ANNA, COMMENT, id=ticket, text="مرحبا\n\nHello")
    async with pages.window(ANNA, f"/tickets/{ticket}") as page:
        arabic, english = await page.locator(".said p").all()
        middle = "e => { const r = document.createRange(); r.selectNodeContents(e);"
        middle += " const t = r.getBoundingClientRect(), b = e.getBoundingClientRect();"
        middle += " return (t.left + t.right) / 2 > (b.left + b.right) / 2 }"
        assert await arabic.evaluate(middle)
        assert not await english.evaluate(middle)


async def test_a_page_works_in_a_browser_that_keeps_no_data(api: Api, pages: WebPages) -> None:
    ticket = await new_ticket(api)
    refuse = "{ get() { throw new DOMException('denied', 'SecurityError'); } }"
    async with pages.window(ANNA, f"/tickets/{ticket}") as page:
        await page.add_init_script(f"Object.defineProperty(window, 'localStorage', {refuse})")
        await page.reload()
        await expect(page.locator(".facts time")).to_have_text(re.compile(r"(CET|CEST|GMT\+[12])$"))
        await page.fill("#comment", "Without a draft")
        await page.get_by_role("button", name="Add comment").click()
        await expect(page.locator(".timeline")).to_contain_text("Without a draft")
