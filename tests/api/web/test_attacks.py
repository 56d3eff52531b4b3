"""No text that a user or a declaration can set runs, loads or becomes markup in any page."""

import asyncio
import csv
from io import StringIO
from typing import Final
from urllib.parse import quote, urlencode

import pytest
from playwright.async_api import Dialog, Page, Request

from api.web.csv_text import BYTE_ORDER_MARK
from engine import limits
from engine.storage.tickets.store import TicketStore
from engine.storage.user_settings import save_view
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
)
from engine.user_settings import SavedView
from tests.support.api_client import SharedApplication, bearer
from tests.support.attacks import BLOCKS, LINES, VALUES, injected_markup
from tests.support.declared_resources import declare
from tests.support.personas import sign_in
from tests.support.web_client import OWN_PAGE
from tests.support.web_pages import WebPages

TEXT: Final = "\n\n".join((*LINES, *BLOCKS))
TEAM: Final = LINES[0]
READER: Final = Actor("u_<b>reader</b>", LINES[1], frozenset({TEAM}), is_admin=True)
AUTHORS: Final = tuple(
    Actor(f"u_{number}\"'<i>", line, frozenset({TEAM})) for number, line in enumerate(LINES)
)
WORKFLOW: Final = "workflow_1"
PLANNED: Final = "ticketing:\n" + "".join(
    f"  ? {line!r}\n  : 1\n" for line in LINES if line.isprintable()
)


@pytest.fixture(scope="module", autouse=True)
async def ticket(shared: SharedApplication) -> str:
    """Put the attacks into each text; return the id of a ticket with all of them."""
    database = shared.database
    numbered = list(enumerate(LINES))
    await sign_in(database, READER, *AUTHORS)
    await declare(
        database,
        workflows=[
            {
                "name": f"workflow_{number}",
                "displayName": line,
                "transitions": [{"from": "OPEN", "to": "CLOSED", "role": "requester"}],
            }
            for number, line in numbered
        ],
        catalog={
            "categories": [
                {"name": f"category_{number}", "displayName": line, "icon": line[:63]}
                for number, line in numbered
            ],
            "items": [
                {
                    "name": f"item_{number}",
                    "category": "category_0",
                    "displayName": line,
                    "description": TEXT[: limits.DESCRIPTION_CHARACTERS],
                    "icon": line[:63],
                    "workflow": WORKFLOW,
                    "defaults": {"assigneeGroup": line},
                }
                for number, line in numbered
            ],
        },
    )
    for number, line in numbered:
        view = SavedView(name=line[: limits.VIEW_NAME_CHARACTERS], query=f"text={number}")
        await save_view(database, READER.id, view)
    store = TicketStore(database)
    await asyncio.gather(
        *(
            store.create_from_catalog(
                AUTHORS[number],
                CreateTicketFromCatalog(item=f"item_{number}", title=line, description=TEXT),
            )
            for number, line in numbered
        )
    )
    full = await store.create(
        AUTHORS[0],
        CreateTicket.parse(
            title=LINES[0], description=TEXT, workflow=WORKFLOW, assignee_group=TEAM
        ),
    )
    for number, author in enumerate(AUTHORS[::4]):
        await store.assign(author, AssignTicket(ticket=full.id, assignee=author.id))
        is_note = bool(number % 2)
        await store.comment(author, CommentTicket(ticket=full.id, text=TEXT, internal=is_note))
    return full.id


async def send_plan(page: Page) -> None:
    await page.fill("#values", PLANNED)
    await page.get_by_role("button", name="Make a dry run").click()
    await page.get_by_role("alert").wait_for()


async def send_refused_ticket(page: Page) -> None:
    await page.fill("#title", LINES[-3])
    await page.fill("#description", TEXT)
    await page.fill("#assignee", LINES[-4])
    await page.get_by_role("button", name="Open the ticket").click()
    await page.get_by_role("alert").wait_for()


async def read_suggestions(page: Page) -> None:
    await page.get_by_text("Assign to another user").click()
    async with page.expect_response(lambda response: "/suggestions/" in response.url):
        await page.get_by_label("User").fill("u_")


