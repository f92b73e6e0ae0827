"""Every format's text for the bookshop, compared with a golden file; REFRESH_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.formats import FORMATS, dump

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", FORMATS)
def test_golden(name, bookshop):
    format = FORMATS[name]
    text = dump(format, [bookshop], version="1.2.3")
    file = GOLDEN / f"bookshop{format.suffix}"
    if os.environ.get("REFRESH_GOLDEN"):
        file.write_text(text, "utf-8", newline="")
    assert text == file.read_bytes().decode(), f"{file.name} differs; REFRESH_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_recording_gives_the_same_bytes(name, bookshop):
    first, second = (dump(FORMATS[name], [bookshop], version="1") for _ in range(2))
    assert first == second
