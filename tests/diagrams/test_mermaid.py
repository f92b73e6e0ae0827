"""Mermaid text: what it says, and that no recorded text can say more."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.diagrams import mermaid, sequence
from gateway.diagrams.mermaid import escaped, lookalike

NASTY = [
    "a;b", "a#b", "a\nb", "a\r\nb", "end", "%%{init: {'theme':'dark'}}%%",
    "<script>alert(1)</script>", "wrap:x", "#35;", "a:b", "->>", "Note over A: b", "participant X",
    "{{7*7}}", "$$x$$", "é ü 日本語 😀", "`x`", "\"", "\\", "[x](javascript:1)", "loop x", "box red",
    "  ", "-", "\u202ereversed", "\x00\x1b[31m", "@qa", "a,b", "click A href", "autonumber", "&lt;",
]  # fmt: skip


def test_a_recording_reads_as_a_diagram(a_recording, ten):
    text = mermaid(sequence(a_recording(ten), ten))
    lines = text.splitlines()
    assert lines[0] == "sequenceDiagram"
    assert "  participant P3 as orders #64;qa" in lines
    assert "  P0->>P3: 4 POST /api/orders/orders" in lines
    assert "  P3-->>P0: 201 Created #183; 14 ms" in lines
    assert "  Note over P0,P6: catalogue#58; qa -#62; test" in lines
    assert "  P4--xP0: 502 connection refused #183; 17 ms" in lines


def test_a_loop_is_written_as_one(an_exchange, a_recording):
    exchanges = [an_exchange(step, status=404 if step < 15 else 200) for step in range(1, 16)]
    lines = mermaid(sequence(a_recording(exchanges), exchanges)).splitlines()
    at = lines.index("  loop 14x until 200 OK · steps 1 to 14")
    assert lines[at + 1].startswith("    P0->>P1")
    assert lines[at + 3] == "  end"


@given(st.text())
def test_escaped_text_holds_nothing_that_means_something(text):
    assert re.fullmatch(r"(?:[A-Za-z0-9 _.\-/]|#[0-9]+;)*", escaped(text))


@given(st.text())
def test_loop_labels_hold_no_sign_that_means_something(text):
    assert not re.search(r"[^A-Za-z0-9 _.\-/:(),+=?!@*'\u007f-\U0010ffff]|^ *:?(no)?wrap:|  ", lookalike(text))


def test_loop_labels_keep_common_signs_for_few_fonts_have_their_twins():
    assert lookalike("what if: no token (2x); #1") == "what if: no token (2x)\uff1b \uff031"
    assert lookalike("wrap: x") == "wrap\uff1a x"


@pytest.mark.parametrize("nasty", NASTY)
def test_user_text_never_adds_a_line(an_exchange, a_recording, nasty):
    def lines(word):
        exchanges = [an_exchange(1, target=word, method=word, reason=word, cluster=word, environment=word)]
        return mermaid(sequence(a_recording(exchanges, title=word), exchanges)).splitlines()

    assert len(lines(nasty)) <= len(lines("plain"))  # a blank environment has no box


def test_a_very_long_recording_is_told_as_an_overview(an_exchange, a_recording):
    names = ["".join("abcdefghij"[int(digit)] for digit in str(step)) for step in range(1, 1001)]
    exchanges = [an_exchange(step, target=f"/api/orders/{name}") for step, name in enumerate(names, 1)]
    text = mermaid(sequence(a_recording(exchanges), exchanges))
    assert len(text) < 10_000
    assert "Note over P0,P1: An overview#58; 1000 calls are too many for one diagram." in text
    assert "gateway export REC --steps 1-50" in text
    assert "P1-->>P0: 970x 200 OK" in text


def test_a_diagram_of_long_labels_stays_below_mermaids_limit(an_exchange, a_recording):
    targets = ["/" + f"{chr(0x4E00 + step)}" * 40 for step in range(150)]
    exchanges = [an_exchange(step, target=target, reason=target) for step, target in enumerate(targets, 1)]
    text = mermaid(sequence(a_recording(exchanges), exchanges))
    assert 40_000 < len(text) <= 50_000
    assert re.search(r"Note over P0,P1: \d+ more calls from step \d+ on#58; too long", text)
