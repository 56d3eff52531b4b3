"""The use of the explorer in a real browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from api.limits import StreamLimits
from engine.storage.web_sessions import WebSession
from engine.user_settings import Theme, UserSettings
from tests.support.accessibility import check_accessibility
from tests.support.counting_schema import COUNT
from tests.support.explorers import new_explorer
from tests.support.graphql_client import BEARER, Client, opened, touched
from tests.support.personas import ADA
from tests.support.streams import StreamServer, serving

COLOUR = "getComputedStyle(document.body).backgroundColor"
DARK = "rgb(19, 24, 22)"
TOKEN = BEARER["Authorization"].removeprefix("Bearer ")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    async with opened(explorer=new_explorer()) as client:
        yield client


@asynccontextmanager
async def opened_page(browser: Browser, origin: str) -> AsyncIterator[Page]:
    """Yield the opened page; it reports no error and sends requests only to its server."""
    context = await browser.new_context()
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.extend([message.text] * is_error(message.text)))
    page.on("request", lambda sent: wrong.extend([sent.url] * (not sent.url.startswith(origin))))
    await page.goto(f"{origin}graphql")
    yield page
    await context.close()
    assert wrong == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, client: Client) -> AsyncIterator[Page]:
    async with opened_page(browser, str(client.make_url("/"))) as page:
        yield page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(browser: Browser, client: Client) -> AsyncIterator[Page]:
    """Yield a page with a token, for tests that need no other state of it."""
    async with opened_page(browser, str(client.make_url("/"))) as page:
        await sign_in(page)
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def counting_page(browser: Browser) -> AsyncIterator[tuple[Page, StreamServer]]:
    """Yield a page with a token for a schema with subscriptions, and its server.

    A server notices at the next heartbeat that the client has closed a stream.
    """
    async with (
        serving(StreamLimits(heartbeat_seconds=1), explorer=new_explorer()) as server,
        opened_page(browser, f"{server.url}/") as page,
    ):
        await sign_in(page)
        yield page, server


def is_error(message: str) -> bool:
    """Return whether a console message is an error of the page, and not a response's status."""
    return not message.startswith(("Failed to load resource", "[DOM] Password field"))


async def sign_in(page: Page) -> None:
    await page.get_by_label("Token", exact=True).fill(TOKEN)
    await expect(page.locator("#identity")).to_contain_text("Anna K.")


async def write(page: Page, marked: str) -> None:
    """Enter an operation, and place the cursor at the bar."""
    at = marked.find("|")
    editor = page.get_by_label("Operation", exact=True)
    await editor.fill(marked.replace("|", ""))
    await editor.evaluate("(area, at) => area.setSelectionRange(at, at)", at)


async def ask(page: Page, operation: str, variables: str = "") -> None:
    await page.get_by_label("Variables", exact=True).fill(variables)
    await page.get_by_label("Operation", exact=True).fill(operation)
    await page.keyboard.press("Control+Enter")


async def test_an_operation_is_run_with_the_keyboard(desk: Page) -> None:
    await ask(desk, "query ($name: String!) { hello(name: $name) }", '{"name": "<b>Ödön</b>"}')
    await expect(desk.locator("#answer")).to_have_text(
        '{\n  "data": {\n    "hello": "Hello <b>Ödön</b>"\n  }\n}'
    )
    await expect(desk.locator("#outcome")).to_have_text(re.compile(r"200 OK · \d+ ms · \d+ B"))
    await expect(desk.locator("#outcome")).to_have_class("good")
    assert await desk.locator("#answer b").count() == 0


ANSWERS = {
    "a field that is refused": ("{ me refused }", "294 Partial Success", "warn", "forbidden"),
    "an invalid document": ("{ you }", "422 Unprocessable", "bad", "graphql_validation_failed"),
    "invalid GraphQL": ("{", "400 Bad Request", "bad", "graphql_parse_failed"),
}


