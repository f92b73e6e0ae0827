"""Presenting a recording: a page for every slide, the speaker's window, going live and back, the audience's link. I/O.

Offline by default: everything comes from the recording. A live run is a stepwise replay beside it; when a step of it
fails, its recorded response stands in.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from aiohttp import web

from ..api.replay_runs import start
from ..errors import GatewayError, UsageError
from ..replay.branch import read_set, read_unset
from ..replay.plan import ReplayOptions
from ..services import sealing
from ..services.audit_log import note
from ..services.changes import annotate, read_ttl
from ..services.replay_run import ReplayOrder
from ..services.stepwise_replay import Stepping
from ..web import access
from ..web.access import who_of
from ..web.guard import CONTENT_SECURITY_POLICY, form_text
from ..web.keys import FORM, SERVICES, SESSION_OF, STEPPERS
from ..web.page_shell import rendered
from .presentations import SHOWS
from .presenter_slides import DECKS, slide_context

if TYPE_CHECKING:
    from .presentations import Show
    from .slides import Deck

ROOT: Final = "/_gateway/present"
LASTS: Final = "2h"  # of an audience's link, unless the presenter says otherwise
PATIENCE: Final = 12.0  # seconds that a slide waits for its live response before the recorded one stands in


async def slide_page(request: web.Request) -> web.Response:
    """/present/REC and /present/REC/3."""
    found = await _deck(request)
    return await _page(request, found, _number(request.match_info.get("slide", "0")))


async def step_page(request: web.Request) -> web.Response:
    """/present/REC/go?step=12: the slide that shows a step."""
    found = await _deck(request)
    step = _number(request.query.get("step", "0"))
    raise web.HTTPSeeOther(f"{_address(found)}/{found.of_step(step)}")


async def deck_json(request: web.Request) -> web.Response:
    """The twin: what the slides are."""
    found = await _deck(request)
    slides = [
        {"slide": one.number, "step": one.step, "heading": one.heading, "status": one.status, "place": one.place}
        for one in found.slides
    ]
    return web.json_response({"recording": found.recording.id, "title": found.title, "slides": slides})


async def speaker_page(request: web.Request) -> web.Response:
    """Notes, the next step and a timer, for a window of its own: ?slide=3."""
    found = await _deck(request)
    slide = found.slide(_number(request.query.get("slide", "0")))
    context = {"deck": found, "slide": slide, "address": _address(found),
               "next": found.slide(slide.number + 1) if slide.number < found.last else None}  # fmt: skip
    return await rendered(request, "console/speaker.html", context)


async def move(request: web.Request) -> web.Response:
    """Fields slide, black, what_if: where the audience is led."""
    found, show = await _show(request)
    slide = found.slide(_number(form_text(request, "slide"))).number
    black, beside = (request[FORM].get(name) == "yes" for name in ("black", "what_if"))
    show.move(slide, black=black, what_if=beside)
    raise web.HTTPSeeOther(f"{_address(found)}/{slide}{'?w=1' if beside else ''}")


async def live(request: web.Request) -> web.Response:
    """Fields slide, do, edits, yes. do: go sends everything up to the slide's step, stop goes back to the recording."""
    found, show = await _show(request)
    slide = found.slide(_number(form_text(request, "slide")))
    if form_text(request, "do") == "stop":
        end_live(show, "")
    elif slide.step:
        edits = [line.strip() for line in str(request[FORM].get("edits", "")).splitlines() if line.strip()]
        await go_live(request, found, show, slide.last or slide.step, edits, yes="yes" in request[FORM])
    show.tell()
    raise web.HTTPSeeOther(f"{_address(found)}/{slide.number}")


