"""The way back from a refused form to its page: found from where the form went, from no address sent along."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from aiohttp import web

from .keys import FORM

BOARD = "/_gateway/"
PRESENT = "/_gateway/present/"

# Where a form goes that stands on a page which is not above it: the pages of the gateway are named here.
PAGES = {
    "/_gateway/pin": BOARD,
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
