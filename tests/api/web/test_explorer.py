"""The explorer: which clients get it, and what its policy allows."""

import re
from collections.abc import AsyncIterator
from importlib.resources import files

import pytest
import pytest_asyncio

from tests.support.explorers import new_explorer
from tests.support.graphql_client import GRAPHQL, Client, Sent, opened, post

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""What browsers accept when a user follows a link."""
PAGE = "page.html"
TEXTS = {
    each.name: each.read_text("utf-8")
    for each in files("api.web.explorer").iterdir()
    if each.name.endswith((".html", ".css", ".js"))
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    async with opened(explorer=new_explorer()) as client:
        yield client


PAGE_FOR = {
    "a browser": ("GET", "", HTML),
    "a browser with a link to an operation": ("GET", "?query={me}", HTML),
    "a client that accepts only HTML": ("GET", "", "text/html"),
    "HEAD of a browser": ("HEAD", "", HTML),
}


@pytest.mark.parametrize(("method", "query", "accept"), PAGE_FOR.values(), ids=PAGE_FOR)
async def test_browsers_get_the_page_without_a_token(
    method: str, query: str, accept: str, client: Client
) -> None:
    async with client.request(method, f"/graphql{query}", headers={"Accept": accept}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert answer.headers["Cache-Control"] == "no-store"


async def test_the_page_has_the_policy_of_all_pages(client: Client) -> None:
    async with client.get("/graphql", headers={"Accept": HTML}) as answer:
        text, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    [nonce] = re.findall(r"'nonce-([^']+)'", policy)
    assert re.findall(r"<script[^>]*", text) == [
        f'<script nonce="{nonce}" type="module" src="/graphql/explorer/explorer.js"'
    ]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy


NO_PAGE_FOR = {
    "a script": ("GET", "*/*", 401),
    "no Accept": ("GET", "", 401),
    "a GraphQL client": ("GET", GRAPHQL, 401),
    "a client that accepts JSON equally": ("GET", "application/json, text/html", 401),
    "an operation by POST": ("POST", HTML, 401),
}


@pytest.mark.parametrize(("method", "accept", "status"), NO_PAGE_FOR.values(), ids=NO_PAGE_FOR)
async def test_other_clients_get_the_same_as_without_the_explorer(
    method: str, accept: str, status: int, client: Client
) -> None:
    async with client.request(method, "/graphql", headers={"Accept": accept}) as answer:
        assert (answer.status, answer.content_type) == (status, GRAPHQL)


async def test_operations_are_executed_at_the_same_path(client: Client) -> None:
    assert (await post(query="{ me }").to(client)).body == {"data": {"me": "Anna K."}}
    by_get = Sent(None, GRAPHQL, "GET", "?query={me}", {})
    assert (await by_get.to(client)).body == {"data": {"me": "Anna K."}}


async def test_no_page_exists_unless_the_explorer_is_on() -> None:
    async with opened() as client:
        for path in ("/graphql", "/graphql/explorer/explorer.js"):
            async with client.get(path, headers={"Accept": HTML}) as answer:
                assert answer.status == (401 if path == "/graphql" else 404)


async def test_every_file_has_its_media_type_and_is_cached(client: Client) -> None:
    kinds = {"css": "text/css", "js": "text/javascript"}
    for name in TEXTS.keys() - {PAGE}:
        path = f"/graphql/explorer/{name}"
        async with client.get(path) as answer:
            assert await answer.text() == TEXTS[name]
        assert answer.content_type == kinds[name.partition(".")[2]]
        known = {"If-None-Match": answer.headers["ETag"]}
        async with client.get(path, headers=known) as again:
            assert (again.status, await again.text()) == (304, "")


@pytest.mark.parametrize("name", ["routes.py", PAGE, "..%2Froutes.py", "nothing.js", "%00.js"])
async def test_only_files_of_the_explorer_are_served(name: str, client: Client) -> None:
    async with client.get(f"/graphql/explorer/{name}") as answer:
        assert answer.status == 404


def test_no_file_loads_from_other_origins_or_writes_markup() -> None:
    everything = "\n".join(TEXTS.values())
    outside = set(re.findall(r"""["'(](?:https?:)?//[^"')\s]+""", everything))
    assert outside == set()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|eval\(|localStorage", everything)
    assert not re.search(r"\bon\w+=|style=|<style|javascript:", TEXTS[PAGE])