@pytest.mark.parametrize(("operation", "status", "kind", "code"), ANSWERS.values(), ids=ANSWERS)
async def test_errors_are_shown_as_received(
    operation: str, status: str, kind: str, code: str, desk: Page
) -> None:
    await ask(desk, operation)
    await expect(desk.locator("#outcome")).to_contain_text(status)
    await expect(desk.locator("#outcome")).to_have_class(kind)
    await expect(desk.locator("#answer")).to_contain_text(code)


async def test_a_subscription_shows_its_events_the_newest_first(
    counting_page: tuple[Page, StreamServer],
) -> None:
    page, _ = counting_page
    await ask(page, COUNT, '{"to": 3}')
    await expect(page.locator("#outcome")).to_have_text("Ended · 3 events")
    await expect(page.locator("#answer .number")).to_have_text(["3", "2", "1"])
    await ask(page, COUNT, '{"to": 13}')
    await expect(page.locator("#outcome")).to_have_text("Ended with an error")
    await expect(page.locator("#answer")).to_contain_text("There is no thirteen.")


async def test_a_subscription_runs_until_it_is_stopped(
    counting_page: tuple[Page, StreamServer],
) -> None:
    page, server = counting_page
    await ask(page, "query A { ready } subscription B { forever }")
    await page.get_by_label("Operation to run").select_option("B")
    await page.get_by_role("button", name="Run").click()
    await expect(page.locator("#outcome")).to_have_text("Listening · 1 event")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("#outcome")).to_have_text("Stopped · 1 event")
    await expect(page.get_by_role("button", name="Run")).to_be_visible()
    await server.wait_until_idle()


async def test_completing_in_a_long_operation_scrolls_no_pane(desk: Page) -> None:
    await desk.set_viewport_size({"width": 1100, "height": 480})
    await write(desk, "{\n" + "  me\n" * 60 + "  |\n}")
    await desk.keyboard.type("ne")
    completions = desk.locator("#completions")
    await expect(completions).to_be_visible()
    scrolled = await desk.evaluate(
        "[...document.querySelectorAll('*')].filter((each) => each.scrollTop || each.scrollLeft)"
        ".map((each) => each.localName)"
    )
    assert set(scrolled) <= {"pre", "textarea"}  # the editor itself
    pane = await desk.locator(".editor.grows").bounding_box()
    offered = await completions.bounding_box()
    assert pane is not None
    assert offered is not None
    assert pane["y"] <= offered["y"]
    assert offered["y"] + offered["height"] <= pane["y"] + pane["height"]


async def test_long_lines_of_a_response_wrap(page: Page) -> None:
    await page.set_viewport_size({"width": 700, "height": 700})
    await sign_in(page)
    await ask(page, f"{{ {'x' * 300} }}")
    answer = page.locator("#answer")
    await expect(answer).to_contain_text("Cannot query field")
    assert await answer.evaluate("(answer) => answer.scrollWidth <= answer.clientWidth")


async def test_invalid_json_variables_are_not_sent(page: Page) -> None:
    await sign_in(page)
    await ask(page, "{ me }", "{")
    await expect(page.locator("#variables-wrong")).to_contain_text("Invalid JSON")
    await expect(page.get_by_label("Variables", exact=True)).to_be_focused()
    await expect(page.locator("#outcome")).to_be_empty()


async def test_one_of_several_operations_is_chosen(page: Page) -> None:
    await sign_in(page)
    chooser = page.get_by_label("Operation to run")
    await expect(chooser).to_be_hidden()
    await ask(page, 'query A { me } query B { hello(name: "B") }')
    await chooser.select_option("B")
    await page.get_by_role("button", name="Run").click()
    await expect(page.locator("#answer")).to_contain_text("Hello B")


async def test_a_token_is_stored_only_for_this_tab(page: Page) -> None:
    await sign_in(page)
    await page.reload()
    await expect(page.locator("#identity")).to_contain_text("Anna K.")
    kept = await page.evaluate("[localStorage.length, document.cookie]")
    assert kept == [0, ""]
    assert TOKEN not in page.url


