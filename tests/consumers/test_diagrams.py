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

from gateway.diagrams import mermaid, plantuml
from tests.support.drawing import diagrams_of
from tests.support.nasty import NASTY

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


def test_plantuml_draws_what_we_write_and_runs_nothing_of_it(tools, tmp_path):
    count = 0
    for number, (name, word) in enumerate({"plain": "orders", **NASTY}.items()):
        for kind, diagram in diagrams_of(word).items():
            if kind == "sequence" or name in ("plain", "getenv", "empty"):  # Java takes its time
                (tmp_path / f"{number}-{kind}.puml").write_text(plantuml(diagram), "utf-8")
                count += 1
    secret = {**os.environ, "NASTY_SECRET": "plantuml-read-the-environment"}
    words = [tools.system("plantuml"), "-tsvg", "-charset", "UTF-8", "-failfast2", str(tmp_path / "*.puml")]
    run = subprocess.run(words, capture_output=True, text=True, timeout=600, env=secret, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    pictures = sorted(tmp_path.glob("*.svg"))
    assert len(pictures) == count
    for picture in pictures:
        text = "".join(ET.fromstring(picture.read_bytes()).itertext())
        assert not COMPLAINTS.search(text), f"{picture.name}: {text[:300]}"
        assert secret["NASTY_SECRET"] not in text
