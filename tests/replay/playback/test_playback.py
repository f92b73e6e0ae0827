"""What a session plays survives as text: the same modes, rules and places come back.

Covers: replay/playback/echo, replay/playback/representation.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.exchange import Exchange
from gateway.model.message import Request, Response
from gateway.protocols import PlaybackMode
from gateway.replay.playback.matching import MatchRules
from gateway.replay.playback.playback import Playback, PlaybackMatch, kept, read_kept
from gateway.replay.playback.recording_index import Tape


def a_tape(steps: int = 3) -> Tape:
    return Tape(
        "R", "Receipt",
        [
            Exchange(
                id=f"E{step}", recording="R", step=step, session="s", started_at="2026-11-22T06:00:00Z",
                url="http://127.0.0.1:8080/api/receipt", request=Request(method="GET", target="/api/receipt"),
                response=Response(status=404 if step == 1 else 200), status=404 if step == 1 else 200, cluster="orders",
            )
            for step in range(1, steps + 1)
        ],
    )  # fmt: skip


def ask(playback: Playback) -> int:
    found = playback.find(Request(method="GET", target="/api/receipt"), "orders")
    assert isinstance(found, PlaybackMatch)
    return found.exchange.step


@given(
    asked=st.integers(0, 5), match=st.sampled_from(["strict", "loose", "by-order"]), end=st.sampled_from(["last", "cycle"]),
    pace=st.floats(0, 1000), shift=st.booleans(), names=st.frozensets(st.text(max_size=5), max_size=3),
)  # fmt: skip
def test_it_goes_on_where_it_was(
    asked: int, match: str, end: str, pace: float, shift: bool, names: frozenset[str]
) -> None:
    rules = MatchRules(match, end, headers=names, query=names, roles=shift, json=("/at", "/items/*/at"))  # type: ignore[arg-type]
    one = Playback(a_tape(), rules, pace=pace, shift=shift)
    for _ in range(asked):
        ask(one)
    (back,), clusters = read_kept(kept({"orders": PlaybackMode("playback-then-live", one)}))
    again = back.on(a_tape())
    assert clusters == {"orders": ("playback-then-live", 0)}
    assert (again.rules, again.pace, again.shift, again.answered) == (rules, pace, shift, asked)
    assert [ask(again) for _ in range(4)] == [ask(one) for _ in range(4)]


def test_clusters_share_one_playback_again_or_have_their_own() -> None:
    shared, own = Playback(a_tape()), Playback(a_tape())
    modes = {
        "orders": PlaybackMode("playback", shared), "users": PlaybackMode("playback", shared),
        "payments": PlaybackMode("live-then-playback", own),
    }  # fmt: skip
    playbacks, clusters = read_kept(kept(modes))
    assert len(playbacks) == 2
    assert clusters == {
        "orders": ("playback", 0), "users": ("playback", 0), "payments": ("live-then-playback", 1),
    }  # fmt: skip


def test_nothing_is_kept_of_a_live_session() -> None:
    assert kept({}) == ""


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"playbacks": [], "clusters": {"a": ["playback", 0]}}', '{"playbacks": [1], "clusters": {}}',
     json.dumps({"playbacks": [{"recording": "R"}], "clusters": {"a": ["live", 0]}})],
)  # fmt: skip
def test_what_it_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_kept(text)
