"""Sign-ins at the provider that the browser has started, each in a cookie.

No server remembers them, so any server can finish a sign-in. Several tabs can sign in at the same
time: the state of a sign-in selects one of a few cookies.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Final

from aiohttp import web

from api.auth.pending_sign_in import PendingSignIn
from api.web.return_path import return_path
from api.web.sessions import Cookies

_LIFETIME: Final = timedelta(minutes=10)
_COOKIES: Final = 8
"""More would not fit in the head of a request, with the longest pages to return to."""


def remember(response: web.Response, cookies: Cookies, pending: PendingSignIn) -> None:
    """Store a sign-in in the browser."""
    text = urlsafe_b64encode(json.dumps(asdict(pending)).encode()).decode()
    cookies.set(response, _name(pending.state), text, _LIFETIME)


def recall(request: web.Request, cookies: Cookies, state: str) -> PendingSignIn | None:
    """Return the sign-in with this state; None if the browser has not started it."""
    text = cookies.read(request, _name(state)) or ""
    try:
        pending = PendingSignIn(**json.loads(urlsafe_b64decode(text)))
    except (ValueError, TypeError, RecursionError):
        return None
    if not all(isinstance(each, str) for each in asdict(pending).values()):
        return None
    return replace(pending, return_path=return_path(pending.return_path))


def forget(response: web.Response, cookies: Cookies, state: str) -> None:
    """Delete a sign-in from the browser."""
    cookies.delete(response, _name(state))


def _name(state: str) -> str:
    return f"interlock-sign-in-{sum(state.encode()) % _COOKIES}"
