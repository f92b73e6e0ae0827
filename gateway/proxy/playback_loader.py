"""Loads a recording to be played: every step, its streams, its secrets, the roles of its values. I/O; blocking."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ..correlation import Correlations, correlate
from ..errors import GatewayError, UsageError
from ..model.recording import all_items
from ..protocols import PlaybackMode
from ..replay.playback.matching import fresh_of, roles_of
from ..replay.playback.playback import read_kept
from ..replay.playback.recorded_response import unsealed, unsealed_chunks, unsealed_frames
from ..replay.playback.recording_index import Opened, Tape

if TYPE_CHECKING:
    from ..model.exchange import Chunk, Exchange
    from ..protocols import Store


MOST_BYTES: Final = 256 << 20  # bytes of bodies that a session may hold in memory
CORRELATED: Final = 5000  # steps; more would take many seconds


def load_tape(store: Store, secrets: Callable[[str], Mapping[str, str]], ref: str) -> Tape:
    """The recording as it now stands; NotFoundError, and UsageError when there is nothing in it to play."""
    recording = store.recording(ref)
    exchanges = _exchanges(store, recording.id)
    hint = f"gateway show {recording.id}"
    if not exchanges:
        raise UsageError(f"recording {recording.title!r} has no steps yet", hint=hint)
    few = len(exchanges) <= CORRELATED
    correlations = correlate(exchanges, store.decisions(recording.id)) if few else Correlations()
    known = {name: secret.encode("utf-8", "surrogateescape") for name, secret in secrets(recording.id).items()}
    streams = {one.step: store.chunks(one.id) for one in exchanges if one.stream}
    sealed = [_opened(one, streams.get(one.step, ()), {}) for one in exchanges]
    opened = [_opened(one, streams.get(one.step, ()), known) for one in exchanges] if known else []
    tape = Tape(
        recording.id, recording.title, exchanges, roles=roles_of(correlations), fresh=fresh_of(correlations, exchanges),
        chunks={one.exchange.step: one.chunks for one in sealed if one.chunks},
        frames={one.exchange.step: one.frames for one in sealed if one.frames},
        opened={two.exchange.step: two for one, two in zip(sealed, opened, strict=False) if one != two},
    )  # fmt: skip
    if not len(tape):
        raise UsageError(f"recording {recording.title!r} has no answer that could be given again", hint=hint)
    return tape


def _opened(one: Exchange, chunks: Sequence[Chunk], secrets: Mapping[str, bytes]) -> Opened:
    return Opened(unsealed(one, secrets), unsealed_chunks(one, chunks, secrets), unsealed_frames(one, chunks, secrets))


def _exchanges(store: Store, recording: str) -> list[Exchange]:
    steps: list[Exchange] = []
    size = 0
    for one in all_items(lambda cursor: store.exchanges(recording, limit=1000, cursor=cursor)):
        steps.append(one)
        size += len(one.request.body.data) + _answered(one)
        if size > MOST_BYTES:
            hint = "branch a shorter recording from it, or lower recording.max_body before you record"
            raise UsageError(f"its bodies are larger than the {MOST_BYTES >> 20} MiB that can be played", hint=hint)
    return steps


def _answered(one: Exchange) -> int:
    return len(one.response.body.data) if one.response else 0


log = logging.getLogger("gateway")
MOST_RECORDINGS: Final = 16  # recordings that are loaded before the first request is taken

Secrets = Callable[[str], Mapping[str, str]]
Modes = dict[str, PlaybackMode]


def resumed(store: Store, secrets: Secrets, playing: Mapping[str, str]) -> dict[str, Modes]:
    """The modes of each session out of what was kept of them. What cannot be played any more is live, and logged."""
    tapes: dict[str, Tape | None] = {}
    found: dict[str, Modes] = {}
    for session, text in playing.items():
        try:
            playbacks, clusters = read_kept(text)
            ready = [(one, _tape(store, secrets, one.recording, tapes)) for one in playbacks]
            again = [None if tape is None else one.on(tape) for one, tape in ready]
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a session's playback was not understood and ended: %s", error)
            continue
        modes = {name: PlaybackMode(mode, playback) for name, (mode, at) in clusters.items() if (playback := again[at])}
        if modes:
            found[session] = modes
    return found


def _tape(store: Store, secrets: Secrets, recording: str, tapes: dict[str, Tape | None]) -> Tape | None:
    """Each recording is loaded once, however many play it."""
    if recording not in tapes:
        tapes[recording] = None
        if len(tapes) > MOST_RECORDINGS:
            log.warning("the playback of %s ended: more than %d recordings were played", recording, MOST_RECORDINGS)
            return None
        try:
            tapes[recording] = load_tape(store, secrets, recording)
        except GatewayError as error:
            log.warning("the playback of %s ended with the restart: %s", recording, error.message)
    return tapes[recording]
