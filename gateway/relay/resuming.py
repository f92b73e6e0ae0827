"""After a restart every session plays on what it played, from where it was. I/O; blocking."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from ..errors import GatewayError
from ..protocols import PlaybackMode
from ..replay.kept import read_kept
from .tapes import load_tape

if TYPE_CHECKING:
    from ..protocols import Store
    from ..replay.tape import Tape

log = logging.getLogger("gateway")
RECENT: Final = 24 * 3600.0  # seconds: what nobody has asked for since then is not loaded again
MOST: Final = 16  # recordings that are loaded before the first request is taken

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
        if len(tapes) > MOST:
            log.warning("the playback of %s ended: more than %d recordings were played", recording, MOST)
            return None
        try:
            tapes[recording] = load_tape(store, secrets, recording)
        except GatewayError as error:
            log.warning("the playback of %s ended with the restart: %s", recording, error.message)
    return tapes[recording]
