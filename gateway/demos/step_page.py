"""What a step's page shows: form, result, comparison, the session's values and its last exchanges. I/O."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup
from yarl import URL

from ..errors import NotFoundError, StoreError
from .definition.check import check_routes
from .definition.expression_limits import PagePart, PageSandbox, limited, page_budget
from .definition.lineage import next_uses
from .definition.schema import Demo, DemoStep
from .masking import masked_json
from .result import CallResult, compare, shown_values

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..protocols import LiveSession, Services
    from .registry import DemoEntry
    from .session_memory import Memories


CONTENT = Markup("<!--content-->")  # where a layout puts the step


class OwnPageError(Exception):
    """The page failed; the message says where and why."""


def render_own_page(folder: Path, name: str, context: Mapping[str, Any]) -> Markup:
    """The page as a fragment: it stands where the plain form would. Blocking: up to a second. OwnPageError says in
    which line it fails, or which file is missing."""
    try:
        with limited(page_budget()):
            return Markup(_environment(folder).get_template(name).render(dict(context)))
    except jinja2.TemplateNotFound as error:
        raise OwnPageError(f"{name}: there is no file '{error.name}' in {folder.name}") from None
    except jinja2.TemplateSyntaxError as error:
        raise OwnPageError(f"{error.filename and Path(error.filename).name}:{error.lineno}: {error.message}") from None
    except Exception as error:  # an author's page may fail in any way that Python can
        raise OwnPageError(f"{name}{_line(error, name)}: {error}") from None


@lru_cache(maxsize=64)
def _environment(folder: Path) -> PageSandbox:
    return PageSandbox(jinja2.FileSystemLoader(folder))


def _line(error: Exception, name: str) -> str:
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(name):
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line


@dataclass(frozen=True, slots=True)
class TrailStop:
    """One step of the stepper. `branch` names the step that it follows, where that is not the one above it."""

    number: int
    step: DemoStep
    result: CallResult | None
    is_next: bool
    branch: str = ""


def trail(demo: Demo, done: Mapping[str, CallResult]) -> tuple[TrailStop, ...]:
    """Every step; those are next that were not sent while all on the way to them were."""
    return tuple(_stops(demo, done))


def _stops(demo: Demo, done: Mapping[str, CallResult]) -> Iterator[TrailStop]:
    for at, step in enumerate(demo.steps):
        before = demo.before(step)
        is_next = step.slug not in done and all(each.slug in done for each in demo.ancestors(step))
        branch = before.title if before is not None and before is not demo.steps[at - 1] else ""
        yield TrailStop(at + 1, step, done.get(step.slug), is_next, branch)


LATEST = 8  # exchanges in the pane


@dataclass(frozen=True, slots=True)
class StepView:
    """Collects what the template step.html needs."""

    services: Services
    memories: Memories

    async def of(
        self,
        session: LiveSession,
        entry: DemoEntry,
        demo: Demo,
        step: DemoStep,
        parts: Mapping[str, Any],
        values: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The template's names. `parts` is the form, ready-made."""
        results = self.memories.results(session.id, demo.name, step.slug)
        result = self.memories.shown(session.id, demo.name, step.slug)
        done, origins = self.memories.happy(session.id, demo.name), dict(self.memories.of(session.id).origins)
        made = await asyncio.to_thread(_made, entry, demo, step, parts, values, results, result, done)
        return {
            "demo": demo,
            "step": step,
            "number": demo.steps.index(step) + 1,
            "followers": demo.followers(step),
            "done": done,
            "parts": parts,
            "source": entry.path.name,
            "result": result,
            "results": results,
            "origins": origins,
            **made,
            **await self.calls(session),
            "own_calls": frozenset(each.exchange for each in results.values() if each.exchange),
            "recording_title": await self._title(session),
            "trial": self.memories.of(session.id).trials.get((demo.name, step.slug)),
            "problems": self.problems(entry),
            "places": self._places(session),
        }

    async def calls(self, session: LiveSession) -> dict[str, Any]:
        """What the drawer shows: the exchanges of the session's recording that came last."""
        return {
            "latest": await self._latest(session),
            "recording": session.recording if session.steps else "",
            "own_calls": frozenset(),
        }

    async def _latest(self, session: LiveSession) -> list[Exchange]:
        """The exchanges of this session's recording that came last, newest first, from any client."""
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

    def environments(self, cluster: str) -> tuple[str, ...]:
        """Where a cluster has an upstream."""
        found = self.services.routes.table.clusters.get(cluster)
        return tuple(found.upstreams) if found else ()

    def _places(self, session: LiveSession) -> dict[str, str]:
        """Cluster -> the environment that answers this session."""
        clusters = self.services.routes.table.clusters
        now = time.time()
        pinned = {name: pin.environment for name, pin in session.pins.items() if not pin.until or pin.until > now}
        return {name: pinned.get(name, cluster.environment) for name, cluster in clusters.items()}

    def problems(self, entry: DemoEntry) -> tuple[str, ...]:
        """What is wrong with the file as it stands, or with its clusters beside routes.yaml."""
        if any(each.severity == "error" for each in entry.problems) or entry.demo is None:
            return tuple(map(str, entry.problems))
        clusters = {name: tuple(cluster.upstreams) for name, cluster in self.services.routes.table.clusters.items()}
        return tuple(
            map(str, (*entry.problems, *check_routes(entry.demo, clusters, entry.file, self.services.routes.name)))
        )


