"""Fixtures of the web UI."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.api_client import Client, SharedApplication
from tests.support.web_pages import WebPages

expect.set_options(timeout=30_000)  # nothing fails by being slow


@pytest.fixture
async def pages(browser: Browser, client: Client) -> AsyncIterator[WebPages]:
    """Return the pages of a server; the browser must not complain about any of them."""
    pages = WebPages(browser, client)
    yield pages
    assert pages.complaints == []


@pytest.fixture
async def shared_pages(browser: Browser, shared: SharedApplication) -> AsyncIterator[WebPages]:
    """Return the pages of the server that all tests of a module use."""
    pages = WebPages(browser, shared.client)
    yield pages
    assert pages.complaints == []
