"""Takes a screenshot of every screen of a demo server, in light and dark, narrow and wide.

    python -m tools.screenshots build/screenshots

Look at them after each change of a template or of the stylesheet. Chromium must be on the PATH, or
its path in CHROMIUM.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

THEMES: Final = ("light", "dark")
SIZES: Final = ((320, 640), (1280, 940))
_ADDRESS: Final = re.compile(r"Interlock is running at (http://\S+) ")
_LINK: Final = re.compile(r"/sign-in/demo\?secret=\S+")
_TOKEN: Final = re.compile(r"export ([A-Z]+)=(\S+)")
_LAST_LINE: Final = "docs/quickstart.md continues"
_ENTRIES: Final = 500
_OUTDATE: Final = (
    "document.querySelectorAll('[name=version]').forEach(each => { each.value = '1' })"
)
_SETTLE_MILLISECONDS: Final = 400
_LONG_WORD: Final = (
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
)
_ALL: Final = "{ tickets(first: 100) { nodes { id title } } }"
_COMMENT: Final = """mutation ($ticket: ID!, $text: String!) {
  commentTicket(id: $ticket, text: $text) { ticket { id } }
}"""
_CREATE: Final = """mutation ($title: String!) {
  createTicket(title: $title, workflow: "incident_response") { ticket { id } }
}"""
_SWITCH_OFF: Final = """mutation {
  togglePlugin(name: "ticketing", enabled: false) { plugin { name } }
}"""
_INVALID_VALUES: Final = "ticketing:\n  workflows:\n    - name: hotfix\n      transition: []\n"


@dataclass(frozen=True)
class Demo:
    """A demo server.

    Attributes:
        url: where it listens.
        tokens: of its users, by name.
        link: the path that signs in a user.

    """

    url: str
    link: str
    tokens: dict[str, str]


@dataclass(frozen=True)
class Screen:
    """What a screenshot shows.

    Attributes:
        name: of the file.
        path: of the page; `{title}` is the id of the ticket whose title begins so.
        user: the reader; empty without one.
        prepare: what the reader does first.

    """

    name: str
    path: str
    user: str = "MARTON"
    prepare: Callable[[Page], object] = lambda _page: None


def _click(text: str) -> Callable[[Page], object]:
    return lambda page: page.get_by_text(text, exact=True).first.click()


def _press(name: str) -> Callable[[Page], object]:
    return lambda page: page.get_by_role("button", name=name, exact=True).click()


def _open_workflow(page: Page) -> None:
    page.locator("#workflow summary").click()


def _select_rows(page: Page) -> None:
    for box in page.locator("[name=ids]").all()[:3]:
        box.check()


def _read_twice(page: Page) -> None:
    """Send a form that was read before another change."""
    page.evaluate(_OUTDATE)
    page.locator("#comment").fill("Typed before the page was out of date.")
    page.get_by_role("button", name="Resolve").click()
    page.get_by_role("alert").wait_for()


def _type_name(page: Page) -> None:
    page.get_by_text("Assign to another user").click()
    page.get_by_label("User").press_sequentially("a")
    page.locator("#suggestions li").first.wait_for()
    page.keyboard.press("ArrowDown")


def _plan(values: str) -> Callable[[Page], object]:
    def send(page: Page) -> None:
        page.get_by_label("Values in YAML").fill(values)
        page.get_by_role("button", name="Make a dry run").click()
        page.locator(".message").first.wait_for()

    return send


def _send_signed_out(page: Page) -> None:
    page.goto(page.url.removesuffix("/tickets") + "/new/form")
    page.locator("#title").fill("A printer that prints blank pages on both floors")
    page.locator("#description").fill("Since this morning.\n\nIt says **toner low**.")
    page.context.clear_cookies(name="interlock")  # that of the session
    page.get_by_role("button", name="Open the ticket").click()
    page.get_by_role("alert").wait_for()


def _refuse(page: Page) -> None:
    page.locator("#title").fill("   ")
    page.locator("#assignee").fill("u_nobody")
    page.get_by_role("button", name="Open the ticket").click()
    page.get_by_role("alert").wait_for()


SCREENS: Final = (
    Screen("sign-in", "/sign-in", ""),
    Screen("sign-in-users", "{link}", "", _press("Sign out")),
    Screen("send-again", "{link}", "", _send_signed_out),
    Screen("sign-in-failed", "/sign-in/callback", ""),
    Screen("tickets", "/tickets"),
    Screen("tickets-empty", "/tickets?text=zeppelin"),
    Screen("tickets-error", "/tickets?dueWithin=soon"),
    Screen("tickets-filtered", "/tickets?status=OPEN&priority=HIGH", prepare=_click("Filter (2)")),
    Screen("tickets-selected", "/tickets?assignedToMe=true", prepare=_select_rows),
    Screen("bulk", "/tickets/bulk?to=RESOLVED&ids={Card}&ids={Apple}&ids={Duplicate}"),
    Screen("ticket", "/tickets/{Card}"),
    Screen("ticket-of-requester", "/tickets/{Invoices}", "ANNA"),
    Screen("ticket-of-admin", "/tickets/{Gift}", "ADA"),
    Screen("ticket-closed", "/tickets/{Duplicate}"),
    Screen("ticket-long-title", "/tickets/{A title}"),
    Screen("ticket-long-word", "/tickets/{Donau}"),
    Screen("ticket-many-entries", "/tickets/{Currency}"),
    Screen("ticket-why-then", "/tickets/{Card}", prepare=_click("Why then?")),
    Screen("ticket-workflow", "/tickets/{Card}", prepare=_open_workflow),
    Screen("ticket-assign", "/tickets/{Card}", prepare=_type_name),
    Screen("ticket-edit", "/tickets/{Card}", prepare=_click("Edit")),
    Screen("ticket-stale", "/tickets/{Gift}", prepare=_read_twice),
    Screen("new", "/new", "ANNA"),
    Screen("new-item", "/new/items/network_outage", "ANNA"),
    Screen("new-form", "/new/form", "ANNA"),
    Screen("new-form-error", "/new/form", "ANNA", _refuse),
    Screen("workflows", "/workflows"),
    Screen("workflow", "/workflows/incident_response"),
    Screen("plan", "/plan", "ADA"),
    Screen("plan-hazards", "/plan", "ADA", _plan("ticketing: {}")),
    Screen("plan-error", "/plan", "ADA", _plan(_INVALID_VALUES)),
    Screen("insights", "/insights", "ADA"),
    Screen("settings", "/settings"),
    Screen("shortcuts", "/settings", prepare=_press("Shortcuts")),
    Screen("status", "/status"),
    Screen("not-found", "/tickets/tk_000000"),
    Screen("forbidden", "/plan"),
)
OFF: Final = (Screen("off", "/tickets"), Screen("off-for-admin", "/tickets", "ADA"))


@contextmanager
def _demo() -> Iterator[Demo]:
    """Run `interlock demo` with data of its own during the block."""
    with tempfile.TemporaryDirectory() as data:
        environment = {
            **os.environ,
            "INTERLOCK_DATA_DIR": data,
            "INTERLOCK_PORT": "0",
            "INTERLOCK_LOG_LEVEL": "warning",
            "INTERLOCK_LIMITS": "viewer_rate=0 address_rate=0",
        }
        run = (sys.executable, "-c", "from api.cli.main import main; main()", "demo")
        with subprocess.Popen(  # noqa: S603  # runs this checkout
            run, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield _read_banner(process)
            finally:
                process.terminate()


def _read_banner(process: subprocess.Popen[str]) -> Demo:
    text = ""
    for line in process.stdout or ():
        text += line
        if line.startswith(_LAST_LINE):
            break
    address, link = _ADDRESS.search(text), _LINK.search(text)
    if address is None or link is None:
        raise SystemExit("The demo server did not start.")
    return Demo(address[1], link[0], dict(_TOKEN.findall(text)))


def _ask(context: BrowserContext, demo: Demo, query: str, **variables: str) -> Any:  # noqa: ANN401  # GraphQL
    answer = context.request.post(
        f"{demo.url}/graphql", data={"query": query, "variables": variables}
    ).json()
    if "errors" in answer:
        raise SystemExit(str(answer["errors"]))
    return answer["data"]


def _open_tickets(browser: Browser, demo: Demo) -> dict[str, str]:
    """Create the tickets that the demo lacks; return the ids of all by title."""
    with _context(browser, demo, "MARTON") as context:
        _ask(context, demo, _CREATE, title=_LONG_WORD)
        nodes = _ask(context, demo, _ALL)["tickets"]["nodes"]
        tickets = {node["title"]: node["id"] for node in nodes}
        busy = _id_of("Currency", tickets)
        for number in range(_ENTRIES):
            _ask(context, demo, _COMMENT, ticket=busy, text=f"Comment {number} of {_ENTRIES}")
    return tickets


def _id_of(beginning: str, tickets: dict[str, str]) -> str:
    return next(id_ for title, id_ in tickets.items() if title.startswith(beginning))


@contextmanager
def _context(
    browser: Browser,
    demo: Demo,
    user: str,
    **options: Any,  # noqa: ANN401  # Playwright's
) -> Iterator[BrowserContext]:
    headers = {"Authorization": f"Bearer {demo.tokens[user]}"} if user else {}
    context = browser.new_context(
        extra_http_headers=headers, timezone_id="Europe/Budapest", **options
    )
    yield context
    context.close()


def _take(browser: Browser, demo: Demo, screen: Screen, path: str, folder: Path) -> None:
    """Take the screenshots of one screen: both sizes, both themes."""
    for width, height in SIZES:
        size = {"width": width, "height": height}
        with _context(browser, demo, screen.user, viewport=size) as context:
            page = context.new_page()
            page.goto(demo.url + path)
            screen.prepare(page)
            page.wait_for_timeout(_SETTLE_MILLISECONDS)
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                file = folder / f"{screen.name}-{width}-{theme}.png"
                page.screenshot(path=file, full_page=True)
            sideways = page.evaluate("document.documentElement.scrollWidth") - width
            if sideways > 0:
                print(f"{screen.name} scrolls sideways at {width} px")


def main() -> None:
    """Take the screenshots of a new demo server."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="of screens; without one, all")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with _demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"], chromium_sandbox=False
        )
        tickets = {"link": demo.link, **_open_tickets(browser, demo)}

        def take(screens: tuple[Screen, ...]) -> None:
            for screen in screens:
                if not arguments.names or screen.name in arguments.names:
                    path = re.sub(r"\{(.+?)\}", lambda m: _id_of(m[1], tickets), screen.path)
                    _take(browser, demo, screen, path, arguments.folder)

        take(SCREENS)
        with _context(browser, demo, "ADA") as context:
            _ask(context, demo, _SWITCH_OFF)
        take(OFF)
        browser.close()


if __name__ == "__main__":
    main()
