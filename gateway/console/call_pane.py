"""One call beside its list: response, reason of a failure, request, headers, values, timing; Live and Steps. I/O."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ..errors import NotFoundError
from ..model.bodies import text_of
from ..model.json_shapes import exchange_json, recording_json
from ..replay.error_card import fails
from ..replay.reasons import ReasonGroup, reason
from ..services import listing
from ..services.lineage import Lineage, lineage
from .body_view import readable_exchange, wire
from .copy_as import copies
from .json_view import MOST, SHOWN, json_lines
from .reason_card import acts, place_parts, places

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.message import Message
    from ..model.recording import Recording
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
        "why": await asyncio.to_thread(why, services, recording, found),
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


def why(services: Services, recording: Recording, found: Exchange) -> dict[str, Any] | None:
    """The card of a call that failed, with its acts; None for one that did not. Blocking."""
    if not fails(found) or recording.steps > EXPLAINED:
        return None
    steps = services.store.exchanges(recording.id, limit=EXPLAINED).items
    group = ReasonGroup(reason(found, steps), (found.step,), (found.id,))
    return {
        "group": group,
        "placed": partial(place_parts, places(steps)),
        "acts": partial(acts, recording, steps),
        "here": f"/_gateway/recordings/{quote(recording.id, safe='')}",
    }
