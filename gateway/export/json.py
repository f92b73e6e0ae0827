"""Our own JSON: every recording with its exchanges, in the shapes of the API. Pure."""

from __future__ import annotations

import json

from ..model.json_shapes import exchange_json, recording_json
from .format import ALONE, Beside, Recordings

FORMAT = 1  # raised when a reader of today would misread a file of tomorrow


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """{"gateway": version, "format": 1, "recordings": [{..., "exchanges": [...]}]}"""
    items = [
        {**recording_json(recording), "exchanges": [exchange_json(exchange) for exchange in exchanges]}
        for recording, exchanges in recordings
    ]
    return dumped({"gateway": version, "format": FORMAT, "recordings": items})


def dumped(data: object) -> str:
    """Readable JSON; all ASCII only where a lone surrogate could not be written otherwise."""
    text = json.dumps(data, ensure_ascii=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(data, indent=2)
    return text + "\n"