@pytest.mark.parametrize("pasted", [f"Bearer {TOKEN}", f"export ANNA={TOKEN}", f" {TOKEN}\t"])
async def test_a_token_can_be_pasted_with_its_surrounding_text(pasted: str, desk: Page) -> None:
    await desk.get_by_label("Token", exact=True).fill("")
    await expect(desk.locator("#identity")).to_be_empty()
    await desk.get_by_label("Token", exact=True).fill(pasted)
    await expect(desk.locator("#identity")).to_contain_text("Anna K.")


async def test_an_invalid_token_is_reported_with_the_reason(page: Page) -> None:
    await expect(page.get_by_label("Token", exact=True)).to_be_focused()
    await page.keyboard.insert_text(f"{TOKEN}x")
    await expect(page.locator("#identity")).to_contain_text("The signature of the token is invalid")
    await expect(page.locator("#identity")).to_have_class("problem")


async def test_a_link_loads_an_operation_without_running_it(page: Page) -> None:
    await sign_in(page)
    await page.goto(f"{page.url}?query=mutation{{touch}}&variables={{}}")
    await expect(page.locator("#identity")).to_contain_text("Anna K.")
    await expect(page.get_by_label("Operation", exact=True)).to_have_value("mutation{touch}")
    await expect(page.locator("#outcome")).to_be_empty()
    assert touched == []


COMPLETIONS = {
    "fields of the root": (
        "{ | }",
        ["hello", "me", "refused", "needed", "broken", "unavailable", "__typename"],
    ),
    "fields that start with the typed text": ("{ ne| }", ["needed"]),
    "fields that contain the typed text": ("{ fus| }", ["refused"]),
    "fields of mutations": ("mutation { | }", ["touch", "__typename"]),
    "arguments": ("{ hello(| }", ["name"]),
    "arguments that are not used yet": ('{ hello(name: "x", |) }', []),
    "a field after an alias": ("{ a: h| }", ["hello"]),
    "a field after arguments": ('{ hello(name: "x") m| }', ["me"]),
    "the variables for a value": ("query ($n: String!) { hello(name: $|) }", ["$n"]),
    "types of variables": ("query ($n: Str|) { me }", ["String"]),
    "directives": ("{ me @| }", ["@include", "@skip"]),
    "what a directive takes": ("{ me @skip(|) }", ["if"]),
    "values of a condition": ("{ me @skip(if: |) }", ["true", "false"]),
    "types of fragments": ("{ ... on Q| }", ["Query"]),
    "fields of fragments": ("fragment F on Mutation { to| }", ["touch"]),
    "operations": ("mu|", ["mutation"]),
    "nothing in a comment": ("{ me # m|\n}", []),
    "nothing in a text": ('{ hello(name: "m|") }', []),
    "nothing for an unknown field": ("{ you { m| } }", []),
}


@pytest.mark.parametrize(("marked", "offered"), COMPLETIONS.values(), ids=COMPLETIONS)
async def test_valid_completions_are_offered(marked: str, offered: list[str], desk: Page) -> None:
    await write(desk, marked)
    await desk.keyboard.press("Control+Space")
    options = desk.locator("#completions:not([hidden]) [role=option] > span")
    await expect(options).to_have_text(offered)


async def test_a_completion_is_chosen_with_the_keyboard_and_can_be_undone(page: Page) -> None:
    await sign_in(page)
    editor = page.get_by_label("Operation", exact=True)
    await write(page, "{ | }")
    await page.keyboard.press("Control+Space")
    active = page.locator("#completions [aria-selected=true] > span")
    await expect(active).to_have_text("hello")
    await page.keyboard.press("ArrowDown")
    await expect(active).to_have_text("me")
    await page.keyboard.press("Tab")
    await expect(editor).to_have_value("{ me }")
    await expect(page.locator("#completions")).to_be_hidden()
    await page.keyboard.press("Control+z")
    await expect(editor).to_have_value("{  }")
    await page.keyboard.type("m")
    await expect(active).to_have_text("me")
    await page.keyboard.press("Escape")
    await expect(page.locator("#completions")).to_be_hidden()


