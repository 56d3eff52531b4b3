"""Renders pages, each under a content security policy of its own.

A page is one template. Its blocks `main` and `title` are its content; the layout adds the sidebar.
A request of htmx (`HX-Request`) gets the content alone, with the same rights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Final

from aiohttp import hdrs, web
from jinja2 import Environment

from api.http.compression import compress_response
from api.timestamps import format_timestamp
from api.web.assets import Assets
from api.web.formats import Formats, duration, words
from api.web.icons import icon
from api.web.markdown import render_markdown
from api.web.sessions import USER_SETTINGS
from api.web.shell import Shell
from api.web.template_environment import template_environment
from engine.user_settings import DEFAULT_SETTINGS

HTML: Final = "text/html"
HX_REQUEST: Final = "HX-Request"
_NONCE_BYTES: Final = 16
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; trusted-types htmx; require-trusted-types-for 'script'"
)


def _new_key() -> str:
    """Return an idempotency key: a form that is sent twice takes effect once."""
    return token_urlsafe(_NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Renderer:
    """The templates of all pages, compiled."""

    assets: Assets
    _environment: Environment = field(init=False)

    def __post_init__(self) -> None:
        environment = template_environment("api.web")
        environment.globals |= {
            "asset": self.assets.path,
            "icon": icon,
            "key": _new_key,
            "machine": format_timestamp,
        }
        environment.filters |= {
            "duration": duration,
            "markdown": render_markdown,
            "words": words,
        }
        for name in environment.list_templates(["html"]):
            environment.get_template(name)
        object.__setattr__(self, "_environment", environment)

    def page(  # what differs between responses
        self,
        request: web.Request,
        template: str,
        shell: Shell | None,
        values: Mapping[str, object],
        *,
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        """Return a page.

        Args:
            request: decides whether the layout surrounds the content.
            template: the path of the template in `api/web`.
            shell: the sidebar; None before sign-in.
            values: the variables of the template.
            status: of the response.

        """
        nonce = token_urlsafe(_NONCE_BYTES)
        settings = request.get(USER_SETTINGS, DEFAULT_SETTINGS)
        zone = settings.zone
        layout = "fragment" if HX_REQUEST in request.headers else "layout"
        html = self._environment.get_template(template).render(
            **values,
            shell=shell,
            nonce=nonce,
            layout=f"templates/{layout}.html",
            theme=settings.theme,
            zone=zone,
            shortcuts=settings.shortcuts,
            timestamp=Formats(zone).timestamp,
        )
        policy = _POLICY.format(nonce=nonce)
        headers = {
            "Content-Security-Policy": policy,
            # Older browsers need it to state the origin of a form, which `check_origin` requires.
            "Referrer-Policy": "same-origin",
            hdrs.VARY: f"{HX_REQUEST}, {hdrs.ACCEPT_ENCODING}",
        }
        response = web.Response(
            status=status, body=html.encode(), content_type=HTML, charset="utf-8", headers=headers
        )
        compress_response(request, response)
        return response


@cache
def load_renderer() -> Renderer:
    """Return the renderer of this process: to compile the templates takes 0.2 s.

    Raises:
        Misconfigured: a static file of another project is missing.

    """
    return Renderer(Assets())
