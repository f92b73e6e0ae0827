"""Which recordings are what-ifs, and which are replays, wherever they came from."""

from __future__ import annotations

import pytest

from gateway.export.scenario.recording_groups import is_replay, is_variant


@pytest.mark.parametrize(
    ("facts", "variant", "again"),
    [
        ({"kind": "live"}, False, False),
        ({"kind": "variant", "parent": "x", "branched_at": 2}, True, False),
        ({"kind": "replay", "parent": "x"}, False, True),
        ({"kind": "import"}, False, False),
        ({"kind": "import", "parent": "x", "branched_at": 2}, True, False),
        ({"kind": "import", "parent": "x"}, False, True),
    ],
)
def test_an_imported_recording_is_what_it_was(facts, variant, again, a_recording):
    recording = a_recording(1, **facts)
    assert (is_variant(recording), is_replay(recording)) == (variant, again)
