"""Mermaid in its three living major versions and PlantUML read what we write, whatever words were recorded.

`make consumers` installs them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from drawing import diagrams_of
from nasty import NASTY

from gateway.diagrams import Call, Divider, d2, mermaid, plantuml
from gateway.diagrams.mermaid import lookalike
from gateway.model.text import clean

# As they stand in a picture of PlantUML: its own texts for what it did not understand.
COMPLAINTS = re.compile(r"syntax error|cannot include|fatal|welcome to plantuml", re.IGNORECASE)


@pytest.mark.parametrize("version", ["mermaid10", "mermaid", "mermaid12"])
def test_mermaid_accepts_what_we_write(version, tools, tmp_path):
    folder, node = tools.package(version), tools.system("node")
    texts = {
        f"{name} {kind}": mermaid(diagram)
        for name, word in {"plain": "orders", **NASTY}.items()
        for kind, diagram in diagrams_of(word).items()
    }
    file = tmp_path / "texts.json"
    file.write_text(json.dumps(texts), "utf-8")
    words = [node, str(Path(__file__).with_name("mermaid_parse.mjs")), folder, str(file)]
    run = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert run.stdout.split("\n")[-2:] == [f"accepted {len(texts)} of {len(texts)}", ""], run.stdout + run.stderr
    said = json.loads(file.read_text("utf-8"))
    for name, word in NASTY.items():
        for kind, diagram in diagrams_of(word).items():
            missing = squeezed(labels(diagram, lookalike)) - squeezed(said[f"{name} {kind}"])
            assert missing == set(), (name, kind)


def test_d2_compiles_and_draws_what_we_write(tools, tmp_path):
    texts = {
        f"{name} {kind}": d2(diagram)
        for name, word in {"plain": "orders", **NASTY}.items()
        for kind, diagram in diagrams_of(word).items()
    }
    file = tmp_path / "texts.json"
    file.write_text(json.dumps(texts), "utf-8")
    script = Path(__file__).with_name("d2_compile.mjs")
    words = [tools.system("node"), str(script), tools.package("@terrastruct/d2"), str(file)]
    run = subprocess.run(words, capture_output=True, text=True, timeout=900, check=False)
    assert run.stdout.split("\n")[-2:] == [f"accepted {len(texts)} of {len(texts)}", ""], run.stdout + run.stderr


def squeezed(words):
    """Mermaid takes white space away at the ends; an empty label it may leave out."""
    return {" ".join(word.split()) for word in words} - {""}


def labels(diagram, fragment):
    """Title, participants, requests and answers, and the fragments' labels in the signs that stand there."""
    yield clean(diagram.title)
    yield from (clean(one.name) for one in diagram.participants)
    for row in [row for chapter in diagram.chapters for row in chapter.rows]:
        yield from said_by(row, fragment)


def said_by(row, fragment):
    if isinstance(row, Divider):
        yield clean(row.text)
    elif isinstance(row, Call):
        yield from (clean(row.request), clean(row.response), *(clean(run.text) for run in row.runs))
    else:
        for section in row.sections:
            yield fragment(section.label)
            for inner in section.rows:
                yield from said_by(inner, fragment)


RENDER = """async text => {
    const { svg } = await mermaid.render('drawn', text);
    document.body.innerHTML = svg;
    return [document.querySelectorAll('svg text').length, document.querySelectorAll('script').length - 1];
}"""


@pytest.mark.parametrize("version", ["mermaid10", "mermaid", "mermaid12"])
def test_mermaid_draws_it_in_a_browser_and_runs_nothing_of_it(version, tools, tmp_path):
    from playwright.sync_api import sync_playwright

    script = Path(tools.package(version)) / "dist" / "mermaid.min.js"
    page_file = tmp_path / "page.html"
    page_file.write_text("<!doctype html><meta charset=utf-8><title>page</title><body>", "utf-8")
    happened = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=tools.system("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
        page.goto(page_file.as_uri())
        page.on("request", lambda asked: happened.append(asked.url))
        page.add_script_tag(content=script.read_text("utf-8"))
        page.evaluate("mermaid.initialize({ startOnLoad: false })")
        for name, word in {"plain": "orders", **NASTY}.items():
            texts, scripts = page.evaluate(RENDER, mermaid(diagrams_of(word)["sequence"]))
            assert texts > 20, name
            assert scripts <= 0, name
        title = page.title()
        browser.close()
    assert (happened, title) == ([], "page")


def test_plantuml_draws_what_we_write_and_runs_nothing_of_it(tools, tmp_path):
    shown = {}
    for number, (name, word) in enumerate({"plain": "orders", **NASTY}.items()):
        for kind, diagram in diagrams_of(word).items():
            if kind == "sequence" or name in ("plain", "getenv", "empty"):  # Java takes its time
                (tmp_path / f"{number}-{kind}.puml").write_text(plantuml(diagram), "utf-8")
                shown[f"{number}-{kind}"] = diagram
    secret = {**os.environ, "NASTY_SECRET": "plantuml-read-the-environment"}
    words = [*tools.plantuml(), "-tsvg", "-charset", "UTF-8", "-failfast2", str(tmp_path / "*.puml")]
    run = subprocess.run(words, capture_output=True, text=True, timeout=600, env=secret, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    pictures = sorted(tmp_path.glob("*.svg"))
    assert len(pictures) == len(shown)
    for picture in pictures:
        text = "".join(ET.fromstring(picture.read_bytes()).itertext())
        assert not COMPLAINTS.search(text), f"{picture.name}: {text[:300]}"
        assert secret["NASTY_SECRET"] not in text
        drawn = "".join(text.split())
        lost = {label for label in labels(shown[picture.stem], clean) if "".join(label.split()) not in drawn}
        assert lost == set(), picture.name
