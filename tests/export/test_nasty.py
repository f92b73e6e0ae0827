"""Words that break writers, in every place of a recording, through every format: parsed, nothing lost, nothing run.

Covers: export/archive.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import quote, unquote

import pytest
import yaml
from nasty import MARK, NASTY

from gateway.export import FORMATS, files
from gateway.export.archive import encoded

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WORDS = {name: word for name, word in NASTY.items() if "long" not in name}
# Formats that keep bodies and can be searched for each word; the others show parts of a recording, or pictures.
WHOLE = ("har", "json", "bundle", "postman", "curl", "python")


def sent(word: str) -> bytes:
    return json.dumps({"word": word}).encode()


@pytest.fixture(scope="module")
def outputs(request) -> dict[str, dict[str, bytes]]:
    """format -> file -> bytes of one recording with an exchange for every word."""
    make = request.getfixturevalue("nasty_recording")
    return {name: written(name, make) for name in FORMATS}


def written(name, recording):
    return {file: encoded(text) for file, text in files(FORMATS[name], [recording], version="1").items()}


@pytest.fixture(scope="module")
def nasty_recording(request):
    from nasty_recording import nasty_recording

    return nasty_recording(NASTY)


@pytest.mark.parametrize("name", FORMATS)
def test_every_output_parses(name, outputs):
    assert outputs[name]
    for file, data in outputs[name].items():
        check(file, data)


def check(file: str, data: bytes) -> None:
    text = data.decode("utf-8")
    suffix = file.rpartition(".")[2]
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text), "a control character"
    if suffix in ("json", "har"):
        json.loads(text)
    elif suffix in ("yaml", "yml"):
        yaml.load(text, LOADER)
    elif suffix == "svg":
        harmless_svg(text)
    elif suffix == "html":
        harmless_html(text)
    elif suffix == "py":
        ast.parse(text)
    elif suffix == "sh":
        subprocess.run(["bash", "-n"], input=data, check=True, capture_output=True, timeout=60)
    elif suffix == "puml":
        assert re.fullmatch(r"@startuml\n(?:(?!@|!|.*%)[^\n]*\n)*@enduml\n", text)
    elif suffix == "mmd":
        known = r"\s*(?:P\d+.*|participant P.*|actor P.*|box rgba.*|end|Note over .*|title .*|(?:loop|alt|else|opt|par|and)\b.*)"
        assert all(re.fullmatch(known, line) for line in text.splitlines()[1:])
    elif (
        suffix == "d2"
    ):  # every recorded text stands in single quotes, where nothing but a doubled quote means anything
        bare = re.sub(r"'(?:[^'\n]|'')*'", "T", text)
        assert re.fullmatch(r"(?:[\w.#:;{}\-> ]*\n)*", bare), bare
    else:
        assert suffix in ("md", "hurl", "http", "rest")


def harmless_svg(text: str) -> None:
    names = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
    assert names <= {"svg", "title", "desc", "style", "g", "a", "rect", "line", "path", "text", "tspan"}
    assert not any(key.startswith("on") for element in ET.fromstring(text).iter() for key in element.attrib)


class Elements(HTMLParser):
    """Which elements a page has, and which attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def harmless_html(text: str) -> None:
    page = Elements()
    page.feed(text)
    assert sum(tag == "script" for tag, _ in page.found) == 1, "only ours"
    for tag, attributes in page.found:
        assert tag not in ("img", "iframe", "object", "embed", "link", "base", "form") or (
            tag == "form" and attributes == {"method": "dialog"}
        )
        assert not any(key.startswith("on") for key in attributes), (tag, attributes)
        target = attributes.get("href") or ""
        assert not target or re.match(r"#|https?://|mailto:", target), (tag, attributes)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_recording_gives_the_same_bytes(name, outputs, nasty_recording):
    assert written(name, nasty_recording) == outputs[name]


@pytest.mark.parametrize("name", ["har", "json", "bundle", "postman"])
def test_no_word_is_lost_in_json(name, outputs):
    (data,) = outputs[name].values()
    kept = {each for text in strings(json.loads(data)) for each in words_in(text)}
    assert {key for key, word in NASTY.items() if word not in kept} == set()


def strings(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value)


