"""What presenter and audience see of a slide: the recorded response, the live one, what-ifs, the picture. I/O."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from ..errors import GatewayError, NotFoundError
from ..export.format import Beside
from ..model.bodies import pretty_json, text_of
from ..model.filter import quoted
from ..replay.differences.difference import diff_requests
from ..replay.differences.noise import Context
from ..replay.error_card import card, card_json, place_of
from ..replay.reasons import edits_that_fail
from ..replay.what_if_gallery import gallery
from ..services import listing
from ..services.replay import all_steps
from ..web.keys import SERVICES
from .slides import Deck, Slide, deck, hue_of, picture, status_of

if TYPE_CHECKING:
    from ..export.documents.error_cards import ErrorCard
    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..protocols import Services, Store
    from .presentations import Show

FRESH: Final = 5.0  # seconds that a deck is kept: notes and decisions may change beside a recording
KEPT: Final = 8
LONGEST: Final = 500  # steps: nobody sits through more slides, and each is compared with others
CHIPS: Final = 6  # what-ifs at the foot of a slide
SHOWN_HEADERS: Final = ("authorization", "content-type")
WHAT_IFS: Final = 6  # of one step that a slide shows


@dataclass(frozen=True, slots=True)
class LiveResponse:
    """What a live run got for a slide's step. `why` is empty when its response is shown."""

    status: str = ""
    hue: str = ""
    answer: str = ""
    cluster: str = ""
    environment: str = ""
    took_ms: float | None = None
    same: bool = False
    why: str = ""
    request: str = ""  # as it was really sent, secrets masked
    changes: tuple[tuple[str, str, str], ...] = ()  # (place, what was sent, what was recorded)


@dataclass(frozen=True, slots=True)
class LiveWhatIf:
    """A what-if that one press sends live: its name, and lines of edits."""

    title: str
    edits: str
    status: str = ""  # that came the last time, "" unknown


@dataclass(frozen=True, slots=True)
class Kept:
    """A deck, of which state of its recording, and when it was made."""

    recording: Recording
    deck: Deck
    at: float
    took: float

    def is_fresh(self, now: float) -> bool:
        """A deck that took long to make is kept longer."""
        return now - self.at < max(FRESH, 10 * self.took)


class Decks:
    """Decks that were made a moment ago. However many ask, each is made once at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._making: dict[str, asyncio.Task[Kept]] = {}

    async def of(self, services: Services, ref: str) -> Deck:
        """The deck of a recording; NotFoundError. One that is a little old is shown while it is made anew."""
        recording = await listing.recording(services, ref)
        kept = self._kept.get(recording.id)
        if kept is None or kept.recording != recording:
            return (await asyncio.shield(self._made(services, recording))).deck
        if not kept.is_fresh(time.monotonic()):
            self._made(services, recording)
        return kept.deck

    def forget(self, recording: str) -> None:
        """Make it anew when it is asked for again: something beside the recording changed."""
        self._kept.pop(recording, None)

    def _made(self, services: Services, recording: Recording) -> asyncio.Task[Kept]:
        task = self._making.get(recording.id)
        if task is None:
            task = self._making[recording.id] = asyncio.create_task(self._make(services, recording))
            task.add_done_callback(lambda done: self._done(recording.id, done))
        return task

    async def _make(self, services: Services, recording: Recording) -> Kept:
        began = time.monotonic()
        found = await asyncio.to_thread(_made, services.store, recording, services.routes.table.environments)
        now = time.monotonic()
        return Kept(recording, found, now, now - began)

    def _done(self, id: str, task: asyncio.Task[Kept]) -> None:
        del self._making[id]
        if task.cancelled() or task.exception() is not None:  # those who wait get it; nobody may wait
            return
        self._kept.pop(id, None)
        self._kept[id] = task.result()
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]


def _made(store: Store, recording: Recording, environments: Sequence[str]) -> Deck:
    beside = Beside(chunks=store.chunks, decisions=store.decisions)
    return deck(recording, all_steps(store, recording.id)[:LONGEST], beside, environments)


async def what_ifs(services: Services, found: Deck, slide: Slide) -> list[dict[str, Any]]:
    """What was tried at a slide's step, in this recording or in a variant of it: what was sent, what came, and why."""
    if not slide.step or slide.exchange is None:
        return []
    here = [_tried(found, slide, one) for one in found.tried_at(slide)][:WHAT_IFS]
    return here + await asyncio.to_thread(_what_ifs, services.store, found, slide, slide.exchange)


def _tried(found: Deck, slide: Slide, one: ErrorCard) -> dict[str, Any]:
    """The same call, another time in the same recording, when it failed."""
    there = found.slide(found.of_step(one.failing.step))
    return _told(found, slide, one.failing) | {
        "recording": found.recording.id, "title": f"{there.heading}, step {one.failing.step}",
        "sentence": found.masked(one.sentence),
    }  # fmt: skip


