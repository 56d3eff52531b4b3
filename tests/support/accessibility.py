"""What axe-core finds wrong with a page."""

import os
from functools import cache
from typing import Final

import pytest
from playwright.async_api import Page

from tests.support.paths import ROOT

_AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_RUN: Final = """async () => {
  const { violations } = await axe.run({ resultTypes: ['violations'] });
  return violations.flatMap(each => each.nodes.map(node => `${each.id}: ${node.html}`));
}"""
_OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


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
    await page.evaluate(_axe())
    assert await page.evaluate(_RUN) == []
    assert await page.evaluate(_OVERFLOW) == 0
