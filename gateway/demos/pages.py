"""The pages of the demos: home, one page per step, and what is sent from them. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web
from aiohttp.web_request import FileField
from aiohttp_session import get_session
from multidict import MultiDictProxy
from yarl import URL

from ..errors import ConfigError, GatewayError, NotFoundError, UsageError, did_you_mean
from .authoring.new_demo import from_recording, own_folder, write_demo
from .call import Caller
from .code_modules import CodeModules
from .custom_what_if import boxes_again
from .custom_what_if_pages import Trying
from .definition.colours import style_sheet
from .definition.schema import Demo, DemoStep, FormField, Upload, slug_of
from .form import form_parts
from .front_door import front_door
from .page_json import home_json, step_json
from .preview import Preview
from .registry import DemoEntry, DemosKeeper
from .run_sources import demo_sources, shown
from .send import Press, Sending
from .session_memory import Memories
from .step import FilledField, NotSent, fill, read_form
from .step_page import StepView

if TYPE_CHECKING:
    from ..protocols import LiveSession, Services

TYPES = {
    ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
    ".webp": "image/webp", ".ico": "image/x-icon", ".css": "text/css", ".woff2": "font/woff2", ".woff": "font/woff",
    ".ttf": "font/ttf", ".otf": "font/otf",
}  # fmt: skip
# A picture is shown by <img>, where nothing in it can run; opened by itself it may not run anything either.
FILE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox", "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}  # fmt: skip
TRY, PREVIEW, SAVE = "*try", "*preview", "*save"  # buttons; a what-if's slug has no '*'
NOTICE = "notice"  # in the page session: what was just done, for the next page
TITLE = 200  # characters of a recording's name


def setup(
    app: web.Application,
    services: Services,
    *,
    session_of: Callable[[web.Request], LiveSession],
    csrf_field: Callable[[web.Request], str],
    check_csrf: Callable[[web.Request], None],
    render: Render,
    check_operator: Callable[[web.Request], None] = lambda request: None,
    templates: Sequence[Path] = (),
    modules: CodeModules | None = None,
) -> None:
    """Serve `/` and `/demos/...`. aiohttp_jinja2 must be set up with a loader that knows our templates.

    The routes are catch-alls, because demos come and go while the server runs. `csrf_field` gives the value of
    the hidden field csrf_token; `check_operator` raises for who may not write files; `render` makes a page of a
    template.
    """
    run = services.options.run
    sources = partial(demo_sources, run) if run else None
    keeper = DemosKeeper(services.options, templates, modules=modules, sources=sources)
    caller, memories = Caller(services), Memories()
    pages = Pages(
        services,
        session_of,
        csrf_field,
        check_csrf,
        check_operator,
        render,
        keeper,
        memories,
        Sending(services, caller, memories),
        StepView(services, memories),
        Trying(keeper, caller, memories),
    )
    app.cleanup_ctx.extend((keeper.running, caller.running))
    app.router.add_get("/", pages.home)
    app.router.add_get("/demos.json", pages.home_twin)
    app.router.add_get("/demos", pages.to_home)
    app.router.add_get("/demos/", pages.to_home)
    app.router.add_post("/demos/", pages.new)
    app.router.add_get("/demos/{demo}", pages.first)
    app.router.add_get("/demos/{demo}/", pages.first)
    app.router.add_post("/demos/{demo}", pages.recording)
    app.router.add_get("/demos/{demo}/files/{name}", pages.file)
    app.router.add_get("/demos/{demo}/colours.css", pages.colours)
    app.router.add_get("/demos/{demo}/{step}.json", pages.step_twin)
    app.router.add_get("/demos/{demo}/{step}", pages.step)
    app.router.add_get("/demos/{demo}/{step}/", pages.without_slash)
    app.router.add_post("/demos/{demo}/{step}", pages.send)


class Render(Protocol):
    """Makes a page of a template, with the console around it."""

    async def __call__(
        self, request: web.Request, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> web.Response: ...


@dataclass(frozen=True, slots=True)
class Pages:
    """The handlers, with what they need."""

    services: Services
    session_of: Callable[[web.Request], LiveSession]
    csrf_field: Callable[[web.Request], str]
    check_csrf: Callable[[web.Request], None]
    check_operator: Callable[[web.Request], None]
    render: Render
    keeper: DemosKeeper
    memories: Memories
    sending: Sending
    view: StepView
    trying: Trying

    async def home(self, request: web.Request) -> web.Response:
        """Every demo with its steps."""
        session = self.session_of(request)
        entries = list(self.keeper.entries.values())
        done = {entry.name: self.memories.happy(session.id, entry.name) for entry in entries}
        calls = await self.view.calls(session)
        door = await front_door(self.services, session)
        about = {"entries": entries, "done": done, "problems": self.view.problems, **calls, **door}
        return await self.render(request, "demos/home.html", about)

    async def home_twin(self, request: web.Request) -> web.Response:
        session = self.session_of(request)
        entries = list(self.keeper.entries.values())
        done = {entry.name: self.memories.happy(session.id, entry.name) for entry in entries}
        problems = await asyncio.to_thread(lambda: [self.view.problems(entry) for entry in entries])
        return web.json_response(
            home_json([(e.name, e.demo, found) for e, found in zip(entries, problems, strict=True)], done)
        )

    async def step_twin(self, request: web.Request) -> web.Response:
        """What the step's page shows, masked as it is."""
        entry, step = self._step(request)
        demo, session = self._demo(entry), self.session_of(request)
        values = await self.sending.values(session)
        filled = await self._filled(session, demo, step, values)
        shown = await self.view.of(session, entry, demo, step, {}, values)
        return web.json_response(step_json(demo, step, filled, shown))

    async def to_home(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/")

    async def without_slash(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(request.rel_url.raw_path.rstrip("/"))

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
        filled = await self._filled(session, self._demo(entry), step, values)
        return await self._step_page(request, entry, step, filled, values)

    async def send(self, request: web.Request) -> web.Response:
        """Send, or a what-if; a redirect follows, so that reloading the page does not send again."""
        self.check_csrf(request)
        entry, step = self._step(request)
        demo, session = self._demo(entry), self.session_of(request)
        posted = await request.post()
        form = {name: value for name, value in posted.items() if isinstance(value, str)}
        if form.get("what_if") == SAVE:
            return await self._save(request, entry, step, form)
        values = await self.sending.values(session)
        filled = await self._filled(session, demo, step, values)
        submitted = {field.name: _submitted(posted, field) for field in step.fields}
        fields, problems = read_form(filled, submitted, checked=not form.get("what_if"))
        if problems:
            return await self._refused(request, entry, step, filled, fields, problems)
        try:
            press = await self._press(session, entry, step, fields, form, values)
        except (UsageError, ConfigError) as error:
            again = _again(filled, fields)
            return await self._step_page(request, entry, step, again, values, status=422, trouble=str(error))
        if form.get("what_if") == PREVIEW:
            return await self._previewed(request, entry, filled, press, values)
        # A reader who goes away must not stop a call half-way: its values would be lost.
        result = await asyncio.shield(asyncio.create_task(self.sending.press(session, press)))
        self._remember_typed(session, demo, step, fields, keep=bool(result.what_if) or result.expected is not True)
        raise web.HTTPSeeOther(_address(demo, step))

    async def _press(
        self, session: LiveSession, entry: DemoEntry, step: DemoStep, fields: Mapping[str, Any],
        form: Mapping[str, str], values: Mapping[str, Any],
    ) -> Press:  # fmt: skip
        """What was pressed: Send, a what-if of the demo, or one of the reader's own."""
        wanted = form.get("what_if", "")
        if wanted == TRY or (wanted == PREVIEW and _is_changed(form)):
            return await self.trying.press(session, entry, step, fields, form, values)
        what_if = step.what_if(wanted)
        if what_if is None and wanted not in ("", PREVIEW):
            raise NotFoundError(f"'{step.title}' has no such what-if", hint="reload the page: demo.yaml has changed")
        return Press(self._demo(entry), step, what_if, fields)

    async def _save(
        self, request: web.Request, entry: DemoEntry, step: DemoStep, form: Mapping[str, str]
    ) -> web.Response:
        """Save as preset: what was tried last becomes a what-if in demo.yaml."""
        self.check_operator(request)
        session = self.session_of(request)
        try:
            (await get_session(request))[NOTICE] = await self.trying.save(session, entry, step, form)
        except (UsageError, ConfigError) as error:
            values = await self.sending.values(session)
            filled = await asyncio.to_thread(fill, step, values)
            return await self._step_page(request, entry, step, filled, values, status=422, trouble=str(error))
        raise web.HTTPSeeOther(_address(self._demo(entry), step))

    def _remember_typed(
        self, session: LiveSession, demo: Demo, step: DemoStep, fields: Mapping[str, Any], *, keep: bool
    ) -> None:
        """What was typed stays in the form until it has done its work; a step that went well renews the later ones."""
        typed = self.memories.of(session.id).typed
        kept = {field.name for field in step.fields if field.is_kept}
        if keep:
            typed[demo.name, step.slug] = {name: value for name, value in fields.items() if name in kept}
        else:
            typed.clear()

    async def _refused(
        self,
        request: web.Request,
        entry: DemoEntry,
        step: DemoStep,
        filled: tuple[FilledField, ...],
        fields: Mapping[str, Any],
        problems: Mapping[str, str],
    ) -> web.Response:
        again = tuple(
            replace(each, value=fields[each.field.name], origin="typed", problem=problems.get(each.field.name, ""))
            for each in filled
        )
        values = await self.sending.values(self.session_of(request))
        return await self._step_page(request, entry, step, again, values, status=422)

    async def _previewed(
        self,
        request: web.Request,
        entry: DemoEntry,
        filled: tuple[FilledField, ...],
        press: Press,
        values: Mapping[str, Any],
    ) -> web.Response:
        """The page with the call as it would be sent, and what was typed still in the form."""
        again = _again(filled, press.fields)
        try:
            shown, trouble = await self.trying.preview(self.session_of(request), press, values), ""
        except NotSent as error:
            shown, trouble = None, str(error)
        return await self._step_page(request, entry, press.step, again, values, preview=shown, trouble=trouble)

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

    async def colours(self, request: web.Request) -> web.Response:
        """The demo's own colours, as a style sheet of our own making."""
        demo = self._demo(self._entry(request))
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=style_sheet(demo.colours or {}), content_type="text/css", headers=headers)

    async def new(self, request: web.Request) -> web.Response:
        """A demo made from a recording; it is in the menu at once."""
        self.check_csrf(request)
        form = await request.post()
        title, ref = (str(form.get(field, "")).strip()[:TITLE] for field in ("name", "recording"))
        name = slug_of(title)[:60]
        text = await asyncio.to_thread(from_recording, self.services.store, ref, title=title)
        folder = own_folder(self.services.options, self.keeper.templates)
        file = await asyncio.to_thread(write_demo, folder, name, text)
        await asyncio.to_thread(self.keeper.look)
        (await get_session(request))[NOTICE] = f"Made: {shown(file)}. Change it there; it is here at once."
        raise web.HTTPSeeOther(str(URL.build(path=f"/demos/{name}")))

    async def file(self, request: web.Request) -> web.FileResponse:
        """A picture, style sheet or font that lies beside the demo. NotFoundError when there is none of that name:
        nothing else is shown, and nothing to which a link leads elsewhere."""
        entry, name = self._entry(request), request.match_info["name"]
        kind = TYPES.get(Path(name).suffix.lower())
        file = await asyncio.to_thread(_beside, entry.folder, name) if kind else None
        if kind is None or file is None:
            hint = f"pictures, style sheets and fonts are shown: {', '.join(TYPES)}"
            raise NotFoundError(f"{entry.name} has no file '{name[:100]}'", hint=hint)
        return web.FileResponse(file, headers=FILE_HEADERS | {"Content-Type": kind})

    async def _step_page(
        self,
        request: web.Request,
        entry: DemoEntry,
        step: DemoStep,
        filled: tuple[FilledField, ...],
        values: Mapping[str, Any],
        status: int = 200,
        preview: Preview | None = None,
        trouble: str = "",
    ) -> web.Response:
        csrf, demo, session = self.csrf_field(request), self._demo(entry), self.session_of(request)
        sent = self.memories.results(session.id, demo.name, step.slug).get("")
        origins = self.memories.of(session.id).origins
        environments = tuple(self.view.environments(step.call.cluster))
        own = boxes_again(await request.post())
        parts = await asyncio.to_thread(
            form_parts,
            request,
            step,
            filled,
            csrf,
            origins=dict(origins),
            sent=sent,
            environments=environments,
            own=own,
        )
        about = await self.view.of(session, entry, demo, step, parts, values)
        page_session = await get_session(request)
        said = page_session.pop(NOTICE) if NOTICE in page_session else ""
        about |= {"preview": preview, "trouble": trouble, "csrf": csrf, "said": said}
        return await self.render(request, "demos/step.html", about, status=status)

    async def _filled(
        self, session: LiveSession, demo: Demo, step: DemoStep, values: Mapping[str, Any]
    ) -> tuple[FilledField, ...]:
        """The form. In a thread, as all that works out an author's expressions: a step may have many of 20 ms each."""
        typed = self.memories.of(session.id).typed.get((demo.name, step.slug))
        return await asyncio.to_thread(fill, step, values, typed)

    def _entry(self, request: web.Request) -> DemoEntry:
        name = request.match_info["demo"]
        entry = self.keeper.entries.get(name)
        if entry is None:
            near = did_you_mean(name, self.keeper.entries)
            raise NotFoundError(f"there is no demo '{name[:100]}'{near}", hint="see / for the demos that exist")
        return entry

    def _demo(self, entry: DemoEntry) -> Demo:
        if entry.demo is None:
            lines = "; ".join(map(str, entry.problems))
            raise BrokenDemo(f"the demo '{entry.name}' cannot be shown: {lines}", hint="mend demo.yaml and reload")
        return entry.demo

    def _step(self, request: web.Request) -> tuple[DemoEntry, DemoStep]:
        entry, slug = self._entry(request), request.match_info["step"]
        demo = self._demo(entry)
        step = demo.step(slug)
        if step is None:
            near = did_you_mean(slug, [step.slug for step in demo.steps])
            raise NotFoundError(f"'{demo.title}' has no step '{slug[:100]}'{near}", hint=f"see /demos/{demo.name}")
        return entry, step


class BrokenDemo(GatewayError):
    status = 422


def _again(filled: tuple[FilledField, ...], fields: Mapping[str, Any]) -> tuple[FilledField, ...]:
    """The form with what was typed still in it."""
    return tuple(replace(each, value=fields[each.field.name], origin="typed") for each in filled)


def _is_changed(form: Mapping[str, str]) -> bool:
    """Whether anything stands in the boxes of a what-if of your own."""
    return any(form.get(f"own.{verb}", "").strip() for verb in ("via", "path", "headers", "delay"))


def _beside(folder: Path, name: str) -> Path | None:
    """The file of that name in this folder itself."""
    file = folder / name
    is_here = "/" not in name and not name.startswith(".") and file.resolve().parent == folder.resolve()
    return file if is_here and file.is_file() else None


def _submitted(
    posted: MultiDictProxy[str | bytes | bytearray | FileField], field: FormField
) -> str | Upload | list[str]:
    """A field of a form as it came; a file that was not chosen is empty. What was typed beside a list wins."""
    name = f"f.{field.name}"
    if field.multiple:
        return [one for one in posted.getall(name, []) if isinstance(one, str) and one]
    value = (posted.get(f"{name}.other") if field.choices_from else None) or posted.get(name, "")
    if not isinstance(value, FileField):
        return value if isinstance(value, str) else ""
    if not value.filename:
        return ""
    return Upload(value.filename, value.content_type or "application/octet-stream", value.file.read())


def _address(demo: Demo, step: DemoStep) -> str:
    return str(URL.build(path=f"/demos/{demo.name}/{step.slug}"))


def _back(demo: Demo, slug: str) -> str:
    return _address(demo, demo.step(slug) or demo.steps[0])
