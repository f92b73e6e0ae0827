"""Calls under way at the same time are drawn side by side in time; streams are not counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.diagrams import Fragment, mermaid, sequence
from gateway.diagrams.diagram import calls
from gateway.model.exchange import Timing


@pytest.fixture
def at(an_exchange):
    def make(step, begin, took, target="/api/orders/a", **more):
        exchange = an_exchange(step, target=target, timing=Timing(total_ms=took), **more)
        return replace(exchange, started_at=f"2026-11-22T06:00:{begin / 1000:09.6f}Z")

    return make


def rows(diagram):
    return [row for chapter in diagram.chapters for row in chapter.rows]


def test_overlapping_calls_are_lanes_and_what_follows_is_not(at, a_recording):
    steps = [at(1, 0, 50), at(2, 100, 80, "/api/users/me"), at(3, 110, 60), at(4, 300, 10)]
    first, par, last = rows(sequence(a_recording(steps), steps))
    assert (first.step, last.step) == (1, 4)
    assert par.kind == "par"
    assert [[call.step for call in section.rows] for section in par.sections] == [[2], [3]]
    assert par.sections[0].label == "at the same time"


def test_a_lane_holds_what_came_one_after_the_other(at, a_recording):
    steps = [at(1, 0, 200), at(2, 10, 50, "/api/users/a"), at(3, 80, 50, "/api/users/b")]
    (par,) = rows(sequence(a_recording(steps), steps))
    assert [[call.step for call in section.rows] for section in par.sections] == [[1], [2, 3]]


def test_lanes_alike_are_counted(at, a_recording):
    steps = [at(step, step, 90, f"/api/orders/{step}") for step in range(1, 7)]
    (par,) = rows(sequence(a_recording(steps), steps))
    (section,) = par.sections
    assert section.label == "6x at the same time"
    assert [call.path for call in section.rows] == ["/api/orders/{id}"]


def test_a_moment_of_overlap_is_none(at, a_recording):
    steps = [at(1, 0, 50), at(2, 49, 50), at(3, 98, 50)]
    assert not any(isinstance(row, Fragment) for row in rows(sequence(a_recording(steps), steps)))


def test_a_stream_overlaps_nothing(at, a_recording):
    steps = [at(1, 0, 5000, stream="sse", body=b"data: 1\n\n"), at(2, 10, 50, "/api/users/a"), at(3, 90, 50)]
    assert [row.step for row in rows(sequence(a_recording(steps), steps))] == [1, 2, 3]


def test_a_move_in_between_parts_the_lanes(at, a_recording):
    steps = [at(1, 0, 90), at(2, 10, 90, environment="test")]
    found = rows(sequence(a_recording(steps), steps))
    assert [type(row).__name__ for row in found] == ["Call", "Divider", "Call"]


def test_mermaid_says_and(at, a_recording):
    steps = [at(1, 0, 90), at(2, 10, 90, "/api/users/a")]
    diagram = sequence(a_recording(steps), steps)
    lines = mermaid(diagram).splitlines()
    start = lines.index("  par at the same time")
    assert (lines[start + 3], lines[start + 6]) == ("  and", "  end")
    assert sum(1 for _ in calls(rows(diagram))) == 2
