"""The page of a recording: its title, one sentence of facts, and tabs that each read what they show. I/O."""

from __future__ import annotations

import asyncio
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
from ..model.json_shapes import leads_past, recording_json
from ..model.recording import Page
from ..services import correlations, listing
from ..services.diagrams import drawn, looking
from ..services.family_tree import family_tree
from ..services.playback import MODES
from ..services.story import ToldStory, read_story, title_of
from ..web.keys import SERVICES, SESSION_OF
from ..web.view import View, view
from . import replay_pages
from .lists import address, shown_pane, status_of
from .live_groups import chips, is_failed
from .reason_card import acts, place_parts, places
from .waterfall import waterfall

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
    items = [listing.row_json(one) for one in slice.items]
    data = {"recording": recording_json(found), "q": query, "items": items, "next": slice.next}
    if request.path.endswith(".json"):
        return view(data)
    tab = tab_of(request)
    if request.query.get("part") == "pane":
        pane = await shown_pane(request, request.query.get("sel", ""))
        return view({}, template="live_pane.html", pane=pane, base=address(request))
    here = f"/_gateway/recordings/{quote(found.id, safe='')}"
    told = await _told(services, found)
    past = await asyncio.to_thread(steps_past, told.exchanges)
    if tab == "steps":
        extra = await _steps(request, items, told)
    else:
        extra = await _TABS[tab](request, services, found, slice.items)
    return view(
        data, status=status_of(request, problem), problem=problem, tab=tab, tabs=TABS, here=here, told=told,
        title=title_of(found, told), past=past,
        family_count=await _family_count(services, found),
        playing=listing.played_by(request.app[SESSION_OF](request)),
        placed=partial(place_parts, places(told.exchanges)), acts=partial(acts, found, told.exchanges), **extra,
    )  # fmt: skip


def tab_of(request: web.Request) -> str:
    """The tab that was asked for, by its name or by what only it shows."""
    asked, query = request.query.get("tab", ""), request.query
    if asked in TABS:
        return asked
    if "view" not in query and (query.get("q") or "cursor" in query):
        return "steps"
    return "values" if "values" in query else "story"


def steps_past(exchanges: Sequence[Exchange]) -> list[tuple[int, str]]:
    """(step, its exchange) of the responses that give their client an address past the gateway."""
    return [(one.step, one.id) for one in exchanges if leads_past(one)]


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
        picture = await asyncio.to_thread(
            drawn, services.store, found, chosen, looking(query), services.routes.table.environments
        )
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
            yield {"kind": "rounds", "row": row, "lane": ground_lane, "calls": calls, "lit": bool(lit & _numbers(row))}
        else:
            yield _call_row(story, row, asked, lit)


def _call_row(story: Story, row: StoryCall, asked: dict[str, str], lit: frozenset[int]) -> dict[str, Any]:
    drawn_lane = Markup(lane(story, row, paths=asked["show"] == "paths"))
    return {"kind": "call", "row": row, "lane": drawn_lane, "lit": row.call.step in lit,
            "faint": bool(lit) and row.call.step not in lit}  # fmt: skip


def _numbers(row: StoryRounds) -> frozenset[int]:
    return frozenset(one.call.step for one in row.rows)


async def _steps(request: web.Request, items: Sequence[dict[str, Any]], told: ToldStory) -> dict[str, Any]:
    """The list and its pane: what ?sel= names, else on a wide screen the first failure, else the first step."""
    query, asked = request.query.get("q", ""), request.query.get("sel", "")
    failed = (one["id"] for one in items if is_failed(one))
    selected = asked or next(failed, items[0]["id"] if items else "")
    is_folded = "fold" not in request.query and not query
    groups = step_groups(items, told.story if is_folded else None)
    return {
        "groups": groups, "pane": await shown_pane(request, selected), "selected": selected, "asked_for": bool(asked),
        "base": address(request), "chips": chips(query, items, request.app[SESSION_OF](request).id),
        "has_rounds": any(isinstance(one, StoryRounds) for one in told.story.rows),
        "is_folded": is_folded, "told_steps": {one.call.step: one for one in told.story.calls},
    }  # fmt: skip


def step_groups(
    items: Sequence[dict[str, Any]], story: Story | None
) -> list[tuple[StoryRounds | None, list[dict[str, Any]]]]:  # fmt: skip
    """The rows of the list in stretches: (equal rounds that are folded, None for what stands open; its rows)."""
    rounds = (
        {step: row for row in story.rows if isinstance(row, StoryRounds) for step in _numbers(row)} if story else {}
    )
    found = list[tuple[StoryRounds | None, list[dict[str, Any]]]]()
    for one in items:
        of = rounds.get(one["step"])
        if not found or found[-1][0] is not of:
            found.append((of, []))
        found[-1][1].append(one)
    return found


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
    "story": _story, "why": _nothing, "what-ifs": _family, "values": _values, "export": _export,
}  # fmt: skip
