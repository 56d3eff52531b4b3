"""The screens of tickets, workflows and plans are accessible in every state and theme."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from playwright.async_api import Page, expect

from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    RequestedSla,
    TransitionTicket,
)
from engine.vocabulary import Status
from tests.support.accessibility import check_accessibility, check_in_each_theme
from tests.support.api_client import SharedApplication
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA, MARTON, sign_in
from tests.support.web_pages import WebPages

LONG: Final = "A-title-without-a-single-place-to-break-" * 3
MARKDOWN: Final = """# Heading

| a | b |
| - | - |
| 1 | https://example.com/a-link-that-is-much-longer-than-a-line-of-a-phone-can-be |

> quoted `code`

    a line of code that is longer than a line of a phone can be, so that it scrolls in its box
"""
HOTFIX: Final = {
    "name": "hotfix",
    "displayName": "Hotfix",
    "transitions": [{"from": "OPEN", "to": "CLOSED", "role": "any"}],
}
CATALOG: Final = {
    "categories": [{"name": "incidents", "displayName": "Incidents", "icon": "warning"}],
    "items": [
        {
            "name": "outage",
            "category": "incidents",
            "displayName": "Network outage",
            "description": "The connection fails.",
            "icon": "no_such_icon",
            "workflow": "incident_response",
        }
    ],
}
OPEN_DETAILS: Final = "document.querySelectorAll('details').forEach(each => { each.open = true })"
OUTDATE: Final = "document.querySelectorAll('[name=version]').forEach(each => { each.value = '1' })"
UNSEEN: Final = """() => [...document.querySelectorAll('button, input, textarea, select, .status')]
  .filter(each => each.checkVisibility() && each.type !== 'checkbox')
  .filter(each => {
    const shape = getComputedStyle(each, each.matches('.status') ? '::before' : null);
    return shape.borderStyle === 'none' || shape.borderColor === shape.backgroundColor;
  }).map(each => each.outerHTML)"""
"""The controls without a visible border, and the statuses without a visible symbol."""
FOCUS: Final = "getComputedStyle(document.activeElement).outlineStyle"
Prepare = Callable[[Page], Awaitable[object]]


async def open_details(page: Page) -> None:
    await page.evaluate(OPEN_DETAILS)


async def send_outdated(page: Page) -> None:
    await page.evaluate(OUTDATE)
    await page.get_by_role("button", name="Assign to me").click()
    await page.get_by_role("alert").wait_for()


async def send_blank_title(page: Page) -> None:
    await page.fill("#title", " ")
    await page.get_by_role("button", name="Open the ticket").click()
    await page.get_by_role("alert").wait_for()


def plan_with(values: str) -> Prepare:
    async def send(page: Page) -> None:
        await page.fill("#values", values)
        await page.get_by_role("button", name="Make a dry run").click()
        await page.locator(".message").first.wait_for()
        await open_details(page)

    return send


async def nothing(_page: Page) -> None:
    pass


async def _screens(shared: SharedApplication) -> list[tuple[str, Prepare]]:
    """Return the paths of the screens, and what brings each into its state."""
    await declare(shared.database, workflows=[HOTFIX])
    await declare(shared.database, workflows=[HOTFIX | {"displayName": LONG}], catalog=CATALOG)
    store = TicketStore(shared.database)
    new = CreateTicket.parse(
        title=LONG,
        description=MARKDOWN,
        workflow="incident_response",
        assignee_group="payment-team",
        sla=RequestedSla(by_priority=True),
    )
    waiting, done = await store.create(ANNA, new), await store.create(ANNA, new)
    await store.comment(ANNA, CommentTicket(ticket=waiting.id, text="Any news?"))
    await store.create(ANNA, CreateTicket.parse(title="Stranded", workflow="hotfix"))
    await store.assign(MARTON, AssignTicket(ticket=done.id, assignee=MARTON.id))
    for note in (False, True):
        for text in (MARKDOWN, LONG):
            await store.comment(MARTON, CommentTicket(ticket=done.id, text=text, internal=note))
    for actor, status in (
        (MARTON, Status.IN_PROGRESS),
        (MARTON, Status.RESOLVED),
        (ANNA, Status.CLOSED),
    ):
        await store.transition(actor, TransitionTicket(ticket=done.id, to=status))
    return [
        (f"/tickets/{waiting.id}", open_details),
        (f"/tickets/{waiting.id}", send_outdated),
        (f"/tickets/{done.id}", open_details),
        ("/tickets/tk_000000", nothing),
        ("/new", nothing),
        ("/new/items/outage", nothing),
        ("/new/form", send_blank_title),
        ("/workflows", nothing),
        ("/workflows/hotfix", open_details),
        ("/plan", plan_with("ticketing: {}")),
        ("/plan", plan_with("ticketing: {workflow: []}")),
    ]


async def test_the_screens_are_accessible(
    shared: SharedApplication, shared_pages: WebPages
) -> None:
    screens = await _screens(shared)
    async with shared_pages.window(ADA, "/workflows") as page:
        for path, prepare in screens:
            await page.goto(shared_pages.url(path))
            await prepare(page)
            await check_in_each_theme(page)


async def test_forced_colours_hide_nothing(
    shared: SharedApplication, shared_pages: WebPages
) -> None:
    """Windows replaces all colours in its contrast themes: shapes and words must say as much."""
    store = TicketStore(shared.database)
    targets = RequestedSla(by_priority=True)
    new = CreateTicket.parse(title="Printer", workflow="incident_response", sla=targets)
    ticket = await store.create(ANNA, new)
    forced = {"forced_colors": "active", "reduced_motion": "reduce"}
    async with shared_pages.window(ADA, f"/tickets/{ticket.id}", forced) as page:
        words = page.locator(".facts-line .status, .facts-line .priority, .sla")
        assert [each.strip() for each in await words.all_inner_texts()][:2] == ["Open", "Medium"]
        assert await words.last.inner_text() != ""
        assert await page.evaluate(UNSEEN) == []
        for _ in range(12):
            await page.keyboard.press("Tab")
            assert await page.evaluate(FOCUS) != "none"
        await page.evaluate("document.querySelector('.timeline li').classList.add('changed')")
        assert await page.evaluate("document.getAnimations().length") == 0


async def test_suggestions_follow_the_pattern_of_a_combobox(
    shared: SharedApplication, shared_pages: WebPages
) -> None:
    """https://www.w3.org/WAI/ARIA/apg/patterns/combobox/, with list autocomplete."""
    await sign_in(shared.database, *(Actor(f"u_k{each}", f"Kata {each}.") for each in "ABC"))
    async with shared_pages.window(ADA, "/new/form") as page:
        field, keys = page.get_by_role("combobox", name="Assignee"), page.keyboard
        options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
        active = page.locator('#suggestions [aria-selected="true"]')
        await page.get_by_label("Assignee").focus()
        await expect(field).to_have_attribute("aria-expanded", "false")
        await keys.type("kata")
        await expect(options).to_have_text([f"Kata {each}. (u_k{each})" for each in "ABC"])
        await expect(field).to_have_attribute("aria-expanded", "true")
        await expect(page.locator("#announcements")).to_have_text("3 suggestions")
        await expect(active).to_have_count(0)
        await check_accessibility(page)
        for key, name in (
            ("ArrowDown", "A"),
            ("ArrowUp", "C"),
            ("ArrowDown", "A"),
            ("ArrowDown", "B"),
        ):
            await keys.press(key)
            await expect(active).to_have_text(f"Kata {name}. (u_k{name})")
            chosen = await active.get_attribute("id")
            await expect(field).to_have_attribute("aria-activedescendant", chosen or "")
        await keys.press("Enter")
        await expect(field).to_have_value("u_kB")
        await expect(field).to_have_attribute("aria-expanded", "false")
        await expect(field).not_to_have_attribute("aria-activedescendant", re.compile(""))
        await expect(field).to_be_focused()
        await keys.press("ArrowDown")
        await expect(active).to_have_text("Kata B. (u_kB)")
        await keys.press("Escape")
        await expect(options).to_have_count(0)
        await expect(field).to_be_focused()
        await field.fill("kata c")
        await options.get_by_text("Kata C.").click()
        await expect(field).to_have_value("u_kC")
        await keys.press("ArrowDown")
        await expect(options).to_have_count(1)
        await keys.press("Tab")
        await expect(options).to_have_count(0)
        await expect(field).to_have_value("u_kC")
        await field.fill("no such user")
        await expect(page.locator("#announcements")).to_have_text("0 suggestions")
        await page.fill("#title", "Printer")
        await field.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Assignee")
