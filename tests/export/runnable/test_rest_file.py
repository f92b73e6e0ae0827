"""Files in the syntax that editors share, read again by a strict reader of our own."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from gateway.export.runnable import rest_file


@dataclass
class Asked:
    method: str
    url: str
    fields: list[tuple[str, str]]
    body: str


def read(text):
    """(variables, requests) of a file; everything else must be a comment."""
    variables, asked = {}, []
    for part in re.split(r"(?m)^###.*\n?", text):
        lines = part.strip("\n").split("\n")
        while lines and (not lines[0] or lines[0].startswith(("#", "@"))):
            line = lines.pop(0)
            if line.startswith("@"):
                name, value = re.fullmatch(r"@(\w+) =(?: (.*))?", line).groups()
                variables[name] = value or ""
        if lines:
            head, _, body = "\n".join(lines).partition("\n\n")
            first, *fields = filled(head, variables).split("\n")
            method, url = first.split(" ")
            asked.append(Asked(method, url, [tuple(one.split(": ", 1)) for one in fields], filled(body, variables)))
    return variables, asked


def filled(text, variables):
    return re.sub(r"\{\{(\w+)\}\}", lambda found: variables[found[1]], text)


def test_it_sends_what_was_recorded(bookshop):
    _, asked = read(rest_file.dump([bookshop], version="1"))
    sent = [one for one in bookshop[1] if one.step not in (4, 7, 8)]
    assert [(one.method, one.url) for one in asked] == [(one.method, one.url) for one in sent]
    assert asked[2].body == sent[2].request.body.data.decode()
    assert asked[0].body == '{"user": "ada", "password": ""}'


def test_it_says_what_to_fill_in_and_what_cannot_be_sent(bookshop):
    text = rest_file.dump([bookshop], version="1")
    assert "#   order_id: from the response of step 3, header location, the part that" in text
    assert "@token =\n" in text, "a secret"
    assert "@order_id = 501\n" in text
    assert "### 4. PUT /orders/{{order_id}}/cover to orders @qa: 204\n# skipped: its body is not text\n" in text


@pytest.mark.parametrize(
    "body", ["a\n### b", "< ./secret", "> {% x %}", "# c", "x\n\ny", " x", "x\n", "@a = b", "{{$guid}}"]
)
def test_bodies_that_an_editor_would_not_send_as_they_are(body, an_exchange, a_recording):
    step = an_exchange(1, method="POST", sent=body.encode(), headers=(("Content-Type", "text/plain"),))
    variables, asked = read(rest_file.dump([(a_recording(1), [step])], version="1"))
    assert (list(variables), asked) == (["orders_url"], [])


def test_several_recordings_share_the_variables_above_them(bookshop):
    text = rest_file.dump([bookshop, bookshop], version="1")
    assert text.count("@orders_url") == 1
    assert len(read(text)[1]) == 12
