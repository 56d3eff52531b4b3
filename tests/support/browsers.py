"""The browser that the tests of the web pages use."""

import os
import shutil
from typing import Final

import pytest

NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Debian's headless shell takes half the processor time of the whole browser."""


def chromium() -> str:
    """Return the path of Chromium: the one in CHROMIUM, or the first on the PATH.

    Without one, the calling test is skipped; in CI it fails.
    """
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")
    if found:
        return found
    missing = "Chromium is not on the PATH, and CHROMIUM is not set."
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