def words_in(text: str) -> Iterator[str]:
    """The word of a body, in plain or in base64."""
    import base64
    import binascii

    for each in (text, text.encode("utf-8", "replace")):
        try:
            data = json.loads(base64.b64decode(each, validate=True) if isinstance(each, bytes) else each)
        except (ValueError, binascii.Error, RecursionError):
            continue
        if isinstance(data, dict) and isinstance(data.get("word"), str):
            yield data["word"]


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_the_curl_script_sends_every_word_and_runs_none(outputs, tmp_path):
    said = run_script(outputs["curl"], tmp_path)
    for key, word in WORDS.items():
        if "\0" not in word and not re.search("[\ud800-\udfff]", word):
            assert json.dumps({"word": word}) in said, key
    assert [each.name for each in tmp_path.iterdir() if MARK in each.name] == []


def run_script(found: dict[str, bytes], folder) -> str:
    """Everything that the script gives to curl, a stand-in of which answers 200 to all."""
    (data,) = found.values()
    script, curl = folder / "chain.sh", folder / "bin" / "curl"
    curl.parent.mkdir()
    script.write_bytes(data)
    curl.write_text(
        '#!/bin/bash\nprintf "%s\\n" "$@" >> "$SAID"\nfor word; do case $word in @-) cat >> "$SAID";; esac; done\n'
    )
    curl.chmod(0o755)
    said = folder / "said"
    said.write_text("")
    environment = {**os.environ, "PATH": f"{curl.parent}:{os.environ['PATH']}", "SAID": str(said), "HOME": str(folder)}
    subprocess.run(["bash", str(script)], cwd=folder, env=environment, capture_output=True, timeout=120, check=False)
    return said.read_text("utf-8", "replace")


def test_the_python_script_holds_every_word_as_text(outputs):
    (data,) = outputs["python"].values()
    constants = [node.value for node in ast.walk(ast.parse(data)) if isinstance(node, ast.Constant)]
    texts = [
        each if isinstance(each, str) else each.decode("latin-1") for each in constants if isinstance(each, str | bytes)
    ]
    kept = {word for text in texts for word in words_in(text)}
    assert {key for key, word in NASTY.items() if word not in kept} == set()


@pytest.mark.parametrize("name", FORMATS)
def test_titles_of_any_kind(name, nasty_recording):
    recording, exchanges = nasty_recording
    for word in NASTY.values():
        for file, data in written(name, (replace(recording, title=word, notes=(word,)), exchanges[:1])).items():
            check(file, data)


def test_words_are_percent_encoded_in_targets(nasty_recording):
    _, exchanges = nasty_recording
    assert all(one.request.target.isascii() for one in exchanges)
    assert unquote(exchanges[0].request.target).startswith(f"/api/orders/{next(iter(NASTY.values()))}")
    assert quote("a b") == "a%20b"


BROWSERS = pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def watched():
    """Opens a file and pokes everything in it; what it then said, asked for and is called."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        yield lambda file: _watched(browser, file)
        browser.close()


def _watched(browser, file) -> tuple[list[str], str]:
    page, happened = browser.new_page(), []
    page.on("dialog", lambda dialog: (happened.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda asked: happened.append(asked.url) if asked.url != file.as_uri() else None)
    page.goto(file.as_uri())
    page.evaluate(
        """() => document.querySelectorAll('*').forEach(element =>
            ['mouseover', 'focus', 'error', 'load', 'click'].forEach(name =>
                name === 'click' && element.closest('a, button, summary, label') ? null
                    : element.dispatchEvent(new Event(name))))"""
    )
    page.wait_for_timeout(200)
    title = page.title()
    page.close()
    return happened, title


@pytest.mark.browser
@BROWSERS
@pytest.mark.parametrize("name", ["html", "svg"])
def test_a_browser_runs_nothing_and_asks_for_nothing(name, outputs, watched, tmp_path):
    ((file, data),) = outputs[name].items()
    (tmp_path / file).write_bytes(data)
    happened, title = watched(tmp_path / file)
    assert happened == []
    assert MARK not in title


@pytest.mark.browser
@BROWSERS
def test_markdown_with_html_taken_at_its_word_runs_nothing(outputs, watched, tmp_path):
    """A viewer that lets HTML of Markdown through, with code spans and fences as the text that they are."""
    ((_, data),) = outputs["markdown"].items()
    text = re.sub(r"(?ms)^(`{3,})[^\n]*\n.*?^\1$", "", data.decode())
    escape_or_span = r"(?s)\\[!-/:-@\[-`{-~]|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)"
    text = re.sub(escape_or_span, lambda found: "" if found[1] else f"&#{ord(found[0][1])};", text)
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><title>page</title>{text}", "utf-8")
    assert watched(file) == ([], "page")
