"""Who may do what in the console: nobody unknown where others can reach it, viewers only look. I/O.

Proxied traffic never comes here. On loopback, without a token or password, everybody is an operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import hdrs, web

from ..access import Access, Login
from ..model.audit import Who
from .keys import ACCESS, LOGIN, SESSION_OF

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

COOKIE = "gateway_login"
SIGN_IN = "/_gateway/sign-in"
SIGN_OUT = "/_gateway/sign-out"
JOIN = "/_gateway/join"  # its token says enough

# What anybody may ask for. The audience's pages have a code of their own in their address.
OPEN = frozenset(
    (
        "/_gateway/healthz",
        "/_gateway/readyz",
        "/_gateway/static/{name}",
        "/_gateway/static/diagram.css",
        SIGN_IN,
        JOIN,
        "/_gateway/tls",
        "/_gateway/tls/tls.json",
        "/_gateway/tls/ca.crt",
        "/_gateway/tls/ca.mobileconfig",
    )
)
AUDIENCE = "/_gateway/watch/"
# What viewers may send: their own session's pins and recordings, the demos' forms (which are calls that any client
# may make), and the way out. Playing a recording is none of it: that puts real tokens into its responses.
ABOUT_SESSION = frozenset(
    (
        "/_gateway/pin", "/_gateway/unpin", "/_gateway/session/recording", "/_gateway/session/live",
        "/_gateway/api/v1/session/pins/{cluster}", "/_gateway/api/v1/session/recording",
    )
)  # fmt: skip
VIEWER_WRITES = ABOUT_SESSION | {"/demos/{demo}", "/demos/{demo}/{step}", SIGN_OUT}
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
OPERATOR_READS = (
    "/_gateway/api/v1/access/sessions", "/_gateway/api/v1/sessions", "/_gateway/sessions", "/_gateway/sessions.json",
)  # fmt: skip


def login_of(request: web.Request) -> Login | None:
    """Who is signed in; None where nobody needs to be."""
    return request.get(LOGIN)


def still_in(request: web.Request) -> bool:
    """Whether who began this stream is not signed out by now."""
    login = login_of(request)
    return login is None or request.app[ACCESS].holds(login)


def canonical(request: web.Request) -> str:
    """The pattern that the request's path matched; "" when nothing did."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


async def find_login(request: web.Request, access: Access) -> tuple[Login | None, float]:
    """Who sent it, by token or by cookie; and the seconds to wait after too many wrong tokens."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    address = request.remote or ""
    if scheme.lower() == "bearer":
        verdict = await access.judge(token.strip(), address=address)
        one = verdict.credential
        return (Login("", one.name, one.role, address) if one else None), verdict.wait
    cookie = request.cookies.get(COOKIE, "")
    return (access.logins.find(cookie) if cookie and access.credentials() else None), 0.0


def is_open(request: web.Request) -> bool:
    """Whether it needs no sign-in; a path that nobody knows outside /_gateway is a client's 404."""
    pattern = canonical(request)
    if not pattern:
        return not request.path.startswith("/_gateway")
    return pattern in OPEN or pattern.startswith(AUDIENCE)


def may(login: Login, request: web.Request) -> bool:
    pattern = canonical(request)
    if login.role == "operator":
        return True
    if request.method in SAFE:
        return pattern not in OPERATOR_READS
    # A name in a header proves nothing, and everybody can read the names of others. A demo's form is a call like any.
    by_name = pattern in ABOUT_SESSION and request.app[SESSION_OF](request).named
    return pattern in VIEWER_WRITES and not by_name


def is_viewer(request: web.Request) -> bool:
    login = login_of(request)
    return login is not None and login.role != "operator"


def check_operator(request: web.Request) -> None:
    """Raise 403 for viewers: where one address takes what they may send, and what they may not."""
    if is_viewer(request):
        raise _not_allowed()


def _not_allowed() -> web.HTTPForbidden:
    text = "Viewers look, and change only the session of their own cookie; this is for operators."
    return web.HTTPForbidden(text=text)


@web.middleware
async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse who is unknown (401, or the sign-in page) and what a viewer may not do (403)."""
    access = request.app[ACCESS]
    if not access.needed:
        return await handler(request)
    login, wait = await find_login(request, access)
    if login is not None:
        request[LOGIN] = login
    if is_open(request):
        return await handler(request)
    if login is None:
        return _unknown(request, wait)
    if not may(login, request):
        raise _not_allowed()
    return await handler(request)


def too_many(wait: float) -> web.HTTPTooManyRequests:
    """After wrong tokens or passwords."""
    seconds = max(1, round(wait))
    text = f"Too many wrong tokens or passwords came from this address; try again in {seconds} s."
    return web.HTTPTooManyRequests(text=text, headers={"Retry-After": str(seconds)})


def _unknown(request: web.Request, wait: float) -> web.StreamResponse:
    if wait > 0:
        raise too_many(wait)
    if request.method in SAFE and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        raise web.HTTPSeeOther(f"{SIGN_IN}?next={quote(request.path_qs, safe='/')}")
    text = "This gateway's console needs a token. Programs send Authorization: Bearer TOKEN; commands take --token."
    raise web.HTTPUnauthorized(text=text, headers={"WWW-Authenticate": 'Bearer realm="gateway"'})


def who_of(request: web.Request) -> Who:
    """The sender of this request, as far as it can be known."""
    login, session = login_of(request), request.app[SESSION_OF](request).id
    if login is None:  # nobody needs to sign in
        return Who("operator", session, request.remote or "")
    return Who(login.role, session, request.remote or "", " ".join(filter(None, (login.name, login.handle))))
