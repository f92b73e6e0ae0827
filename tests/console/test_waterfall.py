"""Bars of a recording: in order, within the width, long silences cut out."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.console.waterfall import KEPT, PAUSE, waterfall
from gateway.model.exchange import Exchange, Timing
from gateway.model.message import Request

START = datetime(2026, 11, 22, 6, tzinfo=UTC)


def step(number, at_ms, took, first=None):
    started = (START + timedelta(milliseconds=at_ms)).isoformat().replace("+00:00", "Z")
    return Exchange(f"x{number}", "r", number, "s", started, "http://h/", Request(), timing=Timing(took, None, first))


def test_bars_stand_where_the_steps_began():
    first, second = waterfall([step(1, 0, 100, 50), step(2, 100, 100)])
    assert (first.x, first.wait, first.rest) == (0, 250, 250)
    assert (second.x, second.wait, second.rest, second.at_ms) == (500, 500, 0, 100)


def test_a_long_silence_is_cut_out_and_told():
    _, late = waterfall([step(1, 0, 100), step(2, 60_100, 100)])
    assert (late.at_ms, late.pause_ms) == (60_100, 60_000)
    assert late.x == round(1000 * (100 + KEPT) / (200 + KEPT), 1)


def test_without_times_there_is_nothing():
    assert waterfall([]) == ()
    assert waterfall([Exchange("x", "r", 1, "s", "", "http://h/", Request())]) == ()


@given(st.lists(st.tuples(st.floats(0, PAUSE * 10), st.floats(0, 5000), st.floats(0, 5000)), min_size=1, max_size=20))
def test_every_bar_is_within_the_width_and_can_be_seen(steps):
    bars = waterfall([step(number, *facts) for number, facts in enumerate(steps)])
    for bar in bars:
        assert bar.x >= 0
        assert bar.x + bar.wait + bar.rest <= 1000.5
        assert bar.wait + bar.rest >= 1.9
    assert [bar.at_ms for bar in bars] == sorted(bar.at_ms for bar in bars)
