"""The page to which a user returns after the sign-in: always one of this server."""

import re
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

SIGN_IN_PATH: Final = "/sign-in"
SIGNED_IN_PATH: Final = "/signed-in"
"""The page after a sign-in in another tab."""
HOME: Final = "/"
PARAMETER: Final = "next"
_CHARACTERS: Final = 1_000
_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""No second slash, because `//evil.example/` names another server. No backslash, which browsers
read as a slash. No spaces and control characters, which they remove before they read the rest."""
_SIGN_IN_PATHS: Final = re.compile(r"/sign-(in|out)\b")


def return_path(text: str) -> str:
    """Return a path with its query unchanged if it is one of this server; otherwise the home page.

    The pages that sign in and out are no pages to return to.
    """
    is_own = len(text) <= _CHARACTERS and _PATH.fullmatch(text) and not _SIGN_IN_PATHS.match(text)
    return text if is_own else HOME


def sign_in_url(request: web.Request) -> str:
    """Return the URL of the sign-in from which the user returns to the page that they requested."""
    path = return_path(request.raw_path)
    return SIGN_IN_PATH if path == HOME else f"{SIGN_IN_PATH}?{urlencode({PARAMETER: path})}"
