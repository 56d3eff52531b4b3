"""The sign-in of the demo: without a provider, as one of the users of the demo.

It needs a secret that only the terminal of the demo shows, because others can use the machine and
the database of the demo. `interlock serve` never has these routes.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_urlsafe
from typing import Final

from aiohttp import web

from api.web.forms import read_form
from api.web.pages import see_other
from api.web.return_path import HOME, PARAMETER, return_path
from api.web.sessions import WebSessions
from engine.errors import Forbidden
from engine.tickets.actor import Actor

DEMO_PATH: Final = "/sign-in/demo"
_COOKIE: Final = "interlock-demo"
_SECRET_BYTES: Final = 32
_LIFETIME: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    """The users of the demo, and the secret of this run of the server.

    Attributes:
        users: the first one is signed in by the link.

    """

    users: Sequence[Actor]
    secret: str = field(default_factory=lambda: token_urlsafe(_SECRET_BYTES), repr=False)

    @property
    def link(self) -> str:
        """The path that signs in."""
        return f"{DEMO_PATH}?secret={self.secret}"

    def is_allowed(self, request: web.Request, sessions: WebSessions) -> bool:
        """Return whether the link was opened in this browser."""
        return self._is_secret(sessions.cookies.read(request, _COOKIE))

    async def open_link(self, request: web.Request, sessions: WebSessions) -> web.Response:
        """Sign in the first user; from now on, the browser can sign in as any of them."""
        if not self._is_secret(request.query.get("secret")):
            raise _refused()
        response = see_other(HOME)
        sessions.cookies.set(response, _COOKIE, self.secret, _LIFETIME)
        await sessions.begin(request, response, self.users[0])
        return response

    async def sign_in(self, request: web.Request, sessions: WebSessions) -> web.Response:
        """Sign in as the user of the form, and return to the page in it."""
        form = await read_form(request)
        chosen = form.get("user")
        user = next((each for each in self.users if each.id == chosen), None)
        if user is None or not self.is_allowed(request, sessions):
            raise _refused()
        response = see_other(return_path(form.get(PARAMETER, "")))
        await sessions.begin(request, response, user)
        return response

    def _is_secret(self, text: str | None) -> bool:
        return hmac.compare_digest((text or "").encode(), self.secret.encode())


def _refused() -> Forbidden:
    return Forbidden("Open the link that `make run` printed when it started.")
