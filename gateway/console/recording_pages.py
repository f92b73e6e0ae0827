"""The page of a recording: its title, one sentence of facts, and tabs that each read what they show. I/O."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web
from markupsafe import Markup

from ..diagrams.story import StoryCall, StoryMove, StoryRounds, followed
from ..diagrams.story_svg import ground, lane, move_lane, story_heads
from ..errors import UsageError
from ..export import FORMATS
from ..model.json_shapes import recording_json
from ..model.recording import Page
from ..replay.reasons import ReasonGroup
from ..services import correlations, listing
from ..services.diagrams import drawn, looking
from ..services.family_tree import family_tree
from ..services.playback import MODES
from ..services.story import ToldStory, read_story, title_of
from ..web.keys import SERVICES, SESSION_OF
from ..web.view import View, view
from . import replay_pages
from .lists import status_of
from .waterfall import waterfall
from .what_if_editor import draft_query

if TYPE_CHECKING:
    from ..diagrams.story import Story
    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..protocols import Services

STEPS: Final = 200  # steps of a recording on one page
# key of ?tab= -> its name
TABS: Final = {
    "story": "Story", "steps": "Steps", "why": "Why", "what-ifs": "What-ifs & replays", "values": "Values",
    "export": "Present & export",
}  # fmt: skip
ROWS: Final = 20  # what-ifs and replays on the tab; all of them are on a page of their own
SAFE: Final = ("GET", "HEAD", "OPTIONS")


async def recording(request: web.Request) -> View:
    """A recording; ?tab= says which part, and what older links asked for decides where they do not."""
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    query, cursor, problem = request.query.get("q", ""), request.query.get("cursor"), None
    slice: Page[Exchange] = Page(())
    try:
        slice = await listing.exchanges(services, found.id, limit=STEPS, cursor=cursor, query=query)
    except UsageError as error:
        if request.path.endswith(".json"):
            raise
        problem = error
    data = {
        "recording": recording_json(found),
        "q": query,
        "items": [listing.row_json(one) for one in slice.items],
        "next": slice.next,
    }
    if request.path.endswith(".json"):
        return view(data)
    tab = tab_of(request)
    here = f"/_gateway/recordings/{quote(found.id, safe='')}"
    extra = await _TABS[tab](request, services, found, slice.items)
    told = None if "HX-Request" in request.headers and tab == "steps" else await _told(services, found)
    return view(
        data, status=status_of(request, problem), problem=problem, tab=tab, tabs=TABS, here=here, told=told,
        title=title_of(found, told),
        family_count=await _family_count(services, found),
        playing=listing.played_by(request.app[SESSION_OF](request)),
        placed=partial(place_parts, _places(told)), acts=partial(acts, found, told), **extra,
    )  # fmt: skip


def tab_of(request: web.Request) -> str:
    """The tab that was asked for, by its name or by what only it shows."""
    asked, query = request.query.get("tab", ""), request.query
    if asked in TABS:
        return asked
    if "view" not in query and (query.get("q") or "cursor" in query):
        return "steps"
    return "values" if "values" in query else "story"


async def _told(services: Services, found: Recording) -> ToldStory:
    environments = services.routes.table.environments
    return await asyncio.to_thread(read_story, services.store, found, environments)


async def _family_count(services: Services, found: Recording) -> int:
    family = await asyncio.to_thread(services.store.family, found.id)
    return len(family) - 1


# -- what each tab reads


async def _story(
    request: web.Request, services: Services, found: Recording, steps: Sequence[Exchange]
) -> dict[str, Any]:  # fmt: skip
    query = request.query
    asked = {"view": query.get("view", ""), "show": query.get("show", ""), "value": query.get("value", "")[:100]}
    if any(name in query for name in ("steps", "whatifs")):  # links of the one picture
        asked["view"] = "picture"
    picture = None
    if asked["view"] == "picture":
        chosen = steps if query.get("q") else None
        picture = await asyncio.to_thread(drawn, services.store, found, chosen, looking(query))
    bars = waterfall(steps) if asked["view"] == "timing" else ()
    return {"asked": asked, "sequence": picture, "bars": bars, "rows": story_rows, "heads": _heads,
            "address": partial(_address, asked)}  # fmt: skip


def _address(asked: dict[str, str], **changed: str) -> str:
    """The link of the same tab with something changed."""
    wanted = {"tab": "story", **asked, **changed}
    return "?" + urlencode({name: value for name, value in wanted.items() if value})


def _heads(story: Story) -> Markup:
    return Markup(story_heads(story))  # escaped by the drawing, as everything of `story_svg`


def story_rows(story: Story, asked: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The rows as a template lays them out: kind, what it is, its lane as markup, whether it is lit or faint."""
    lit = followed(story, asked["value"])
    for row in story.rows:
        if isinstance(row, StoryMove):
            yield {"kind": "move", "row": row, "lane": Markup(move_lane(story, row))}
        elif isinstance(row, StoryRounds):
            calls = [_call_row(story, one, asked, lit) for one in row.rows]
            ground_lane = Markup(ground(story))
            yield {"kind": "rounds", "row": row, "lane": ground_lane, "calls": calls, "lit": bool(lit & _steps(row))}
        else:
            yield _call_row(story, row, asked, lit)


