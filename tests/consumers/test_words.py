"""Words that break writers, sent by every runner to a server that keeps what arrives: all of them come as recorded.

What a format has no word for is said in its file, and stands in the tables here.
"""

from __future__ import annotations

import asyncio
import json
import re
from urllib.parse import unquote_to_bytes

import pytest
from arriving import arriving
from nasty import MARK, NASTY
from nasty_recording import nasty_recording

from gateway.export import FORMATS, files
from tests.consumers.test_runners import RUNNERS, Runner, environment, httpyac_read, ran

MEDIA = {"json": "application/json", "text": "text/plain; charset=utf-8"}
NO_TEXT = {"nul", "lone surrogate"}  # as bodies that are not JSON: binary, which only some formats can say
FIELDS = {
    name: dict(step.request.headers)["X-Nasty"] for name, step in zip(NASTY, nasty_recording(NASTY)[1], strict=True)
}
NOT_ASCII = {name for name, value in FIELDS.items() if not value.isascii()}
# Lines that editors read as their own, or drop; white space that nobody sees the end of; a variable of theirs.
EDITORS = re.compile(r"(?m)^[#<>@]|^//|^\s|\s$|[^\S\n ]|^GET |\{\{[^{}\n]*\}\}")
UNSENT = {
    ("http", "json"): {"lone surrogate"},  # its URL is no UTF-8
    ("http", "text"): NO_TEXT,
    ("rest", "json"): {"lone surrogate"},
    ("rest", "text"): NO_TEXT | {name for name, word in NASTY.items() if EDITORS.search(word)},
    ("postman", "text"): NO_TEXT | {"handlebars"},
    ("bruno", "text"): NO_TEXT | {"handlebars", "template", "hurl"},
    ("arazzo", "json"): {"lone surrogate"},
    ("arazzo", "text"): NO_TEXT,
}
UNSAID_FIELDS = {
    "rest": NOT_ASCII | {"handlebars", "template", "hurl"},
    "http": NOT_ASCII,
    "postman": NOT_ASCII | {"handlebars"},
    "bruno": NOT_ASCII | {"handlebars", "template", "hurl"},
    "arazzo": NOT_ASCII,
}


def plain(tools, folder, urls):
    """httpyac reads the syntax of other editors as well. Lines of @ count more than what it is given."""
    (file,) = folder.glob("*.rest")
    text = re.sub(r"(?m)^@orders_url = .*$", f"@orders_url = {urls['orders']}", file.read_text("utf-8"))
    file.write_text(text, "utf-8", newline="")
    return [tools.node("httpyac"), "send", str(file), "--all", "--json"]


SENDERS = {**RUNNERS, "plain": Runner("rest", plain, httpyac_read)}


@pytest.mark.parametrize("kind", MEDIA)
@pytest.mark.parametrize("name", SENDERS)
async def test_every_word_arrives_or_the_file_says_why_not(name, kind, tools, tmp_path):
    runner, (recording, steps) = SENDERS[name], nasty_recording(NASTY, MEDIA[kind])
    written = files(FORMATS[runner.format], [(recording, steps)], version="1")
    for file, text in written.items():
        (tmp_path / "file" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "file" / file).write_text(text, "utf-8", newline="")
    with arriving() as server:
        urls = {"orders": f"{server.url}/api/orders"}
        words = runner.command(tools, tmp_path / "file", urls)
        await asyncio.to_thread(ran, words, tmp_path, environment(urls))
    arrived = {name: found for name, step in zip(NASTY, steps, strict=True) if (found := of(step, server.requests))}
    assert set(NASTY) - set(arrived) == UNSENT.get((runner.format, kind), set())
    changed = {word for word, found in arrived.items() if not field_is_whole(FIELDS[word], found)}
    assert changed == UNSAID_FIELDS.get(runner.format, set()) & set(arrived)
    said = "\n".join(written.values())
    for number in (list(NASTY).index(word) + 1 for word in set(NASTY) - set(arrived)):
        assert re.search(rf"Step {number} is not expressible|# {number}\. .*\n# skipped: ", said)
    assert said.count("Sent without its field X-Nasty") >= len(changed)
    assert [file.name for file in tmp_path.rglob("*") if MARK in file.name] == []


def of(step, requests):
    """The request that came with the target and the body of a step."""
    for request in requests:
        if unquote_to_bytes(request.target) == unquote_to_bytes(step.request.target) and (
            request.body == step.request.body.data or same_json(request.body, step.request.body.data)
        ):
            return request
    return None


def same_json(one, other):
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


def field_is_whole(value, request):
    """Controls, which no field can hold, are spaces."""
    value = re.sub(r"[\x00-\x08\x0a-\x1f\x7f]+", " ", value).strip()
    return request.fields.get("x-nasty", b"") == value.encode()
