"""Who may reach our own pages, and who may change something there: Host, Origin, CSRF, response headers. I/O.

The middlewares, outermost first (MIDDLEWARES keeps the order):

1. answer_errors  whatever goes wrong inside becomes a problem answer; an unexpected error one log line
2. check_host     a name that is not ours is refused before any work (DNS rebinding): 421
3. check_port     where the console has a port of its own, the other one only says where: 421
4. check_access   where others can reach the console, nobody unknown gets in: 401, or the sign-in page
5. check_write    what changes state must come from our own pages or from an API client, never from another site: 403
6. settle_sessions  the response to a change of a session leaves when it is stored and holds at every gateway

Security headers are set when a response is prepared, so streams and static files have them too.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from ..errors import GatewayError, UsageError
from ..model.addresses import host_of
from ..problems import ProblemDetails
from ..proxy.cors import cors_fields
from ..sessions.page_sessions import sender_of_page
from .access import SAFE, canonical, check_access, login_of
from .errors import http_problem, our_problem, unexpected_problem
from .keys import CSRF_KEYS, CURRENT, FORM, OWN_PORT, SERVICES, SESSION_OF
from .uploads import IMPORT, read_upload

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware


# What proxies and problem pages need on the port of the traffic, too.
EVERYWHERE = frozenset(("/_gateway/healthz", "/_gateway/readyz", "/_gateway/static/{name}"))


@web.middleware
async def check_port(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lead readers to the console's port, and refuse everything else that comes to the wrong one: 421.

    The host was checked before, so that nobody is led elsewhere.
    """
    port = request.app[OWN_PORT]
    pattern = canonical(request)
    if port is None or _port_of(request) == port or pattern in EVERYWHERE:
        return await handler(request)
    if not pattern and not request.path.startswith("/_gateway"):  # a client's 404
        return await handler(request)
    there = f"{request.scheme}://{_bracketed(request)}:{port}"
    if request.method in SAFE and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        raise web.HTTPTemporaryRedirect(there + request.raw_path)
    raise web.HTTPMisdirectedRequest(text=f"Console, API and demos of this gateway are at {there}.")


def _port_of(request: web.Request) -> int | None:
    """The port that the client connected to."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return name[1] if isinstance(name, tuple) else None


def _bracketed(request: web.Request) -> str:
    host = urlsplit(f"//{request.host}").hostname or "127.0.0.1"
    return f"[{host}]" if ":" in host else host


BOARD = "/_gateway/"
PRESENT = "/_gateway/present/"

# Where a form goes that stands on a page which is not above it: the pages of the gateway are named here.
PAGES = {
    "/_gateway/pin": BOARD,
    "/_gateway/clients/pin": BOARD,
    "/_gateway/clients/unpin": BOARD,
    "/_gateway/clients/simulate": BOARD,
    "/_gateway/clients/cors": BOARD,
    "/_gateway/import": "/_gateway/recordings",
    "/_gateway/filters": "/_gateway/recordings",
}


def way_back(request: web.Request) -> str:
    """The path of the form's page; "" where the request was no form of ours."""
    if FORM not in request or not request[FORM] or request.path.startswith("/_gateway/api/"):
        return ""
    return next((path for path in _candidates(request) if _is_page(request.app, path)), "")


def _candidates(request: web.Request) -> Iterator[str]:
    """The nearest first: what a field says it stands on, the form's own address, and those above it."""
    form, path = request[FORM], request.rel_url.raw_path
    if path in PAGES:
        yield PAGES[path]
    if path == "/demos/" and "recording" in form:  # a demo is made of it
        yield f"/_gateway/recordings/{quote(str(form['recording']), safe='')}"
    if "exchange" in form and not path.startswith("/demos/"):
        yield f"/_gateway/exchanges/{quote(str(form['exchange']), safe='')}"
    if path.startswith(PRESENT):
        deck = PRESENT + path.removeprefix(PRESENT).partition("/")[0]
        yield f"{deck}/{quote(str(form.get('slide', '0')), safe='')}"
    elif (
        path.endswith("/branch") and "step" in form and "alter" not in form
    ):  # of the editor; the other is the recording's
        yield f"{path.removesuffix('/branch')}/what-if/{quote(str(form['step']), safe='')}"
    else:
        yield path
    while path.count("/") > 1:
        path = path.rstrip("/").rpartition("/")[0]
        yield path
        yield path + "/"


