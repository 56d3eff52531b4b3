"""The browser that the tests of the web pages use."""

import os
import shutil
from typing import Final

import pytest

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return the path of Chromium: the one in INTERLOCK_CHROMIUM, or the first on the PATH.

    Without one, the calling test is skipped; in CI it fails.
    """
    found = os.environ.get("INTERLOCK_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")
    if found:
        return found
    missing = "Chromium is not on the PATH, and INTERLOCK_CHROMIUM is not set."
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
