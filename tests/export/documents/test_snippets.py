"""Snippets of a request in the languages of its readers."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess

import pytest
from nasty import NASTY

from gateway.export.documents.snippets import snippets
from gateway.export.scenario.scenario import scenario
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording


def steps(body=b"", *, method="POST", target="/api/orders?x=1", type="application/json", fields=()):
    headers = (("Content-Type", type), *fields) if body else fields
    one = Exchange(
        id="x1", recording="r", step=1, session="s", started_at="2026-01-01T00:00:00Z", cluster="orders", prefix="/api",
        url=f"http://127.0.0.1:8080{target}", upstream_url="http://b/orders", status=200, response=Response(),
        request=Request(method=method, target=target, headers=headers, body=Body(len(body), body)),
    )  # fmt: skip
    return scenario(Recording(id="r", title="", session="s"), [one]).steps


def written(*given, **more):
    (step,) = steps(*given, **more)
    return {one.language: one.code for one in snippets(step)}


def test_every_language_has_the_url_the_fields_and_the_body():
    found = written(b'{"isbn": "978-1"}', fields=(("X-Tenant", "blue"),))
    assert list(found) == ["curl", "fetch", "axios", "Swift", "Kotlin", "Python"]
    for code in found.values():
        assert "orders_url" in code and "/orders?x=1" in code and "X-Tenant" in code and "isbn" in code


def test_a_request_without_a_body_has_none():
    found = written(method="GET")
    assert '.method("GET", null)' in found["Kotlin"]
    assert "body:" not in found["fetch"] and "httpBody" not in found["Swift"] and "content=" not in found["Python"]


@pytest.mark.parametrize("word", [word for word in NASTY.values() if word.isprintable() or "\n" in word])
def test_python_says_the_very_bytes(word):
    body = json.dumps({"name": word, "braces": "{x} ${y} `z` \\(w)"}, ensure_ascii=False).encode("utf-8", "replace")
    code = written(body)["Python"]
    (call,) = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    given = {
        one.arg: eval(compile(ast.Expression(one.value), "", "eval"), {"orders_url": "http://h"})
        for one in call.keywords
    }
    assert given["content"].encode() == body


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_javascript_says_the_very_bytes(tmp_path):
    bodies, lines = (
        [],
        ["const orders_url = 'http://h'; const said = []; const fetch = (url, init) => said.push(init.body ?? '');"],
    )
    lines.append("const axios = init => said.push(init.data ?? '');")
    for word in NASTY.values():
        body = json.dumps({"name": word, "braces": "{x} ${y} `z` \\(w)"}, ensure_ascii=False).encode("utf-8", "replace")
        if b"\0" in body:
            continue
        found = written(body)
        bodies += [body.decode()] * 2
        lines += [f"{{ {found['fetch']} }}", f"{{ {found['axios']} }}"]
    script = tmp_path / "said.mjs"
    script.write_text("\n".join([*lines, "console.log(JSON.stringify(said))"]), "utf-8", "replace")
    done = subprocess.run(["node", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-800:]
    assert json.loads(done.stdout) == bodies
