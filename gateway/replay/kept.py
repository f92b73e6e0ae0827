"""What a session plays, as text that outlives a restart: modes, rules, and how far each playback was. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..protocols import PlaybackMode
from .matching import Rules
from .playback import Playback

if TYPE_CHECKING:
    from .tape import Tape

MODES: Final = ("playback", "playback-then-live", "live-then-playback")


@dataclass(frozen=True, slots=True)
class KeptPlayback:
    """A playback without its tape."""

    recording: str
    state: Mapping[str, Any]

    def on(self, tape: Tape) -> Playback:
        """The same place in the same recording; steps that are no longer there are not missed."""
        found = self.state
        rules = found["rules"]
        playback = Playback(
            tape,
            Rules(
                rules["match"], rules["end"], frozenset(rules["headers"]), frozenset(rules["query"]), rules["roles"],
                tuple(rules["json"]),
            ),
            pace=float(found["pace"]), shift=bool(found["shift"]), clusters=tuple(found["clusters"]),
        )  # fmt: skip
        playback.resume(found["place"])
        return playback


def kept(modes: Mapping[str, PlaybackMode]) -> str:
    """Empty when everything is live. Several clusters may share one playback, and share it again later."""
    if not modes:
        return ""
    playbacks = list({id(mode.playback): mode.playback for mode in modes.values()}.values())
    return json.dumps(
        {
            "playbacks": [_state(playback) for playback in playbacks],
            "clusters": {name: [mode.mode, playbacks.index(mode.playback)] for name, mode in modes.items()},
        }
    )


def _state(playback: Playback) -> dict[str, Any]:
    rules = playback.rules
    return {
        "recording": playback.tape.recording,
        "rules": {
            "match": rules.match, "end": rules.end, "headers": sorted(rules.headers), "query": sorted(rules.query),
            "roles": rules.roles, "json": list(rules.json),
        },
        "pace": playback.pace, "shift": playback.shift, "clusters": list(playback.clusters),
        "place": playback.place(),
    }  # fmt: skip


def read_kept(text: str) -> tuple[list[KeptPlayback], dict[str, tuple[str, int]]]:
    """The playbacks, and of each cluster its mode and which of them; ValueError when it is not what `kept` wrote."""
    try:
        found = json.loads(text)
        playbacks = [KeptPlayback(str(one["recording"]), one) for one in found["playbacks"]]
        clusters = {str(name): (str(mode), int(at)) for name, (mode, at) in found["clusters"].items()}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not what a session plays: {error}") from None
    if any(mode not in MODES or not 0 <= at < len(playbacks) for mode, at in clusters.values()):
        raise ValueError("not what a session plays: an unknown mode or playback")
    return playbacks, clusters