async def test_new_lines_are_indented(desk: Page) -> None:
    await write(desk, "{|}")
    await desk.keyboard.press("Enter")
    await desk.keyboard.type("me")
    await expect(desk.get_by_label("Operation", exact=True)).to_have_value("{\n  me\n}")


async def test_the_schema_can_be_searched_and_browsed(page: Page) -> None:
    await sign_in(page)
    schema = page.get_by_role("complementary", name="Schema")
    await page.get_by_label("Search the schema").fill("hel")
    await expect(schema.locator(".signature")).to_have_text(["Query.hello"])
    await schema.get_by_role("button", name="Query").click()
    await expect(schema.get_by_role("heading", level=2)).to_have_text("Query")
    await schema.get_by_role("button", name="String").first.click()
    await expect(schema.get_by_role("heading", level=2)).to_have_text("String")
    await expect(schema.get_by_text("Query.hello")).to_be_visible()
    await schema.get_by_role("navigation").get_by_role("button", name="Query").click()
    await expect(schema.get_by_role("heading", level=2)).to_have_text("Query")
    await schema.get_by_role("button", name="Schema").click()
    await expect(schema.get_by_role("heading", level=3)).to_have_text(["Root types", "Types"])


async def test_a_field_can_be_tried_out(page: Page) -> None:
    await sign_in(page)
    await page.get_by_role("button", name="Query", exact=True).click()
    await page.get_by_role("button", name="Try hello").click()
    await expect(page.get_by_label("Operation", exact=True)).to_have_value(
        "query Hello($name: String!) {\n  hello(name: $name)\n}\n"
    )
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#answer")).to_contain_text('"hello": "Hello "')


async def test_every_control_is_reachable_with_the_keyboard(page: Page) -> None:
    await sign_in(page)
    await ask(page, "{ me }")
    await expect(page.locator("#copy")).to_be_visible()
    await page.get_by_label("Token", exact=True).focus()
    names = []
    for _ in range(40):
        await page.keyboard.press("Tab")
        names.append(await page.evaluate("document.activeElement.id"))
    assert [each for each in dict.fromkeys(names) if each] == [
        "toggle",
        "search",
        "run",
        "query",
        "variables",
        "copy",
        "answer",
        "token",
    ]


WINDOWS = {"wide": (1440, 900), "middling": (900, 700), "narrow": (360, 740)}


@pytest.mark.parametrize(("width", "height"), WINDOWS.values(), ids=WINDOWS)
async def test_the_page_fits_its_window(width: int, height: int, page: Page) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    await sign_in(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    schema = page.get_by_role("complementary", name="Schema")
    toggle = page.locator("#toggle")
    is_wide = width > 1080
    await expect(schema).to_be_visible(visible=is_wide)
    await toggle.click()
    await expect(schema).to_be_visible(visible=not is_wide)
    await expect(toggle).to_have_attribute("aria-expanded", str(not is_wide).lower())


async def test_the_page_follows_the_preferred_colour_scheme(page: Page) -> None:
    colours = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        colours.append(await page.evaluate(COLOUR))
    assert colours == ["rgb(245, 246, 245)", DARK]


async def test_the_page_is_accessible(page: Page) -> None:
    await sign_in(page)
    await ask(page, "{ me refused }")
    await expect(page.locator("#outcome")).to_have_class("warn")
    await page.get_by_role("button", name="Query", exact=True).click()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await check_accessibility(page)


async def test_the_page_has_the_theme_of_the_user(browser: Browser) -> None:
    settings = UserSettings(theme=Theme.DARK)
    session = WebSession(b"", ADA, timedelta(0), datetime.max.replace(tzinfo=UTC), None, settings)
    async with (
        opened(explorer=new_explorer(session)) as client,
        opened_page(browser, str(client.make_url("/"))) as page,
    ):
        assert await page.evaluate(COLOUR) == DARK
        await expect(page.get_by_role("link", name="Interlock")).to_have_attribute("href", "/")
