"""One call beside its list: response, reason of a failure, request, headers, values, timing; Live and Steps. I/O."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from ..errors import NotFoundError
from ..model.bodies import text_of
from ..model.json_shapes import exchange_json, recording_json
from ..replay.error_card import Card, card, card_json, sibling
from ..services import listing
from ..services.lineage import Lineage, lineage
from .body_view import readable_exchange, wire
from .copy_as import copies
from .json_view import MOST, SHOWN, json_lines

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.message import Message
    from ..protocols import Services

TABS: Final = ("response", "request", "headers", "values", "timing", "raw")
EXPLAINED: Final = 300  # steps of a recording that is read for why a step failed, and for its values


async def read_pane(services: Services, id: str, tab: str, *, whole: bool = False) -> dict[str, Any] | None:
    """What `split.html` shows of a call, `tab` open; None for a call that is gone. `whole`: long JSON to its end."""
    try:
        found = await listing.exchange(services, id)
        recording = await listing.recording(services, found.recording)
    except NotFoundError:
        return None
    explained = recording.steps <= EXPLAINED
    return {
        "x": exchange_json(found) | {"reason": listing.row_json(found)["reason"]},
        "recording": recording_json(recording),
        "tab": tab if tab in TABS else TABS[0],
        "shown": await asyncio.to_thread(readable_exchange, found),
        "json": await asyncio.to_thread(_laid_out, found, whole=whole),
        "copies": await asyncio.to_thread(copies, recording, found),
        "why": await asyncio.to_thread(_why, services, found) if explained else None,
        "values": (await lineage(services, recording, found) if explained else None) or Lineage(),
        "heads": (wire(found.request), wire(found.response) if found.response else ""),
    }


def _laid_out(found: Exchange, *, whole: bool) -> dict[str, Any]:
    """By message: the lines of a JSON body, and how many there are."""
    messages: dict[str, Message | None] = {"request": found.request, "response": found.response}
    return {name: json_view(message, whole=whole) for name, message in messages.items() if message}


def json_view(message: Message, *, whole: bool = False) -> dict[str, Any] | None:
    """`lines` of a JSON body and `hidden`, how many are left out; None for a body that is no JSON."""
    text = text_of(message)
    lines = json_lines(text) if text else ()
    if len(lines) < 2:  # none, or a scalar
        return None
    shown = lines if whole or len(lines) <= MOST else lines[:SHOWN]
    return {"lines": shown, "hidden": len(lines) - len(shown)}


def _why(services: Services, found: Exchange) -> dict[str, Any] | None:
    """Why it failed where a call like it went well in the same recording."""
    if (found.status or 0) < 400:
        return None
    steps = services.store.exchanges(found.recording, limit=EXPLAINED).items
    near = sibling(found, steps)
    if near is None:
        return None
    before = tuple([one for one in steps if one.step < each.step] for each in (found, near))
    why: Card | None = card(found, near, before=(before[0], before[1]))
    return card_json(why) if why else None
