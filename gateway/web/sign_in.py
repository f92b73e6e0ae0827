"""Signing in and out, who is signed in, and the links that sign somebody in once. I/O."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from ..access import Login
from ..errors import NotFoundError, UsageError
from ..model.audit import Who
from ..services.audit_log import note
from . import access as door
from .access import who_of
from .guard import form_text
from .keys import ACCESS, FORM, SERVICES, SESSION_OF
from .page_shell import rendered

if TYPE_CHECKING:
    from ..access import Access
    from ..access.credentials import SignInRole

BOARD = "/_gateway/"


async def sign_in_page(request: web.Request) -> web.StreamResponse:
    """The form. A link with a code signs in at once when a reader typed or clicked it (the browser says so); what
    fetches links on its own, such as a chat's preview, sees a button, and the code stays good."""
    access, code = request.app[ACCESS], request.query.get("code", "")
    typed = request.headers.get("Sec-Fetch-Site") in ("none", "same-origin")
    if code and typed and request.method == "GET" and (role := access.use_link(code)):
        return enter(request, role)
    problem = "" if not code or access.is_link(code) else "This link was used already, or is too old."
    return await _form(request, code=code if access.is_link(code) else "", problem=problem)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Fields secret or code, and next."""
    access = request.app[ACCESS]
    if "code" in request[FORM]:
        role = access.use_link(form_text(request, "code"))
        return (
            enter(request, role) if role else await _form(request, problem="This link was used already, or is too old.")
        )
    verdict = await access.judge(form_text(request, "secret").strip(), address=request.remote or "")
    if verdict.wait > 0:
        raise door.too_many(verdict.wait)
    one = verdict.credential
    if one is None:
        return await _form(request, problem="This is no token or password of this gateway.")
    return enter(request, one.role, one.name)


def enter(request: web.Request, role: SignInRole, name: str = "link") -> web.Response:
    """A login of its own, and on to where the reader wanted to go, without code or token in the address."""
    address, agent = request.remote or "", request.headers.get(hdrs.USER_AGENT, "")
    login, cookie = request.app[ACCESS].logins.add(name, role, address=address, agent=agent)
    who = Who(role, request.app[SESSION_OF](request).id, address, f"{login.name} {login.handle}")
    note(request.app[SERVICES], "sign-in", login.handle, f"{name}, {role}", who=who, source="console")
    wanted = request.get(FORM, request.query).get("next", "")
    # What a proxied page left under this origin before: a service worker would see everything that follows.
    headers = {hdrs.LOCATION: local(str(wanted)), "Clear-Site-Data": '"cache", "storage"'}
    answer = web.Response(status=303, headers=headers)
    lasts = int(login.until - login.since)
    answer.set_cookie(door.COOKIE, cookie, max_age=lasts, httponly=True, samesite="Lax", secure=request.secure)
    return answer


async def sign_out(request: web.Request) -> web.Response:
    login = door.login_of(request)
    if login is not None and login.handle:
        note(request.app[SERVICES], "sign-out", login.handle, login.name, who=who_of(request), source="console")
        request.app[ACCESS].logins.end(lambda one: one.handle == login.handle)
    answer = web.Response(status=303, headers={hdrs.LOCATION: door.SIGN_IN})
    answer.del_cookie(door.COOKIE)
    return answer


def access_json(request: web.Request) -> dict[str, Any]:
    """Whether anybody has to sign in, who asks, and (for operators) everybody who is signed in, newest first."""
    access, me = request.app[ACCESS], door.login_of(request)
    all = access.logins.all() if access.needed else []
    shown = all if me is None or me.role == "operator" else [one for one in all if one == me]
    return {
        "needed": access.needed,
        "me": login_json(me) if me else None,
        "sessions": [login_json(one) for one in shown],
    }


def login_json(login: Login) -> dict[str, Any]:
    return asdict(login)


def revoke(request: web.Request, handle: str, *, source: str) -> Login:
    """Sign somebody out; NotFoundError when nobody has this handle."""
    access: Access = request.app[ACCESS]
    gone = access.logins.end(lambda one: bool(handle) and one.handle == handle)
    if not gone:
        raise NotFoundError(f"nobody is signed in as {handle!r}", hint="gateway access sessions")
    note(request.app[SERVICES], "revoke", handle, f"{gone[0].name}, {gone[0].role}", who=who_of(request), source=source)
    return gone[0]


def link(request: web.Request, role: str) -> str:
    """The whole address that signs in once; on the name under which the asker reaches this gateway. UsageError for an
    unknown role."""
    if role not in ("operator", "viewer"):
        raise UsageError(f"{role[:40]!r} is no role", hint="operator or viewer")
    code = request.app[ACCESS].link_code("viewer" if role == "viewer" else "operator")
    return f"{request.scheme}://{request.host}{door.SIGN_IN}?code={code}"


async def revoke_form(request: web.Request) -> web.Response:
    revoke(request, form_text(request, "handle"), source="console")
    raise web.HTTPSeeOther("/_gateway/access")


async def link_form(request: web.Request) -> web.Response:
    """Shows the link: it is nowhere else, and a reload makes another one."""
    made = {"role": form_text(request, "role"), "url": link(request, form_text(request, "role"))}
    context = access_json(request) | {"made": made}
    return await rendered(request, "console/access.html", context)


def local(wanted: str) -> str:
    """A path on this gateway, or the board: never another site's address."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return BOARD
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    good = plain and "\\" not in wanted and not parts.scheme and not parts.netloc and wanted.isascii()
    return wanted if good and not wanted.startswith(door.SIGN_IN) else BOARD


async def _form(request: web.Request, *, code: str = "", problem: str = "") -> web.Response:
    access = request.app[ACCESS]
    wanted = local(str(request.get(FORM, request.query).get("next", "")))
    context = {
        "code": code, "problem": problem, "next": wanted, "needed": access.needed, "has_any": access.has_any,
        "login": door.login_of(request),
    }  # fmt: skip
    return await rendered(request, "console/sign_in.html", context, status=403 if problem else 200, in_layout=False)


def add_sign_in(app: web.Application) -> None:
    app.router.add_get(door.SIGN_IN, sign_in_page)
    app.router.add_post(door.SIGN_IN, sign_in)
    app.router.add_post("/_gateway/sign-out", sign_out)
    app.router.add_post("/_gateway/access/revoke", revoke_form)
    app.router.add_post("/_gateway/access/link", link_form)
