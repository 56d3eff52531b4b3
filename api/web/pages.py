"""What all pages share: the context of a request, the response, and the page of an error."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from api.auth.sign_in_errors import SignInFailed
from api.http.access import ProtectedRoute
from api.http.app_keys import ACTOR, REQUEST_ID, Access
from api.http.problem_details import ErrorRenderer, Problem
from api.runtime.request_context import RequestContext
from api.web.rendering import HTML, HX_REQUEST, Renderer
from api.web.return_path import sign_in_url
from api.web.sessions import SENT_FORM, USER_SETTINGS, SignInRequired
from api.web.shell import Shell, TicketingState, shell_of
from engine.errors import PluginDisabled
from engine.storage.user_settings import read_settings
from engine.tickets.actor import Actor

_ERROR_TEMPLATE: Final = "templates/error.html"
_SEND_AGAIN_TEMPLATE: Final = "templates/send_again.html"
_TICKETING_OFF_TEMPLATE: Final = "templates/ticketing_off.html"
_TITLES: Final = {
    HTTPStatus.FORBIDDEN: "You can't do this",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.CONFLICT: "This changed meanwhile",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
    HTTPStatus.SERVICE_UNAVAILABLE: "Interlock can't answer now",
}
_TITLES_OF_CODES: Final = {SignInFailed.code: "You are not signed in"}

_CONTEXT: Final = web.RequestKey("context", RequestContext)
"""What the sidebar of an error page needs; missing before the handler of a page."""

ContextFactory = Callable[[Actor], Awaitable[RequestContext]]
Handler = Callable[[web.Request, RequestContext], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Pages:
    """Serves pages to authenticated readers."""

    renderer: Renderer
    create_context: ContextFactory
    access: Access

    def get(self, path: str, handler: Handler) -> ProtectedRoute:
        """Return the route of a page."""
        return ProtectedRoute(self.access, web.get(path, self._with_context(handler)), self.error)

    def post(self, path: str, handler: Handler) -> ProtectedRoute:
        """Return the route of a form."""
        return ProtectedRoute(self.access, web.post(path, self._with_context(handler)), self.error)

    def _with_context(
        self, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            context = request[_CONTEXT] = await self.create_context(request[ACTOR])
            if USER_SETTINGS not in request:  # a token authenticates the request
                settings = await read_settings(context.databases.reads, context.actor.id)
                request[USER_SETTINGS] = settings
            try:
                return await handler(request, context)
            except PluginDisabled as error:
                state = {"state": TicketingState.of(error, context.actor)}
                return self.render(request, context, _TICKETING_OFF_TEMPLATE, state, error.status)

        return handle

    def render(
        self,
        request: web.Request,
        context: RequestContext,
        template: str,
        values: Mapping[str, object],
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        """Return a page."""
        return self.renderer.page(request, template, shell_of(context), values, status=status)

    def error(self, problem: Problem, request: web.Request) -> web.Response:
        """Return the page of an error; a user who has to sign in is sent to the sign-in.

        If they have sent a form, the page has its fields, and the sign-in opens in another tab.
        """
        if SENT_FORM in request:
            form = {"action": request.path_qs, "fields": request[SENT_FORM]}
            return self.renderer.page(
                request, _SEND_AGAIN_TEMPLATE, None, form, status=problem.status
            )
        if problem.code == SignInRequired.code:
            return _to_sign_in(request)
        context = request.get(_CONTEXT)
        shell = shell_of(context) if context else None
        return _error_page(self.renderer, problem, request, shell)


def browser_error(renderer: Renderer) -> ErrorRenderer:
    """Return the renderer for paths that browsers and programs request: a page, or a problem."""

    def render(problem: Problem, request: web.Request) -> web.Response:
        if HTML not in request.headers.get(hdrs.ACCEPT, ""):
            return problem.response(request)
        return _error_page(renderer, problem, request, None)

    return render


def _error_page(
    renderer: Renderer, problem: Problem, request: web.Request, shell: Shell | None
) -> web.Response:
    values = {
        "heading": _heading(problem),
        "message": problem.detail,
        "code": problem.code,
        "request_id": request[REQUEST_ID],
    }
    response = renderer.page(request, _ERROR_TEMPLATE, shell, values, status=problem.status)
    response.headers.update(problem.headers)
    return response


def _heading(problem: Problem) -> str:
    status = HTTPStatus(problem.status)
    return _TITLES_OF_CODES.get(problem.code, _TITLES.get(status, status.phrase))


def see_other(path: str) -> web.Response:
    """Return the answer to a form that was accepted: the browser reads the page at `path`."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={hdrs.LOCATION: path})


def _to_sign_in(request: web.Request) -> web.Response:
    """Return a redirect to the sign-in; to a script of a page, that the user is signed out."""
    if not is_fragment(request):
        return see_other(sign_in_url(request))
    headers = {"HX-Trigger": "signed-out", "HX-Reswap": "none"}
    return web.Response(status=HTTPStatus.UNAUTHORIZED, headers=headers)


def is_fragment(request: web.Request) -> bool:
    """Return whether a script of the page replaces its content with the response."""
    return HX_REQUEST in request.headers