async def test_no_attack_does_anything_in_a_browser(ticket: str, shared_pages: WebPages) -> None:
    foreign: list[str] = []
    own = shared_pages.url("/")

    def note_request(request: Request) -> None:
        if not request.url.startswith(own):
            foreign.append(request.url)

    async def note_dialog(dialog: Dialog) -> None:
        foreign.append(dialog.message)
        await dialog.dismiss()

    steps = {
        "/tickets?order=oldest": None,
        f"/tickets?text={quote(TEXT[:500])}&assigneeGroup={quote(TEAM)}": None,
        f"/tickets/{ticket}?all": read_suggestions,
        f"/tickets/bulk?{urlencode({'to': 'RESOLVED', 'ids': ticket})}": None,
        "/new": None,
        "/new/items/item_17": None,
        "/new/form": send_refused_ticket,
        "/workflows": None,
        f"/workflows/{WORKFLOW}": None,
        "/plan": send_plan,
        "/insights": None,
        "/settings": None,
    }
    async with shared_pages.window(READER, "/workflows") as page:
        page.on("request", note_request)
        page.on("dialog", note_dialog)
        for path, act in steps.items():
            await page.goto(shared_pages.url(path))
            if act:
                await act(page)
            assert page.url.startswith(own)
            assert injected_markup(await page.content()) == [], path
    assert foreign == []


REFLECTED: Final = (
    "/tickets?text={}",
    "/tickets?{}=1",
    "/tickets?dueWithin={}",
    "/tickets?assignee={}&createdSince={}",
    "/tickets?after={}",
    "/tickets/{}",
    "/tickets/bulk?to={}&ids={}",
    "/new?category={}",
    "/new/items/{}",
    "/workflows/{}",
    "/insights?days={}",
    "/sign-in?next={}",
    "/{}",
)


@pytest.mark.parametrize("url", REFLECTED)
async def test_no_attack_in_a_url_becomes_markup(url: str, shared: SharedApplication) -> None:
    for attack in VALUES:
        path = url.replace("{}", quote(attack, safe=""))
        headers = bearer(READER) | {"Accept": "text/html"}
        async with shared.client.get(path, headers=headers, allow_redirects=False) as response:
            assert injected_markup(await response.text()) == [], attack
            assert response.status < 500
            assert "evil.example" not in response.headers.get("Location", "").partition("?")[0]


FORMS: Final = {
    "/tickets/{}/comments": ("text", "version", "key", "internal"),
    "/tickets/{}/transitions": ("to", "comment", "version", "key"),
    "/tickets/{}/assignee": ("assignee", "version"),
    "/tickets/{}/group": ("group", "version"),
    "/tickets/{}/edits": ("title", "description", "priority"),
    "/tickets/{}/publication": ("public_title", "impact", "update"),
    "/new/form": ("title", "workflow", "priority", "assigneeGroup", "assignee", "key"),
    "/tickets/bulk": ("to", "ids", "comment", "key"),
    "/views": ("name", "query"),
    "/settings": ("theme", "timeZone", "startPath"),
    "/plan": ("values", "key"),
}


@pytest.mark.parametrize("action", FORMS)
async def test_no_attack_in_a_field_becomes_markup(
    action: str, ticket: str, shared: SharedApplication
) -> None:
    """Each field in turn has an attack, sent by a user who is signed in, and by one who is not."""
    names = FORMS[action]
    for number, attack in enumerate(VALUES):
        form = {name: VALUES[(number + place) % len(VALUES)] for place, name in enumerate(names)}
        path = action.format(ticket)
        for headers in (OWN_PAGE, bearer(READER) | OWN_PAGE):
            async with shared.client.post(
                path, data=form, headers=headers, allow_redirects=False
            ) as response:
                assert injected_markup(await response.text()) == [], attack
                assert response.status < 500


async def test_no_cell_of_a_csv_file_is_a_formula(shared: SharedApplication) -> None:
    async with shared.client.get("/tickets.csv", headers=bearer(READER)) as response:
        text = (await response.text()).removeprefix(BYTE_ORDER_MARK)
    rows = list(csv.reader(StringIO(text, newline="")))
    assert len(rows) > len(LINES)
    assert not [cell for row in rows for cell in row if cell[:1] in {"=", "+", "-", "@"}]


@pytest.mark.parametrize("attack", [line for line in LINES if line.startswith("<")])
def test_an_attack_that_is_not_escaped_is_found(attack: str) -> None:
    assert injected_markup(f"<p>{attack}</p>") != [] or attack.startswith(
        ("</", "<!--", "<scr\xad")
    )