def _what_ifs(store: Store, found: Deck, slide: Slide, recorded: Exchange) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for one in store.recordings(f"parent:{quoted(found.recording.id)} kind:variant", limit=100).items:
        if one.branched_at != slide.step or len(shown) == WHAT_IFS:
            continue
        step = next((each for each in all_steps(store, one.id) if each.step == slide.step), None)
        if step is not None:
            shown.append(_what_if(found, slide, recorded, one, step))
    return shown


def _what_if(found: Deck, slide: Slide, recorded: Exchange, variant: Recording, step: Exchange) -> dict[str, Any]:
    why = card(step, recorded) or card(recorded, step)
    return _told(found, slide, step) | {
        "recording": variant.id,
        "title": variant.title.removeprefix("What if: "),
        "sentence": card_json(why)["sentence"] if why else "",
    }


def _told(found: Deck, slide: Slide, step: Exchange) -> dict[str, Any]:
    return {
        "status": status_of(step),
        "hue": hue_of(step),
        "place": f"{step.cluster} @{step.environment}" if step.environment else step.cluster,
        "answer": found.told(slide, step),
    }


async def live_of(services: Services, found: Deck, slide: Slide, show: Show | None) -> LiveResponse | None:
    """The live response to a slide's step; the recorded one stands in where there is none. None while offline."""
    if show is None or not slide.step or (show.stepping is None and not show.trouble):
        return None
    if show.stepping is None:
        return LiveResponse(why=show.trouble) if slide.step <= show.trouble_at <= slide.last else None
    line = next((one for one in show.stepping.steps if one["step"] == slide.step), None)
    if line is None:
        return LiveResponse(why=show.stepping.error or "not sent yet")
    if not line["exchange"] or line["failure"]:
        return LiveResponse(
            why=line["message"] or f"{line['where'] or 'the upstream'}: {line['failure'] or 'no answer'}"
        )
    try:
        one = await listing.exchange(services, line["exchange"])
    except NotFoundError:  # not stored yet, or deleted
        return LiveResponse(why="its record cannot be read")
    return LiveResponse(
        status_of(one), hue_of(one), found.told(slide, one), one.cluster, one.environment, line["took_ms"],
        line["outcome"] in ("same", "expected"), "", *_sent(found, slide, one),
    )  # fmt: skip


def _sent(found: Deck, slide: Slide, one: Exchange) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """The request that went out, and what in it was not as recorded; tokens and new ids are no changes."""
    text = text_of(one.request) or ""
    shown = [name for name, _ in one.request.headers if name.lower() in SHOWN_HEADERS]
    lines = [f"{one.method} {one.request.target}", *(f"{name}: {one.request.header(name)}" for name in shown)]
    rest = len(one.request.headers) - len(shown)
    lines += [f"+ {rest} headers"] if rest > 0 else []
    body = pretty_json(text) or text
    request = found.masked("\n".join([*lines, *(["", body] if body else [])]))
    if slide.exchange is None:
        return request, ()
    differences = (each for each in diff_requests(slide.exchange.request, one.request, Context()) if not each.expected)
    changes = (
        (place_of(each), found.masked(_value(each.replayed)), found.masked(_value(each.recorded)))
        for each in differences if "headers" not in each.where or each.kind in ("removed", "added")
    )  # fmt: skip
    return request, tuple(changes)


def _value(value: Any) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def live_what_ifs(found: Deck, slide: Slide) -> list[LiveWhatIf]:
    """What the presenter can send at this step by one press: what was tried in this recording, then ready ones."""
    if slide.exchange is None:
        return []
    chips: list[LiveWhatIf] = []
    for one in found.tried_at(slide):
        why = card(one.failing, slide.exchange)
        edits = edits_that_fail(why) if why else []
        if edits:
            name = found.slide(found.of_step(one.failing.step)).heading.removeprefix("What if: ")
            chips.append(LiveWhatIf(name, "\n".join(edits), str(one.failing.status or "")))
    for ready in gallery(slide.exchange, chain=found.exchanges):
        if set(ready.body) <= {"set", "unset"}:
            lines = [*ready.body.get("set", ()), *(f"-{place}" for place in ready.body.get("unset", ()))]
            chips.append(LiveWhatIf(ready.title, "\n".join(lines)))
    return list({one.edits: one for one in reversed(chips)}.values())[::-1][:CHIPS]


async def slide_context(
    request: web.Request, found: Deck, number: int, show: Show | None, *, address: str
) -> dict[str, Any]:
    """What the templates of presenter and audience have in common. Nothing of it is secret."""
    services, slide = request.app[SERVICES], found.slide(number)
    try:
        live = await live_of(services, found, slide, show)
    except GatewayError as error:  # the store fails: the show goes on with what is there
        live = LiveResponse(why=str(error))
    return {
        "deck": found,
        "slide": slide,
        "picture": await asyncio.to_thread(picture, found, slide, address) if slide.number else "",
        "what_ifs": await what_ifs(services, found, slide),
        "live": live,
        "chips": live_what_ifs(found, slide),
        "address": address,
    }


DECKS: web.AppKey[Decks] = web.AppKey("decks")