@dataclass(frozen=True, slots=True)
class LayoutFrame:
    """What the author's layout puts before and after a step, or why it puts nothing."""

    before: Markup | str = ""
    after: Markup | str = ""
    problem: str = ""


def _frame(entry: DemoEntry, step: DemoStep, values: Mapping[str, Any], result: object) -> LayoutFrame:
    demo = entry.demo
    if demo is None or not demo.layout:
        return LayoutFrame()
    context = _context(entry, step, values, result) | {"content": CONTENT}
    try:
        whole = render_own_page(entry.folder, demo.layout, context)
    except OwnPageError as error:
        return LayoutFrame(problem=str(error))
    before, there, after = whole.partition(CONTENT)
    if not there:
        return LayoutFrame(problem=f"{demo.layout}: {{{{ content }}}} is missing: the step goes there")
    return LayoutFrame(Markup(before), Markup(after))


def _context(entry: DemoEntry, step: DemoStep, values: Mapping[str, Any], result: object) -> dict[str, Any]:
    """What templates of an author know; `file` gives the address of a file beside the demo."""

    def address(name: object) -> str:
        if not (entry.folder / str(name)).is_file():
            raise jinja2.TemplateNotFound(str(name))
        return str(URL.build(path=f"/demos/{entry.name}/files/{name}"))

    known = {"s": masked_json(dict(values)), "result": result, "step": step, "demo": entry.demo}
    return known | {"file": PagePart(address)}


def _made(
    entry: DemoEntry,
    demo: Demo,
    step: DemoStep,
    parts: Mapping[str, Any],
    values: Mapping[str, Any],
    results: Mapping[str, CallResult],
    result: CallResult | None,
    done: Mapping[str, CallResult],
) -> dict[str, Any]:
    """What is worked out of the facts. Blocking: a response may be large, and an author's expressions and page slow."""
    own, own_problem = _own(entry, step, parts, values, result)
    happy = results.get("")
    return {
        "trail": trail(demo, done),
        "own": own,
        "own_problem": own_problem,
        "frame": _frame(entry, step, values, result),
        "comparison": compare(happy, result) if happy and result and result.what_if and result.url else None,
        "values": shown_values(values),
        "next_uses": {name: next_uses(demo, step, name) for name in step.writes},
    }


def _own(
    entry: DemoEntry, step: DemoStep, parts: Mapping[str, Any], values: Mapping[str, Any], result: object
) -> tuple[str, str]:
    """(the author's own page, why it could not be shown)."""
    if not step.page:
        return "", ""
    context = _context(entry, step, values, result) | {"form": parts}
    try:
        return render_own_page(entry.folder, step.page, context), ""
    except OwnPageError as error:
        return "", str(error)
