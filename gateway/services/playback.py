"""What a session plays: recordings loaded for it, the mode of each cluster, and the return to live. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..errors import NotFoundError, UsageError, did_you_mean
from ..protocols import PlaybackMode
from ..proxy.playback_loader import load_tape
from ..replay.playback.matching import MatchRules
from ..replay.playback.playback import Playback
from .listing import known_cluster

if TYPE_CHECKING:
    from ..protocols import LiveSession, Services

LIVE: Final = "live"
MODES: Final = {
    "playback": "play back offline",
    "playback-then-live": "play back, and send on what is not recorded",
    "live-then-playback": "live, and the recording when an upstream fails",
}
PREFIX: Final = "Playback of "  # in front of the title of what is recorded meanwhile
MOST_PACE: Final = 1000.0


async def play(
    services: Services,
    session: LiveSession,
    ref: str,
    *,
    mode: str = "playback",
    clusters: Sequence[str] = (),
    rules: MatchRules | None = None,
    pace: float = 1.0,
    shift: bool = True,
) -> Playback:
    """Play a recording for this session, from its first step: everything, or only the named clusters. UsageError when
    the pace is out of range, or no cluster of the recording is in routes.yaml."""
    check_mode(mode)
    if not 0 <= pace <= MOST_PACE:
        raise UsageError(f"pace: {pace:g} is not from 0 (at once) to {MOST_PACE:g}; 1 is as recorded")
    tape = await asyncio.to_thread(load_tape, services.store, services.secrets, ref)
    known = services.routes.table.clusters
    recorded = [name for name in tape.by_cluster if name in known]
    for name in clusters:
        _check_recorded(name, recorded, tape.title)
    if not recorded:
        raise UsageError(f"none of its clusters is in routes.yaml: {', '.join(tape.by_cluster)}", where=tape.title)
    playback = Playback(tape, rules or MatchRules(), pace=pace, shift=shift)
    if not clusters:
        session.modes.clear()
        # Offline is offline: a cluster that was not recorded must not be reached by surprise.
        clusters = list(known) if mode == "playback" else recorded
    session.modes.update({name: PlaybackMode(mode, playback) for name in clusters})
    if mode.startswith("playback") or session.recording == tape.recording:
        services.sessions.start_recording(session, PREFIX + tape.title.removeprefix(PREFIX))
    services.sessions.keep(session)
    return playback


async def set_mode(services: Services, session: LiveSession, cluster: str, mode: str, *, ref: str = "") -> None:
    """One cluster's mode. It plays what the session plays already, unless `ref` names a recording. UsageError when
    the session plays nothing."""
    name = known_cluster(services, cluster).name
    if mode == LIVE:
        session.modes.pop(name, None)
        services.sessions.keep(session)
        return
    check_mode(mode)
    if ref:
        await play(services, session, ref, mode=mode, clusters=[name])
        return
    own = session.modes.get(name)
    playback = own.playback if own else next((one.playback for one in session.modes.values()), None)
    if playback is None:
        hint = "name a recording, or play one: POST /_gateway/api/v1/recordings/{id}/playback"
        raise UsageError("this session plays no recording", hint=hint)
    _check_recorded(name, list(playback.tape.by_cluster), playback.tape.title)
    session.modes[name] = PlaybackMode(mode, playback)
    services.sessions.keep(session)


def back_to_live(services: Services, session: LiveSession) -> None:
    session.modes.clear()
    services.sessions.keep(session)


def check_mode(mode: str) -> None:
    """UsageError names the modes that exist."""
    known = (LIVE, *MODES)
    if mode not in known:
        raise UsageError(f"{mode[:40]!r} is not one of {', '.join(known)}{did_you_mean(mode, known)}", where="mode")
    if mode == LIVE:
        raise UsageError("to go live, take the mode away", hint="DELETE /_gateway/api/v1/session/modes")


def read_rules(given: Mapping[str, Any]) -> MatchRules:
    """Rules out of a JSON body or a form: match, end, ignore_headers, ignore_query, ignore_json, roles."""
    return MatchRules(
        match=given.get("match", "loose"),
        end=given.get("end", "last"),
        headers=frozenset(name.lower() for name in given.get("ignore_headers", ())),
        query=frozenset(given.get("ignore_query", ())),
        json=tuple(given.get("ignore_json", ())),
        roles=given.get("roles", True),
    )


def _check_recorded(name: str, recorded: Sequence[str], title: str) -> None:
    if name not in recorded:
        raise NotFoundError(
            f"recording {title!r} has no step of {name!r}{did_you_mean(name, recorded)}",
            hint=f"it has {', '.join(recorded)}",
        )