async def go_live(
    request: web.Request, found: Deck, show: Show, step: int, edits: list[str], *, yes: bool
) -> None:  # fmt: skip
    """Send what is not sent yet, up to a step; give up waiting in time, so that the show goes on."""
    show.trouble, show.trouble_at = "", step
    if edits and show.stepping is not None and _is_done(show.stepping, step):
        end_live(show, "")  # this step was sent: another what-if of it is another run
    if show.stepping is None or show.stepping.result is not None or show.stepping.error:
        show.stepping = Stepping(found.recording.id, len(found.exchanges))
        request.app[STEPPERS].add(show.stepping)
        start(request.app, ReplayOrder(found.recording.id, ReplayOptions(), yes=yes), show.stepping)
    run = show.stepping
    changes = [read_unset(line[1:]) if line.startswith("-") else read_set(line) for line in edits]
    try:
        async with asyncio.timeout(PATIENCE):
            await _run_to(run, step, changes)
    except TimeoutError:
        end_live(show, f"no answer within {PATIENCE:g} s")
    except GatewayError as error:
        if changes:
            raise
        end_live(show, str(error))
    if run.error:
        end_live(show, run.error)
    if run.result is not None and not run.result["recording"]:
        end_live(show, next((one["message"] for one in run.result["steps"] if one["message"]), "nothing was sent"))


async def _run_to(run: Stepping, step: int, changes: list[Any]) -> None:
    """Answer its questions until the step is done."""
    while not _is_done(run, step):
        await run.settled(PATIENCE)
        if run.result is not None or run.error or run.waits is None:
            return
        asked = run.waits["step"]
        if asked is None or asked > step:
            return
        run.say("go", edits=changes if asked == step else ())
        await _answered(run, asked)


async def _answered(run: Stepping, step: int) -> None:
    while not _is_done(run, step) and run.result is None and not run.error:  # noqa: ASYNC110 - nobody waits long
        await asyncio.sleep(0.02)


def _is_done(run: Stepping, step: int) -> bool:
    return any(line["step"] >= step for line in run.steps)


def end_live(show: Show, why: str) -> None:
    """Back to the recording; the replay ends, and what it got is a recording of its own."""
    run, show.stepping, show.trouble = show.stepping, None, why
    if run is not None:
        _stop(run)


def _stop(run: Stepping) -> None:
    """Now, or as soon as what is under way has ended."""
    if run.waits is not None:
        run.say("stop")
    elif run.result is None and not run.error:
        asyncio.get_running_loop().call_later(1.0, _stop, run)


async def add_note(request: web.Request) -> web.Response:
    """Fields slide, text: a note for the speaker on this slide's step, or on the recording; back to the window."""
    found = await _deck(request)
    slide = found.slide(_number(form_text(request, "slide")))
    text = form_text(request, "text").strip()
    if text:
        step = slide.step or None
        await annotate(request.app[SERVICES], found.recording.id, step=step, note=text)
        request.app[DECKS].forget(found.recording.id)
    raise web.HTTPSeeOther(f"{_address(found)}/speaker?slide={slide.number}")


async def reveal(request: web.Request) -> web.Response:
    """Fields slide, why: the secrets of this slide's step, for the presenter alone, once the audit knows."""
    found = await _deck(request)
    slide = found.slide(_number(form_text(request, "slide")))
    if slide.exchange is None:
        raise UsageError("this slide shows no step")
    _, shown = await sealing.reveal(
        request.app[SERVICES], slide.exchange.id, (), form_text(request, "why"), source="presenter", who=who_of(request)
    )
    return await _page(request, found, slide.number, revealed=shown)


async def audience_page(request: web.Request) -> web.Response:
    """The audience's link, how long it holds, and how many watch."""
    found = await _deck(request)
    show = _known(request, found)
    now = time.time()
    context = {"deck": found, "address": _address(found), "show": show if show and show.is_open(now) else None,
               "link": _link(request, show) if show and show.is_open(now) else "", "lasts": LASTS,
               "here_only": request.app[SERVICES].options.host in ("127.0.0.1", "localhost", "::1")}  # fmt: skip
    return await rendered(request, "console/audience.html", context)


