"""Loads a recording to be played: every step, its streams, its secrets, the roles of its values. I/O; blocking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from ..errors import UsageError
from ..replay.answer import unsealed, unsealed_chunks, unsealed_frames
from ..replay.correlation import Correlations, correlate
from ..replay.roles import roles_of
from ..replay.tape import Tape

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..protocols import Store

MOST: Final = 256 << 20  # bytes of bodies that a session may hold in memory
CORRELATED: Final = 5000  # steps; more would take many seconds


def load_tape(store: Store, secrets: Callable[[str], Mapping[str, str]], ref: str) -> Tape:
    """The recording as it now stands; NotFoundError, and UsageError when there is nothing in it to play."""
    recording = store.recording(ref)
    exchanges = _exchanges(store, recording.id)
    hint = f"gateway show {recording.id}"
    if not exchanges:
        raise UsageError(f"recording {recording.title!r} has no steps yet", hint=hint)
    few = len(exchanges) <= CORRELATED
    roles = roles_of(correlate(exchanges, store.decisions(recording.id)) if few else Correlations())
    known = {name: secret.encode("utf-8", "surrogateescape") for name, secret in secrets(recording.id).items()}
    streams = [(one, store.chunks(one.id)) for one in exchanges if one.stream]
    tape = Tape(
        recording.id, recording.title, [unsealed(one, known) for one in exchanges], roles=roles,
        chunks={one.step: unsealed_chunks(one, chunks, known) for one, chunks in streams},
        frames={one.step: unsealed_frames(one, chunks, known) for one, chunks in streams},
    )  # fmt: skip
    if not len(tape):
        raise UsageError(f"recording {recording.title!r} has no answer that could be given again", hint=hint)
    return tape


def _exchanges(store: Store, recording: str) -> list[Exchange]:
    steps: list[Exchange] = []
    cursor: str | None = None
    size = 0
    while True:
        found = store.exchanges(recording, limit=1000, cursor=cursor)
        steps += found.items
        size += sum(len(one.request.body.data) + _answered(one) for one in found.items)
        if size > MOST:
            hint = "branch a shorter recording from it, or lower recording.max_body before you record"
            raise UsageError(f"its bodies are larger than the {MOST >> 20} MiB that can be played", hint=hint)
        if (cursor := found.next) is None:
            return steps


def _answered(one: Exchange) -> int:
    return len(one.response.body.data) if one.response else 0
