"""A document of 70 steps and its diagram on paper and as a picture: PDF and PNG by a real Chromium.

The commands are those of docs/formats.md.
"""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from pathlib import Path

import pytest
from browsing import ARGUMENTS, CHROMIUM, chromium

from bench.exports import recording
from gateway.export import FORMATS, dump

A4 = 794  # CSS pixels: 210 mm at 96 a inch


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The HTML document and the SVG of a chain of 70 calls."""
    folder = tmp_path_factory.mktemp("printed")
    for name in ("html", "svg"):
        (folder / f"chain.{name}").write_text(dump(FORMATS[name], [recording(70)], version="1"), "utf-8")
    return folder


async def headless(folder: Path, *words: str) -> None:
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium on this machine: browser tests did NOT run")
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, "--headless", f"--user-data-dir={folder / 'profile'}", *ARGUMENTS, *words, cwd=folder,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await asyncio.wait_for(process.wait(), 120) == 0


async def test_the_document_prints_to_pdf(written):
    await headless(written, "--no-pdf-header-footer", "--print-to-pdf=chain.pdf", (written / "chain.html").as_uri())
    data = (written / "chain.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) > 10


async def test_on_paper_nothing_is_wider_than_the_page_and_every_step_is_there(written):
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": A4, "height": 1123})
        await page.emulate_media(media="print")
        await page.goto((written / "chain.html").as_uri())
        seen = await page.evaluate(
            """() => ({ width: document.documentElement.scrollWidth,
              steps: [...document.querySelectorAll('.step')].filter(one => one.offsetHeight > 0).length,
              buttons: [...document.querySelectorAll('header button, nav a')].filter(one => one.offsetParent).length })"""
        )
    assert seen["width"] <= A4
    assert seen["steps"] >= 10
    assert seen["buttons"] == 0


async def test_the_diagram_is_a_picture_in_png(written):
    await headless(written, "--screenshot=chain.png", "--window-size=1200,2000", (written / "chain.svg").as_uri())
    data = (written / "chain.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (1200, 2000)
    drawn = zlib.decompress(b"".join(re.findall(rb"(?s)IDAT(.*?).{4}.{4}(?=IDAT|IEND)", data)))
    assert len(set(drawn[:2_000_000])) > 10  # colours, not one blank page