async def open_audience(request: web.Request) -> web.Response:
    """Fields ttl, slide: a new link; one that was there ends."""
    found, show = await _show(request)
    seconds = read_ttl(form_text(request, "ttl").strip()) or read_ttl(LASTS)
    show.open_to_audience(seconds, time.time())
    note(
        request.app[SERVICES], "present", found.recording.id, f"an audience, for {seconds / 60:g} minutes",
        who=who_of(request), source="console",
    )  # fmt: skip
    raise web.HTTPSeeOther(f"{_address(found)}/audience")


async def close_audience(request: web.Request) -> web.Response:
    found, show = await _show(request)
    show.close_to_audience()
    raise web.HTTPSeeOther(f"{_address(found)}/audience")


def _link(request: web.Request, show: Show) -> str:
    return f"{request.scheme}://{request.host}{access.AUDIENCE}{show.code}"


async def _deck(request: web.Request) -> Deck:
    return await request.app[DECKS].of(request.app[SERVICES], request.match_info["id"])


async def _show(request: web.Request) -> tuple[Deck, Show]:
    """Made when there is none: only where somebody changes it."""
    found = await _deck(request)
    return found, request.app[SHOWS].of(request.app[SESSION_OF](request).id, found.recording.id)


def _known(request: web.Request, found: Deck) -> Show | None:
    return request.app[SHOWS].find(request.app[SESSION_OF](request).id, found.recording.id)


def _address(found: Deck) -> str:
    return f"{ROOT}/{quote(found.recording.id, safe='')}"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"{text[:40]!r} is not the number of a slide")
    return int(text)


async def _page(
    request: web.Request, found: Deck, number: int, *, revealed: dict[str, str] | None = None
) -> web.Response:
    show, login = _known(request, found), access.login_of(request)
    context = await slide_context(request, found, number, show, address=_address(found))
    slide = context["slide"]
    context |= {
        "is_live": show is not None and show.stepping is not None,
        "has_audience": show is not None and show.is_open(time.time()),
        "may_change": login is None or login.role == "operator",
        "with_what_if": "w" in request.query,
        "revealed": revealed,
        "sealed": slide.exchange is not None and sealing.placeholders(slide.exchange, ()),
        "writes": slide.exchange is not None and slide.exchange.method not in ("GET", "HEAD", "OPTIONS"),
        "preflight": _preflight(request, found),
    }
    context["bare"] = "bare" in request.query
    page = await rendered(request, "console/present.html", context, in_layout=False)
    if context["bare"]:  # the speaker's window shows it within itself; nothing in it can be pressed
        page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
            "frame-ancestors 'none'", "frame-ancestors 'self'"
        )
    return page


def _preflight(request: web.Request, found: Deck) -> str:
    """The page that says whether a live run would work, where there is one."""
    pattern = "/_gateway/recordings/{id}/preflight"
    there = any(resource.canonical == pattern for resource in request.app.router.resources())
    return pattern.replace("{id}", quote(found.recording.id, safe="")) if there else ""


def add_present(app: web.Application) -> None:
    """The twin goes first: {id} would match "x.json" as well."""
    app.router.add_get(ROOT + "/{id}.json", deck_json)
    app.router.add_get(ROOT + "/{id}", slide_page)
    app.router.add_get(ROOT + "/{id}/go", step_page)
    app.router.add_get(ROOT + "/{id}/speaker", speaker_page)
    app.router.add_get(ROOT + "/{id}/audience", audience_page)
    app.router.add_get(ROOT + "/{id}/{slide}", slide_page)
    app.router.add_post(ROOT + "/{id}/at", move)
    app.router.add_post(ROOT + "/{id}/live", live)
    app.router.add_post(ROOT + "/{id}/note", add_note)
    app.router.add_post(ROOT + "/{id}/reveal", reveal)
    app.router.add_post(ROOT + "/{id}/audience", open_audience)
    app.router.add_post(ROOT + "/{id}/audience/end", close_audience)
