"""D2: recorded text is text, groups and chapters are containers.

Covers: diagrams/chapters.
"""

from __future__ import annotations

import re

import pytest
from nasty import NASTY

from gateway.diagrams.chapters import chapters
from gateway.diagrams.d2 import d2, quoted
from gateway.diagrams.diagram import Call, Chapter, Diagram, Divider, Loop, Participant, calls


def a_call(step, *, note="", at=None, outcome="ok"):
    return Call(
        step=step, exchange=f"x{step}", participant=1, method="GET", path=f"/a/{step}", shape="/a/{id}", answer="200 OK",
        outcome=outcome, note=note, span=None if at is None else (at, at + 0.1),
    )  # fmt: skip


def a_diagram(*chapters_, title="A shop"):
    return Diagram(
        title=title, about="", participants=(Participant("client"), Participant("api", "qa")), chapters=chapters_
    )


@pytest.mark.parametrize("word", list(NASTY.values()))
def test_recorded_text_stays_within_its_quotes(word):
    text = quoted(word)
    assert re.fullmatch(r"'(?:[^'\n]|'')*'", text)


def test_calls_loops_and_dividers():
    loop = Loop("3x until 200 OK", 3, 4, (a_call(2),))
    text = d2(a_diagram(Chapter((a_call(1, outcome="server-error"), Divider("orders: test -> qa"), loop), 1, 4)))
    assert "shape: sequence_diagram" in text
    assert "P0 -> P1: '1 GET /a/1'" in text
    assert "stroke: '#B91C1C'" in text
    assert "P0.note1: 'orders: test -> qa'" in text
    assert "group2: 'loop 3x until 200 OK' {" in text
    assert text.count("{") == text.count("}")


def test_chapters_are_groups_with_their_titles():
    parts = [Chapter((a_call(1),), 1, 1, "Sign in"), Chapter((a_call(2),), 2, 2)]
    text = d2(a_diagram(*parts))
    assert "chapter1: 'Chapter 1 of 2: Sign in, steps 1 to 1' {" in text
    assert "chapter2: 'Chapter 2 of 2: steps 2 to 2' {" in text


def test_chapters_of_a_long_recording_begin_at_notes_and_pauses():
    rows = [a_call(step, note="Pay" if step == 21 else "", at=step + (60 if step > 50 else 0)) for step in range(1, 71)]
    found = chapters(rows)
    assert [(one.first, one.last, one.title) for one in found] == [(1, 20, ""), (21, 50, "Pay"), (51, 70, "")]
    assert [call.step for one in found for call in calls(one.rows)] == list(range(1, 71))


def test_a_short_recording_is_one_chapter_whatever_is_noted():
    assert len(chapters([a_call(step, note="x", at=step * 100.0) for step in range(1, 30)])) == 1