def _is_page(app: web.Application, path: str) -> bool:
    """Whether one of our pages is there for somebody who follows a link."""
    if not path.startswith(("/_gateway/", "/demos/")):
        return False
    for resource in app.router.resources():
        if any(route.method == "GET" for route in resource):
            info = resource.get_info()
            if info.get("path") == path or ("pattern" in info and info["pattern"].fullmatch(path)):
                return True
    return False


log = logging.getLogger("gateway.console")

CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

# data: images cannot run anything, and Bootstrap's selects and check boxes are drawn with them.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def secure(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Set the headers of every response of ours; a handler that set one itself keeps it."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "gateway"  # aiohttp has put its version and Python's there
    if response.status >= 400 and not request.path.startswith(("/_gateway/", "/demos/")):
        _share(request, response)


def _share(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """A path that leads nowhere says so to a front end of a listed origin, too."""
    origin = request.headers.get(hdrs.ORIGIN, "")
    if origin and isinstance(request, web.Request):
        for field in cors_fields(request.app[SERVICES].routes.table.cors, origin.encode("latin-1", "replace")):
            name, _, value = field.decode("latin-1").partition(": ")
            response.headers.add(name, value)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem answer, as JSON or as a page."""
    CURRENT.set(request)
    try:
        return await handler(request)
    except GatewayError as error:
        return answer(request, replace(our_problem(error), back=way_back(request)))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return answer(request, replace(http_problem(request, error), back=way_back(request)), headers=_kept(error))
    except ConnectionError:  # the reader went away in the middle of a stream
        raise
    except Exception as error:
        log.error("%s %s: %s", request.method, ascii(request.path), ascii(repr(error)), exc_info=_traceback())
        return answer(request, unexpected_problem())


@web.middleware
async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host that is not ours; an absolute request target counts as one too (RFC 9112 section 3.2.2)."""
    for name in request.headers.getall(hdrs.HOST, [""]):
        if not is_own_host(request, name):
            return answer(request, _misdirected(name))
    if not is_own_host(request, request.host):
        return answer(request, _misdirected(request.host))
    return await handler(request)


@web.middleware
async def check_write(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site started; a write must be JSON or carry the session's CSRF token."""
    if request.match_info.http_exception is not None:  # nothing is there that could change: let it be a 404 or 405
        return await handler(request)
    if request.method in SAFE_METHODS:
        if request.path.startswith("/_gateway/api/") and not _is_navigation(request):
            check_origin(request)
        return await handler(request)
    check_origin(request)
    request[FORM] = {}
    if request.content_type in FORM_TYPES:
        request[FORM] = await _form(request)
        check_csrf(request)
    elif not _has_token(request) and (
        request.content_type != "application/json" or request.headers.get(hdrs.ORIGIN) == "null"
    ):
        check_csrf(request)
    return await handler(request)


@web.middleware
async def settle_sessions(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a request changed of a session holds when its response leaves: over a crash, and on every gateway."""
    sessions = request.app[SERVICES].sessions
    before = sessions.changes
    try:
        return await handler(request)
    finally:
        if sessions.changes != before:
            await sessions.settle()


MIDDLEWARES: tuple[Middleware, ...] = (
    answer_errors, check_host, check_port, check_access, check_write, settle_sessions,
)  # fmt: skip


def is_own_host(request: web.Request, authority: str) -> bool:
    """Whether a Host value, with or without port and trailing dot, names this server."""
    host = host_of(authority)
    options = request.app[SERVICES].options
    own = {"127.0.0.1", "localhost", "::1", *(host_of(name) for name in (options.host, *options.hosts))}
    if host in own:
        return bool(host)
    # Bound to every address: then the address that the client really connected to is ours. An address
    # cannot be rebound as a name can.
    return options.host in ("0.0.0.0", "::", "") and host == _local_address(request)


def check_origin(request: web.Request) -> None:
    """Raise 403 when the browser says that another site made this request.

    Pages with `Referrer-Policy: no-referrer` send `Origin: null` with their own forms, so null alone decides
    nothing: such a request needs the CSRF token (check_write sees to it).
    """
    site = request.headers.get("Sec-Fetch-Site", "")
    if site not in ("", "same-origin", "none"):
        raise _forbidden(f"the browser says that another site sent it (Sec-Fetch-Site: {site})")
    origin = request.headers.get(hdrs.ORIGIN, "null")
    if origin == "null":
        return
    try:
        parts = urlsplit(origin)
    except ValueError:
        raise _forbidden("its Origin is not one") from None
    own = (request.headers.get(hdrs.HOST, "").lower(), sender_of_page(request).host.decode("latin-1").lower())
    if parts.netloc.lower() not in own:
        raise _forbidden(f"its Origin is {origin}")


def csrf_token(request: web.Request) -> str:
    """The token for this session's forms: <input type="hidden" name="csrf_token" value="...">."""
    return _form_tokens(request)[0]


def _form_tokens(request: web.Request) -> list[str]:
    """Those that hold, the newest first: a form that was open while the keys changed is still good."""
    session = request.app[SESSION_OF](request)
    return [hmac.new(key, session.id.encode(), hashlib.sha256).hexdigest() for key in request.app[CSRF_KEYS]()]


def check_csrf(request: web.Request) -> None:
    """Raise 403 unless the form's `csrf_token` field or the X-CSRF-Token header holds the session's token.

    check_write has done this for every form already; call it where a handler takes something else.
    """
    given = request.headers.get(CSRF_HEADER) or request.get(FORM, {}).get(CSRF_FIELD)
    tokens = _form_tokens(request)
    if not isinstance(given, str) or not any(hmac.compare_digest(given.encode(), one.encode()) for one in tokens):
        raise _forbidden(
            "it carries no valid form token",
            hint="reload the page and send the form again; API clients send Content-Type: application/json",
        )


def answer(request: web.Request, problem: ProblemDetails, headers: Mapping[str, str] | None = None) -> web.Response:
    """A problem in the form that the client prefers."""
    content_type, body = problem.body(request.headers.get(hdrs.ACCEPT, ""))
    fields = {**problem.headers(), **(headers or {}), "Content-Type": content_type}
    return web.Response(status=problem.status, body=body, headers=fields)


def form_text(request: web.Request, name: str) -> str:
    """A field of the form that check_write has read; UsageError when it is missing or a file."""
    value = request.get(FORM, {}).get(name)
    if not isinstance(value, str):
        raise UsageError(f"the field {name!r} is missing", hint="go back and fill in the form")
    return value


async def _form(request: web.Request) -> Mapping[str, Any]:
    try:
        if request.path == IMPORT and request.content_type == "multipart/form-data":
            return await read_upload(request)
        return cast("Mapping[str, Any]", await request.post())
    except (ValueError, LookupError, HttpProcessingError) as error:  # no parts, an unknown charset, a malformed part
        raise UsageError(f"the form cannot be read: {error}") from None


def _forbidden(reason: str, hint: str = "") -> _Refused:
    return _Refused(f"The request is refused because {reason}.", hint=hint or "open the page on this gateway itself")


class _Refused(GatewayError):
    status = 403


def _misdirected(name: str) -> ProblemDetails:
    return ProblemDetails(
        421,
        "Not a name of this gateway",
        f"The Host {name[:200]!r} is not one that this gateway answers to.",
        hint="open it as 127.0.0.1 or localhost, or start it with --allow-host NAME",
    )


def _local_address(request: web.Request) -> str:
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return str(name[0]) if isinstance(name, tuple) else ""


def _is_navigation(request: web.Request) -> bool:
    """A reader followed a link or typed the address: the other site gets nothing of the response."""
    return request.headers.get("Sec-Fetch-Mode") == "navigate"


def _has_token(request: web.Request) -> bool:
    """It showed a token that holds: no browser adds that for another site."""
    login = login_of(request)
    return login is not None and not login.handle


def _kept(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in ("Allow", "Retry-After", "WWW-Authenticate") if name in error.headers}


def _traceback() -> bool:
    """The traceback is for those who asked for debug messages; everybody else gets one line."""
    return log.isEnabledFor(logging.DEBUG)
