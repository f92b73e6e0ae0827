"""PlantUML text: what it says, and that nothing recorded can run in it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.diagrams import plantuml, sequence
from gateway.diagrams.plantuml import escaped


def test_a_recording_reads_as_a_diagram(a_recording, ten):
    lines = plantuml(sequence(a_recording(ten), ten)).splitlines()
    assert (lines[0], lines[-1]) == ("@startuml", "@enduml")
    assert 'box "qa"' in lines
    assert "P0 -> P3: 4 POST <U+002F>api<U+002F>orders<U+002F>orders" in lines
    assert "== catalogue: qa <U+002D><U+003E> test ==" in lines


@given(st.text())
def test_escaped_text_holds_no_code(text):
    assert re.fullmatch(r"(?:[A-Za-z0-9 .?:,()]|<U\+[0-9A-F]{4,5}>)*", escaped(text))
