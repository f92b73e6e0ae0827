"""The pages of the demos: home, one page per step, and what is sent from them. I/O."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp_jinja2
from aiohttp import web
from yarl import URL

from ..errors import GatewayError, NotFoundError, StoreError, did_you_mean
from .caller import Caller
from .check import check_routes
from .config import Demo, Step
from .form import form_parts
from .keeper import DemosKeeper, Entry
from .memory import Memories
from .own_page import OwnPageError, render_own_page
from .result import compare, shown_values
from .sending import Press, Sending
from .step import Filled, fill, read_form

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..protocols import LiveSession, Services

PICTURES = (".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp")
# A picture is shown by <img>, where nothing in it can run; opened by itself it may not run anything either.
PICTURE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
LATEST = 8  # exchanges in the pane
TITLE = 200  # characters of a recording's name


def setup(
    app: web.Application,
    services: Services,
    *,
    session_of: Callable[[web.Request], LiveSession],
    csrf_field: Callable[[web.Request], str],
    check_csrf: Callable[[web.Request], None],
    templates: Sequence[Path] = (),
) -> None:
    """Serve `/` and `/demos/...`. aiohttp_jinja2 must be set up with a loader that knows our templates.

    The routes are catch-alls, because demos come and go while the server runs. `csrf_field` gives the value of
    the hidden field csrf_token. `folders` hold demos in place of those that keeper.demo_folders finds.
    """
    keeper, caller, memories = DemosKeeper(services.options, templates), Caller(services), Memories()
    pages = Pages(services, session_of, csrf_field, check_csrf, keeper, memories, Sending(services, caller, memories))
    app.cleanup_ctx.extend((keeper.running, caller.running))
    app.router.add_get("/", pages.home)
    app.router.add_get("/demos/", pages.to_home)
    app.router.add_get("/demos/{demo}", pages.first)
    app.router.add_post("/demos/{demo}", pages.recording)
    app.router.add_get("/demos/{demo}/files/{name}", pages.picture)
    app.router.add_get("/demos/{demo}/{step}", pages.step)
    app.router.add_post("/demos/{demo}/{step}", pages.send)


@dataclass(frozen=True, slots=True)
class Pages:
    """The handlers, with what they need."""

    services: Services
    session_of: Callable[[web.Request], LiveSession]
    csrf_field: Callable[[web.Request], str]
    check_csrf: Callable[[web.Request], None]
    keeper: DemosKeeper
    memories: Memories
    sending: Sending

    async def home(self, request: web.Request) -> web.Response:
        """Every demo with its steps."""
        session = self.session_of(request)
        entries = list(self.keeper.entries.values())
        done = {entry.name: self.memories.happy(session.id, entry.name) for entry in entries}
        return _page(request, "home", entries=entries, done=done, problems=self._problems)

    async def to_home(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/")

    async def first(self, request: web.Request) -> web.Response:
        """The first step that has not been sent yet."""
        demo = self._demo(self._entry(request))
        done = self.memories.happy(self.session_of(request).id, demo.name)
        step = next((step for step in demo.steps if step.slug not in done), demo.steps[0])
        raise web.HTTPFound(_address(demo, step))

    async def step(self, request: web.Request) -> web.Response:
        entry, step = self._step(request)
        session = self.session_of(request)
        values = await self.sending.values(session)
        typed = self.memories.of(session.id).typed.get((entry.name, step.slug))
        filled = fill(step, values, typed)
        return await self._step_page(request, entry, step, filled, values)

    async def send(self, request: web.Request) -> web.Response:
        """Send, or a what-if; a redirect follows, so that reloading the page does not send again."""
        self.check_csrf(request)
        entry, step = self._step(request)
        demo, session = self._demo(entry), self.session_of(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        what_if = step.what_if(form.get("what_if", ""))
        if what_if is None and form.get("what_if"):
            raise NotFoundError(f"'{step.title}' has no such what-if", hint="reload the page: demo.yaml has changed")
        memory = self.memories.of(session.id)
        values = await self.sending.values(session)
        filled = fill(step, values, memory.typed.get((demo.name, step.slug)))
        submitted = {field.name: form.get(f"f.{field.name}", "") for field in step.fields}
        fields, problems = read_form(filled, submitted)
        if problems:
            return await self._refused(request, entry, step, filled, fields, problems)
        # A reader who goes away must not stop a call half-way: its values would be lost.
        press = asyncio.create_task(self.sending.press(session, Press(demo, step, what_if, fields)))
        result = await asyncio.shield(press)
        self._remember_typed(session, demo, step, fields, keep=bool(result.what_if) or result.expected is not True)
        raise web.HTTPSeeOther(_address(demo, step))

    def _remember_typed(
        self, session: LiveSession, demo: Demo, step: Step, fields: Mapping[str, Any], *, keep: bool
    ) -> None:
        """What was typed stays in the form until it has done its work; a step that went well renews the later ones."""
        typed = self.memories.of(session.id).typed
        secret = {field.name for field in step.fields if field.is_secret}
        if keep:
            typed[demo.name, step.slug] = {name: value for name, value in fields.items() if name not in secret}
        else:
            typed.clear()

    async def _refused(
        self,
        request: web.Request,
        entry: Entry,
        step: Step,
        filled: tuple[Filled, ...],
        fields: Mapping[str, Any],
        problems: Mapping[str, str],
    ) -> web.Response:
        again = tuple(
            Filled(each.field, fields[each.field.name], "typed", problems.get(each.field.name, "")) for each in filled
        )
        values = await self.sending.values(self.session_of(request))
        return await self._step_page(request, entry, step, again, values, status=422)

    async def recording(self, request: web.Request) -> web.Response:
        """Start over with a new recording, or name the one that is being made."""
        self.check_csrf(request)
        demo, session = self._demo(self._entry(request)), self.session_of(request)
        form = await request.post()
        title = str(form.get("title", "")).strip()[:TITLE]
        if form.get("action") == "name":
            await self._name(session, title)
            raise web.HTTPSeeOther(_back(demo, str(form.get("step", ""))))
        values = await asyncio.to_thread(self.services.store.values, session.id)
        if values:
            await asyncio.wrap_future(self.services.recorder.keep_values(session.id, dict.fromkeys(values)))
        self.memories.forget(session.id)
        self.services.sessions.start_recording(session, title)
        raise web.HTTPSeeOther(_address(demo, demo.steps[0]))

    async def _name(self, session: LiveSession, title: str) -> None:
        session.title = title
        if session.steps:
            await asyncio.wrap_future(self.services.recorder.annotate(session.recording, title=title))

    async def picture(self, request: web.Request) -> web.FileResponse:
        """A picture that lies beside demo.yaml."""
        entry, name = self._entry(request), request.match_info["name"]
        file = entry.folder / name
        if "/" in name or not name.lower().endswith(PICTURES) or not await asyncio.to_thread(file.is_file):
            raise NotFoundError(f"{entry.name} has no picture '{name[:100]}'")
        return web.FileResponse(file, headers=PICTURE_HEADERS)

    async def _step_page(
        self,
        request: web.Request,
        entry: Entry,
        step: Step,
        filled: tuple[Filled, ...],
        values: Mapping[str, Any],
        status: int = 200,
    ) -> web.Response:
        demo, session = self._demo(entry), self.session_of(request)
        results = self.memories.results(session.id, demo.name, step.slug)
        result = self.memories.shown(session.id, demo.name, step.slug)
        happy = results.get("")
        parts = form_parts(request, demo, step, filled, self.csrf_field(request))
        own, own_problem = _own(entry, step, parts, values, result)
        return _page(
            request,
            "step",
            status=status,
            demo=demo,
            step=step,
            number=demo.steps.index(step) + 1,
            following=demo.after(step),
            done=self.memories.happy(session.id, demo.name),
            parts=parts,
            own=own,
            own_problem=own_problem,
            result=result,
            results=results,
            comparison=compare(happy, result) if happy and result and result.what_if and result.url else None,
            values=shown_values(values),
            latest=await self._latest(session),
            recording=session.recording if session.steps else "",
            recording_title=await self._title(session),
            csrf=self.csrf_field(request),
            problems=self._problems(entry),
            places=self._places(session),
        )

    async def _latest(self, session: LiveSession) -> list[Exchange]:
        """The exchanges of this session's recording that came last, newest first, whoever made them."""
        if not session.steps:
            return []
        after = str(max(session.steps - LATEST, 0))  # a cursor of exchanges is the step that they follow
        try:
            page = await asyncio.to_thread(self.services.store.exchanges, session.recording, limit=LATEST, cursor=after)
        except (NotFoundError, StoreError):
            return []
        return list(reversed(page.items))

    async def _title(self, session: LiveSession) -> str:
        """The name of the recording that is being made, as it was given."""
        if session.title or not session.steps:
            return session.title
        try:
            return (await asyncio.to_thread(self.services.store.recording, session.recording)).title
        except (NotFoundError, StoreError):
            return ""

    def _places(self, session: LiveSession) -> dict[str, str]:
        """Cluster -> the environment that answers this session."""
        clusters = self.services.routes.table.clusters
        now = time.time()
        pinned = {name: pin.environment for name, pin in session.pins.items() if not pin.until or pin.until > now}
        return {name: pinned.get(name, cluster.environment) for name, cluster in clusters.items()}

    def _problems(self, entry: Entry) -> tuple[str, ...]:
        """What is wrong with the file as it stands, or with its clusters beside routes.yaml."""
        if entry.problems or entry.demo is None:
            return tuple(map(str, entry.problems))
        clusters = {name: tuple(cluster.upstreams) for name, cluster in self.services.routes.table.clusters.items()}
        return tuple(map(str, check_routes(entry.demo, clusters, entry.file)))

    def _entry(self, request: web.Request) -> Entry:
        name = request.match_info["demo"]
        entry = self.keeper.entries.get(name)
        if entry is None:
            near = did_you_mean(name, self.keeper.entries)
            raise NotFoundError(f"there is no demo '{name[:100]}'{near}", hint="see / for the demos that exist")
        return entry

    def _demo(self, entry: Entry) -> Demo:
        if entry.demo is None:
            lines = "; ".join(map(str, entry.problems))
            raise BrokenDemo(f"the demo '{entry.name}' cannot be shown: {lines}", hint="mend demo.yaml and reload")
        return entry.demo

    def _step(self, request: web.Request) -> tuple[Entry, Step]:
        entry, slug = self._entry(request), request.match_info["step"]
        demo = self._demo(entry)
        step = demo.step(slug)
        if step is None:
            near = did_you_mean(slug, [step.slug for step in demo.steps])
            raise NotFoundError(f"'{demo.title}' has no step '{slug[:100]}'{near}", hint=f"see /demos/{demo.name}")
        return entry, step


class BrokenDemo(GatewayError):
    status = 422


def _own(
    entry: Entry, step: Step, parts: Mapping[str, Any], values: Mapping[str, Any], result: object
) -> tuple[str, str]:
    """(the author's own page, why it could not be shown)."""
    if not step.page:
        return "", ""
    context = {"form": parts, "s": dict(shown_values(values)), "result": result, "step": step, "demo": entry.demo}
    try:
        return render_own_page(entry.folder, step.page, context), ""
    except OwnPageError as error:
        return "", str(error)


def _page(request: web.Request, name: str, *, status: int = 200, **context: Any) -> web.Response:
    return aiohttp_jinja2.render_template(f"demos/{name}.html", request, context, status=status)


def _address(demo: Demo, step: Step) -> str:
    return str(URL.build(path=f"/demos/{demo.name}/{step.slug}"))


def _back(demo: Demo, slug: str) -> str:
    return _address(demo, demo.step(slug) or demo.steps[0])
