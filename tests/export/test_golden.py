"""Every format's text for the bookshop, compared with a golden file; REFRESH_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.export import FORMATS, ApiServer, Beside, dump, files

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", FORMATS)
def test_golden(name, bookshop):
    format = FORMATS[name]
    text = dump(format, [bookshop], version="1.2.3")
    file = GOLDEN / f"bookshop{format.suffix}"
    if os.environ.get("REFRESH_GOLDEN"):
        file.write_text(text, "utf-8", newline="")
    assert text == file.read_bytes().decode(), f"{file.name} differs; REFRESH_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("name", [name for name, format in FORMATS.items() if format.files])
def test_golden_files(name, bookshop):
    folder = GOLDEN / name
    found = files(FORMATS[name], [bookshop], version="1.2.3", beside=Beside(servers=servers))
    if os.environ.get("REFRESH_GOLDEN"):
        for file, text in found.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, "utf-8", newline="")
    there = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    assert found == {name: file.read_bytes().decode() for name, file in there.items()}


def servers(cluster):
    return [ApiServer("test", f"http://127.0.0.1:9101/{cluster}"), ApiServer("qa", "http://127.0.0.1:9202", here=True)]


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_recording_gives_the_same_bytes(name, bookshop):
    first, second = (dump(FORMATS[name], [bookshop], version="1") for _ in range(2))
    assert first == second
