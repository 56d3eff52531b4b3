"""The page of the dry run."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from engine.storage.postgres.database import Database
from tests.support.api_client import Api, Client, bearer
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA
from tests.support.web_pages import WebPages

HOTFIX = {
    "name": "hotfix",
    "displayName": "Hotfix",
    "transitions": [{"from": "OPEN", "to": "CLOSED", "role": "any"}],
}
OWN_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
FORM = '--x\r\nContent-Disposition: form-data; name="values"\r\n\r\n%s\r\n--x--\r\n'


async def test_a_dry_run_shows_stranded_tickets_and_applies_nothing(
    database: Database, api: Api, pages: WebPages, tmp_path: Path
) -> None:
    await declare(database, workflows=[HOTFIX])
    create = 'mutation { createTicket(title: "x", workflow: "hotfix") { ticket { id } } }'
    ticket = (await api.data(ANNA, create))["createTicket"]["ticket"]["id"]
    (tmp_path / "values.yaml").write_text("interlock:\n  ticketing:\n    wrong: 1\n")
    async with pages.window(ADA, "/plan", {"java_script_enabled": False}) as page:
        await page.get_by_label("Or a values file").set_input_files(tmp_path / "values.yaml")
        await page.get_by_label("Key of the chart").fill("interlock")
        await page.get_by_role("button", name="Make a dry run").click()
        problem = page.get_by_role("alert")
        await expect(problem).to_contain_text("Line 3, column 5")
        await expect(problem.locator("pre")).to_have_text("    wrong: 1")
        await page.get_by_label("Values in YAML").fill("ticketing: {}")
        await page.get_by_label("Key of the chart").fill("")
        await page.get_by_role("button", name="Make a dry run").click()
        main = page.locator("main")
        await expect(main).to_contain_text("Strands live tickets")
        await expect(main).to_contain_text("--max-stranded 1")
        await expect(page.get_by_role("img", name="Hotfix")).to_have_count(2)
        await page.get_by_role("link", name=ticket).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("x")
    workflows = await api.data(ADA, "{ workflows { name } }")
    assert {"name": "hotfix"} in workflows["workflows"]


async def test_only_admins_plan(client: Client, pages: WebPages) -> None:
    async with pages.window(ANNA, "/plan") as page:
        await expect(page.get_by_role("heading", level=1)).to_have_text("You can't do this")
        await page.goto(pages.url("/workflows"))
        await expect(page.get_by_role("link", name="Plan", exact=True)).to_have_count(0)
    headers = bearer(ANNA) | OWN_ORIGIN
    response = await client.post("/plan", data={"values": ""}, headers=headers)
    assert response.status == 403


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data; boundary=x", FORM % "ticketing: {}", 200),
        ("multipart/form-data; boundary=x", FORM % ("x" * 300_000), 413),
        ("multipart/form-data; boundary=x", FORM % ("&a " * 20_000), 200),
        ("multipart/form-data", "--x", 400),
        ("multipart/form-data; boundary=x", "no form", 400),
        ("multipart/form-data; boundary=x", "--x\r\n\r\nno name\r\n--x--\r\n", 400),
        ("application/x-www-form-urlencoded; charset=no", "values=x", 400),
    ],
)
async def test_what_is_sent_is_bounded_and_checked(
    client: Client, content_type: str, body: str, status: int
) -> None:
    headers = {**bearer(ADA), **OWN_ORIGIN, "Content-Type": content_type}
    response = await client.post("/plan", data=body.encode(), headers=headers)
    assert response.status == status
