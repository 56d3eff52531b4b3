"""What axe-core finds wrong with a page."""

import os
from functools import cache
from typing import Final

import pytest
from playwright.async_api import Page, ViewportSize

from tests.support.paths import ROOT

_AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_RUN: Final = """async () => {
  const { violations } = await axe.run({ resultTypes: ['violations'] });
  return violations.flatMap(each => each.nodes.map(node => `${each.id}: ${node.html}`));
}"""
_OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_ZOOMED: Final[ViewportSize] = {"width": 320, "height": 256}
"""A window of 1280 x 1024 pixels at 400 % zoom."""
_WIDE: Final[ViewportSize] = {"width": 1280, "height": 1024}


@cache
def _axe() -> str:
    """Return the source of axe-core.

    Without it, the calling test is skipped; in CI it fails.
    """
    if _AXE.exists():
        return _AXE.read_text("utf-8")
    missing = "axe-core is not installed: run `npm ci --ignore-scripts`."
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


async def check_accessibility(page: Page) -> None:
    """Check that axe-core finds nothing, and that the page does not scroll sideways."""
    if await page.evaluate("typeof axe") == "undefined":
        await page.evaluate(_axe())
    assert await page.evaluate(_RUN) == [], page.url
    assert await page.evaluate(_OVERFLOW) == 0, page.url


async def check_in_each_theme(page: Page) -> None:
    """Check a page at 400 % zoom in light, and on a large screen in dark.

    The contrast of colours, which differs between the themes, does not depend on the size.
    """
    await page.set_viewport_size(_ZOOMED)
    await page.emulate_media(color_scheme="light")
    await check_accessibility(page)
    await page.set_viewport_size(_WIDE)
    await page.emulate_media(color_scheme="dark")
    await check_accessibility(page)
