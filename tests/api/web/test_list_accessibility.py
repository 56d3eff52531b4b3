"""The list of tickets and the bulk transitions are accessible, on a phone and on a large screen."""

from tests.api.web.test_bulk_transitions import started
from tests.support.accessibility import check_in_each_theme
from tests.support.api_client import Api
from tests.support.personas import MARTON
from tests.support.web_pages import WebPages


async def test_the_pages_are_accessible(api: Api, pages: WebPages) -> None:
    title = "A title that is long enough to need several lines on a phone, " * 3
    ours, other = await started(api, title), await started(api, "Not started", ours=False)
    selection = f"to=RESOLVED&ids={ours}&ids={other}&ids=tk_000000"
    outcome = f"to=RESOLVED&done={ours}&refused={other}"
    paths = (
        "/tickets",
        "/tickets?service=a%2Fb&dueWithin=2h",  # nothing matches, so the form is open
        "/tickets?colour=red",
        f"/tickets/bulk?{selection}",
        f"/tickets/bulk/outcome?{outcome}",
    )
    async with pages.window(MARTON, "/tickets") as page:
        for path in paths:
            await page.goto(pages.url(path))
            await check_in_each_theme(page)
