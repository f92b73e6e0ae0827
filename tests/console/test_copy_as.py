"""The same request for curl, HTTPie and Python; what a shell makes of it is what was sent."""

import json
import os
import subprocess
from dataclasses import replace

import consoling
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.console.copy_as import copies, httpie
from gateway.model.message import Body
from gateway.model.recording import Recording

REC = Recording("r", "R", "s")
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


def an_exchange(sent=b'{"qty": 1}', **facts):
    """A POST whose record is whole."""
    found = consoling.an_exchange(sent=sent, **facts)
    return replace(found, request=replace(found.request, body=Body(len(sent), sent)))


def words(script, **variables):
    """What a shell would give to http, word by word."""
    body = script.replace("http --ignore-stdin", "printf '%s\\0'", 1)
    run = subprocess.run(["bash", "-uc", body], capture_output=True, env=dict(os.environ) | variables, check=True)
    return run.stdout.decode().split("\0")[:-1]


def test_there_is_one_of_each_kind():
    made = copies(REC, an_exchange())
    assert [one.title for one in made] == ["curl", "HTTPie", "Python"]
    assert all("orders?x=1" in one.text for one in made)


def test_an_http_command_says_method_url_headers_and_body():
    sent = b'{"qty": 1, "who": "O\'Neil"}'
    found = words(
        httpie(REC, an_exchange(sent=sent, headers=(("Content-Type", "application/json"), ("X-A", "@f"), ("X-B", ""))))
    )
    assert found[0] == "POST"
    assert found[1].endswith("/api/orders/orders?x=1")
    assert "Content-Type:application/json" in found
    assert "X-A: @f" in found
    assert "X-B;" in found
    assert json.loads(found[found.index("--raw") + 1]) == json.loads(sent)


def test_a_secret_is_a_variable():
    secret = "sealed_aaaaaaaaaaaaaaaaaaaa_a1"
    script = httpie(REC, an_exchange(headers=(("Authorization", f"Bearer {secret}"),), sent=b""))
    assert secret not in script
    name = script.partition("${")[2].partition(":")[0]
    assert "Authorization:Bearer it's $(secret)" in words(script, **{name: "it's $(secret)"})


@settings(max_examples=25, deadline=None)
@given(TEXT)
def test_any_text_survives_the_shell(text):
    sent = json.dumps({"a": text}, ensure_ascii=False).encode()
    found = words(httpie(REC, an_exchange(sent=sent, headers=(("Content-Type", "application/json"),))))
    assert json.loads(found[found.index("--raw") + 1]) == {"a": text}
