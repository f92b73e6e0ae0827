"""Polls of a recording: the same question until a job is done. A replay repeats the last one until it is. Pure.

A poll is a request that reads and that the client repeated with no write between. Its state is its status, the members
that name one ("status", "done"), and what is null. The last poll of a row, and a single request whose response now says
that it is not done although the recorded one did not, are asked again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..correlation.finder import seconds
from ..correlation.names import words
from ..model.bodies import text_of
from ..model.exchange import Exchange
from ..model.message import SAFE, Request, Response
from .differences.json_difference import read_json
from .plan import reads_only

STATES: Final = frozenset(("status", "state", "phase", "stage", "progress", "conclusion"))
DONE: Final = frozenset(("done", "ready", "complete", "completed", "finished", "available"))
BUSY: Final = frozenset(("running", "pending", "busy", "processing", "loading"))
WAITING: Final = frozenset(
    ("pending", "queued", "queueing", "running", "processing", "in_progress", "inprogress", "started", "starting",
     "accepted", "creating", "provisioning", "initializing", "building", "waiting", "scheduled", "working", "executing",
     "submitted", "loading", "syncing", "uploading", "converting", "updating", "deleting", "stopping", "backing_up",
     "enqueued")
)  # fmt: skip
REFUSED: Final = frozenset((401, 403, 407))  # a challenge: the same request with credentials is another one
RETRY: Final = frozenset((404, 409, 423, 425, 503))  # with Retry-After: not yet
MEMBERS: Final = 400  # of one response that are looked at
SOONEST, LATEST = 0.05, 2.0  # seconds between two polls
POLITE: Final = 5.0  # seconds of a Retry-After that are waited
CALL: Final = re.compile(rb'("id"\s*:\s*)(?:[0-9]+|"[^"]*")')  # of JSON-RPC: another one for every call

State = tuple[int, tuple[tuple[str, Any], ...]]


@dataclass(frozen=True, slots=True)
class Poll:
    """A step that may be asked again. `earlier` are the states that the recording saw before this one's."""

    step: int
    state: State
    is_last: bool
    is_alone: bool
    is_waiting: bool  # whether the recorded response itself says that it is not done
    earlier: frozenset[State]
    states: frozenset[State]  # of all polls of the row
    interval: float  # seconds between two polls


def polls(exchanges: Sequence[Exchange]) -> dict[int, Poll]:
    """The steps that poll, or may have to."""
    rows: list[list[Exchange]] = []
    open_rows: dict[tuple[str, str, bytes], list[Exchange]] = {}
    for exchange in exchanges:
        if exchange.stream or exchange.response is None or exchange.status in REFUSED:
            continue
        if exchange.method not in SAFE and not reads_only(exchange.request) and not _repeats(exchange, open_rows):
            kept = _key(exchange.request)
            open_rows.clear()
            if exchange.method == "POST" and CALL.search(exchange.request.body.data or b""):
                open_rows[kept] = [exchange]  # a JSON-RPC call: only a repetition shows that it reads
            continue
        key = _key(exchange.request)
        if key not in open_rows:
            open_rows[key] = []
        row = open_rows[key]
        row.append(exchange)
        if not any(row is each for each in rows):
            rows.append(row)
    return {poll.step: poll for row in rows for poll in _polls_of(row)}


def _repeats(exchange: Exchange, rows: dict[tuple[str, str, bytes], list[Exchange]]) -> bool:
    return _key(exchange.request) in rows


def _key(request: Request) -> tuple[str, str, bytes]:
    """What is asked, without the number of a JSON-RPC call."""
    return request.method, request.target, CALL.sub(rb"\1", request.body.data or b"")


def _polls_of(row: Sequence[Exchange]) -> Iterator[Poll]:
    states = [state_of(each.response) for each in row if each.response is not None]
    gap = _gap(row)
    for at, exchange in enumerate(row):
        if exchange.response is None:
            continue
        yield Poll(
            exchange.step, states[at], at == len(row) - 1, len(row) == 1, says_not_done(exchange.response),
            frozenset(states[:at]) - {states[at]}, frozenset(states), gap,
        )  # fmt: skip


def _gap(row: Sequence[Exchange]) -> float:
    """Seconds between the last two polls, within reason."""
    if len(row) < 2:
        return 0.25
    first, second = (seconds(each.started_at) for each in row[-2:])
    return min(max((second or 0.0) - (first or 0.0), SOONEST), LATEST)


def asks_again(poll: Poll, response: Response) -> bool:
    """Whether this run is not yet where the recording was."""
    if not poll.is_last:
        return False
    state = state_of(response)
    if state == poll.state or response.status in REFUSED:
        return False
    return state in poll.earlier or (not poll.is_waiting and says_not_done(response))


def is_another_moment(poll: Poll, response: Response) -> bool:
    """Whether an earlier poll of a row differs only because this run's job is further, or less far, than then."""
    return not poll.is_last and not poll.is_alone and response.status in {status for status, _ in poll.states}


def pause(poll: Poll, response: Response, before: int) -> float:
    """Seconds until the next poll, after so many: as recorded, then longer and longer, or as the server asks for."""
    wanted = response.header("retry-after")
    if wanted.isdigit():
        return min(float(wanted), POLITE)
    return min(poll.interval * 1.3 ** max(before - 3, 0), LATEST)


def state_of(response: Response) -> State:
    """Status, members that name a state, and nulls."""
    found = [(pointer, value) for pointer, name, value in _members(response) if value is None or _is_state(name, value)]
    return response.status, tuple(found)


def says_not_done(response: Response) -> bool:
    """Whether the response itself says that what was asked for is not ready."""
    if response.status == 202 or (response.status in RETRY and response.header("retry-after")):
        return True
    return any(_not_done(name, value) for _, name, value in _members(response))


def _not_done(name: str, value: Any) -> bool:
    last = frozenset(words(name)[-1:])
    if isinstance(value, bool):
        return bool(last & DONE and not value) or bool(last & BUSY and value)
    return (
        isinstance(value, str) and bool(last & STATES) and value.lower().replace("-", "_").replace(" ", "_") in WAITING
    )


def _is_state(name: str, value: Any) -> bool:
    last = frozenset(words(name)[-1:])
    if isinstance(value, bool):
        return bool(last & (DONE | BUSY))
    return isinstance(value, str) and bool(last & STATES) and len(value) < 40


def _members(response: Response) -> Iterator[tuple[str, str, Any]]:
    """(pointer, name, value) of the scalars of a JSON body."""
    if "json" not in response.content_type:
        return
    try:
        document = read_json(text_of(response) or "")
    except ValueError:
        return
    stack: list[tuple[str, str, Any]] = [("", "", document)]
    left = MEMBERS
    while stack and left:
        pointer, name, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{pointer}/{key}", str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            stack += [(f"{pointer}/{at}", name, inner) for at, inner in enumerate(value[:20])]
        else:
            left -= 1
            yield pointer, name, value