def _call_row(story: Story, row: StoryCall, asked: dict[str, str], lit: frozenset[int]) -> dict[str, Any]:
    drawn_lane = Markup(lane(story, row, paths=asked["show"] == "paths"))
    return {"kind": "call", "row": row, "lane": drawn_lane, "lit": row.call.step in lit,
            "faint": bool(lit) and row.call.step not in lit}  # fmt: skip


def _steps(row: StoryRounds) -> frozenset[int]:
    return frozenset(one.call.step for one in row.rows)


async def _nothing(
    request: web.Request, services: Services, found: Recording, steps: Sequence[Exchange]
) -> dict[str, Any]:  # fmt: skip
    """What every tab has is enough."""
    return {}


async def _family(
    request: web.Request, services: Services, found: Recording, steps: Sequence[Exchange]
) -> dict[str, Any]:  # fmt: skip
    tree = await asyncio.to_thread(family_tree, services.store, found.id, limit=ROWS)
    return {"tree": tree, **await replay_pages.around(services, found, steps),
            "environments": services.routes.table.environments}  # fmt: skip


async def _values(
    request: web.Request, services: Services, found: Recording, steps: Sequence[Exchange]
) -> dict[str, Any]:  # fmt: skip
    asked = "values" in request.query
    return {"flows": await correlations.flows(services, found.id, steps=found.steps, asked=asked)}


async def _export(
    request: web.Request, services: Services, found: Recording, steps: Sequence[Exchange]
) -> dict[str, Any]:  # fmt: skip
    return {"formats": FORMATS, "playback_modes": MODES}


_TABS: Final[dict[str, Callable[..., Awaitable[dict[str, Any]]]]] = {
    "story": _story, "steps": _nothing, "why": _nothing, "what-ifs": _family, "values": _values, "export": _export,
}  # fmt: skip


# -- words with places, and what can be done about a failure


def _places(told: ToldStory | None) -> frozenset[str]:
    if told is None:
        return frozenset()
    found = [one for one in told.exchanges if one.cluster and one.environment]
    return frozenset(f"{cluster}@{one.environment}" for one in found for cluster in (one.cluster, ""))


def place_parts(places: frozenset[str], text: str) -> list[tuple[str, str]]:
    """A sentence in parts: (text, environment), where "catalogue@qa" of a known place is ("catalogue", "qa")."""
    if not places:
        return [(text, "")]
    found = list[tuple[str, str]]()
    for part in re.split(f"({'|'.join(re.escape(one) for one in sorted(places, key=len, reverse=True))})", text):
        cluster, _, environment = part.rpartition("@") if part in places else (part, "", "")
        if cluster or environment:
            found.append((cluster, environment))
    return found


def acts(found: Recording, told: ToldStory | None, group: ReasonGroup) -> dict[str, Any]:
    """The addresses of a reason's acts: the attempt as a ready what-if or as a draft, the comparison."""
    reason = group.first
    here = f"/_gateway/recordings/{quote(found.id, safe='')}"
    own = told is not None and any(one.id == reason.succeeded for one in told.exchanges)
    base = found.id if own else found.parent
    compare = ""
    if reason.succeeding and base:
        pair = {"a": f"{base}/{reason.succeeding}", "b": f"{found.id}/{reason.step}"}
        compare = "/_gateway/diff?" + urlencode(pair)
    if reason.attempt is None:
        return {"label": "", "compare": compare, "ready": "", "draft": f"{here}/what-if/{reason.step}"}
    step = next((one for one in (told.exchanges if told else ()) if one.step == reason.step), None)
    draft = f"{here}/what-if/{reason.step}?" + urlencode(draft_query(reason.attempt.body))
    safe = step is not None and step.method in SAFE
    ready = json.dumps([reason.step, dict(reason.attempt.body)]) if safe else ""
    return {"label": reason.attempt.label, "compare": compare, "ready": ready, "draft": draft}
