"""No text is lost: every word comes back from every format, equal or in the form that the docs name.

Formats that programs run are read by those programs in tests/consumers/test_words.py, the diagrams' by Mermaid and
PlantUML in test_diagrams.py; har, json, bundle, postman, curl and python in test_nasty.py.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import yaml
from nasty import NASTY
from nasty_recording import nasty_recording

from gateway.errors import UsageError
from gateway.export import FORMATS, files
from gateway.export.documents.notes import seen
from gateway.model.text import clean, visible

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
words = pytest.mark.parametrize("word", NASTY.values(), ids=NASTY)
SHORT = {name: word for name, word in NASTY.items() if "long" not in name}
short_words = pytest.mark.parametrize("word", SHORT.values(), ids=SHORT)


def written(name, word, media="application/json"):
    """The format's files about one exchange whose every text is the word."""
    recording, exchanges = nasty_recording({"word": word}, media)
    run = (replace(recording, title=word, notes=(word,)), exchanges)
    return files(FORMATS[name], [run], version="1")


def strings(data):
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from strings(value)


@words
def test_openapi_has_it_as_an_example_of_request_and_answer(word):
    (text,) = written("openapi", word).values()
    (operation,) = next(iter(json.loads(text)["paths"].values())).values()
    bodies = [operation["requestBody"], operation["responses"]["200"]]
    for body in bodies:
        assert word in set(strings(body["content"]["application/json"]))


@words
def test_wiremock_expects_and_answers_it(word):
    (text,) = written("wiremock", word).values()
    (mapping,) = json.loads(text)["mappings"]
    assert json.loads(mapping["request"]["bodyPatterns"][0]["equalToJson"]) == {"word": word}
    assert json.loads(mapping["response"]["body"]) == {"word": word}


@words
def test_arazzo_sends_it(word):
    if re.search("[\ud800-\udfff]", word):
        with pytest.raises(UsageError, match=r"Step 1 is not expressible: its URL holds bytes that are no UTF-8\."):
            written("arazzo", word)
        return
    found = written("arazzo", word)
    (workflow,) = yaml.load(next(text for file, text in found.items() if file.endswith(".yaml")), LOADER)["workflows"]
    (said,) = workflow["steps"][0]["requestBody"]["payload"].values()
    given = {
        f"$inputs.{name}": one["default"] for name, one in workflow.get("inputs", {}).get("properties", {}).items()
    }
    assert given.get(said, said) == word, "what looks like an expression is an input"


@words
def test_bruno_sends_it_and_shows_the_answer(word):
    item = yaml.load(
        next(text for file, text in written("bruno", word).items() if file != "opencollection.yml"), LOADER
    )
    assert json.loads(item["http"]["body"]["data"]) == {"word": word}
    assert json.loads(item["examples"][0]["response"]["body"]["data"]) == {"word": word}


class Texts(HTMLParser):
    """The texts of elements, by their tags."""

    def __init__(self):
        super().__init__()
        self.open, self.found = [], {}

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "meta"):
            self.open.append(tag)
            self.found.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        for tag in self.open:
            self.found[tag][-1] += data


@short_words
def test_html_shows_title_note_and_both_bodies(word):
    (text,) = written("html", word, "text/plain; charset=utf-8").values()
    page = Texts()
    page.feed(text)
    assert page.found["h1"] == [title_of(word)]
    if not re.search("[\0\ud800-\udfff]", word):  # bytes then, which are counted
        forms = {visible(word, lines=True).strip("\n"), visible(word.replace("\r\n", "\n"), lines=True).strip("\n")}
        assert sum(any(form in block for form in forms) for block in page.found["pre"]) >= 2, page.found["pre"]
    for line in filter(None, (line.strip() for line in re.sub(r"[*`#-]", "", seen(word)).split("\n"))):
        assert line in re.sub(r"[*`#-]", "", text_of(page)), "the note"


def text_of(page):
    return "\n".join(page.found["div"])


def title_of(word):
    return clean(word).strip() or "Recording 01JNASTY000000000000000000"


@short_words
def test_svg_says_title_and_reason(word):
    (text,) = written("svg", word).values()
    root = ET.fromstring(text)
    assert root.find("{*}title").text == title_of(word)
    reason = nasty_recording({"word": word})[1][0].response.reason
    told = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any(clean(reason) in one for one in told[1:])


@short_words
def test_mermaid_has_it_by_numbers(word):
    (text,) = written("mermaid", word).values()
    title = re.search(r"(?m)^  title (.*)$", text)[1]
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), title) == re.sub(" {2,}", " ", title_of(word))


@short_words
def test_plantuml_has_it_by_numbers(word):
    (text,) = written("plantuml", word).values()
    title = re.search(r"(?m)^title (.*)$", text)[1]
    beyond = re.sub("[\U00100000-\U0010ffff]", "\ufffd", title_of(word))
    assert re.sub(r"<U\+([0-9A-F]{4,6})>", lambda found: chr(int(found[1], 16)), title) == beyond
