"""Files that other tools run: they carry values on, hold no secret, and nothing recorded can become code.

Covers: export/runnable/file_comments, export/format, export/runnable/http_file, export/runnable/hurl, export/json, export/runnable/postman,
export/runnable/python, export/scenario/variables, export/runnable/wiremock.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.correlation import Decisions, correlate
from gateway.export import FORMATS, openapi
from gateway.export.format import Beside
from gateway.export.runnable import http_file, hurl, postman, python, wiremock

TOKEN = "sealed_abcdefghijklmnopqrst_32"
BEARER = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))
NASTY = [
    '"); import os; os.system("x"); ("',
    "}} {{ %} \\ ' ` # ; $(x) ${x} {{token}}",
    "\n### next\nGET http://127.0.0.1:1/\n\n< /etc/hostname\n?? status == 200\n{{ x }}",
    "\u202e\u2028\u0000\u0007\U0001f4d6 é",
]


class Shop(BaseHTTPRequestHandler):
    """A backend whose ids and tokens are others than the recorded ones, and that minds them."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/api/users/login":
            return self.answer(200, {"token": "fresh-token"})
        good = self.headers["Authorization"] == "Bearer fresh-token"
        return self.answer(201 if good else 401, {"id": 90210})

    def do_GET(self):
        self.answer(200 if self.path == "/api/orders/orders/90210" else 404, {})

    def answer(self, status, data):
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def shop():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def chain(an_exchange, a_recording):
    login = {"method": "POST", "target": "/api/users/login", "cluster": "users", "headers": BEARER[1:]}
    secret = b'{"user": "ada", "password": "sealed_bcdefghijklmnopqrstu_8"}'
    steps = [
        an_exchange(1, **login, sent=secret, received=b'{"token": "%s"}' % TOKEN.encode()),
        an_exchange(2, method="POST", headers=BEARER, sent=b'{"qty": 1}', status=201, received=b'{"id": 70001}'),
        an_exchange(3, target="/api/orders/orders/70001", headers=BEARER[:1]),
    ]
    return a_recording(3), steps


def run(script, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_the_python_script_carries_fresh_values_on(chain, shop):
    script = python.dump([chain], version="1")
    done = run(script, USERS_URL=f"{shop}/api/users", ORDERS_URL=f"{shop}/api/orders", PASSWORD="lovelace")
    assert (done.returncode, done.stdout.count("ok "), done.stderr) == (0, 3, "")
    assert f"GET {shop}/api/orders/orders/90210: 200" in done.stdout


def test_the_python_script_fails_exactly_where_a_cluster_is_down(chain, shop):
    script = python.dump([chain], version="1")
    done = run(script, USERS_URL=f"{shop}/api/users", ORDERS_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert "ok   step 1" in done.stdout
    assert "FAIL step 2    POST http://127.0.0.1:1/orders: " in done.stdout
    assert done.stderr == "step 2: the response has no id, and later steps need it\n"


def test_the_python_script_says_which_steps_answered_otherwise(chain, shop):
    script = python.dump([chain], version="1")
    done = run(script, USERS_URL=f"{shop}/api/users", ORDERS_URL=f"{shop}/api/other")
    assert (done.returncode, "failed: steps 3" in done.stderr) == (1, True)


def test_a_correlation_that_somebody_rejected_is_not_carried_on(chain):
    binding = next(one for one in correlate(chain[1]).in_force if one.variable == "order_id")
    decisions = Decisions(rejected=frozenset({binding.id}))
    text = hurl.dump([chain], version="1", beside=Beside(decisions=lambda recording: decisions))
    assert "order_id: jsonpath" not in text
    assert "token: jsonpath" in text


def test_hurl_captures_what_later_requests_need(chain):
    text = hurl.dump([chain], version="1")
    assert "[Captures]\ntoken: jsonpath \"$['token']\"" in text
    assert "GET {{orders_url}}/orders/{{order_id}}\nAuthorization: Bearer {{token}}\nHTTP 200\n" in text
    assert "--secret password=..." in text


def test_hurl_escapes_what_it_would_read_as_its_own(an_exchange, a_recording):
    exchange = an_exchange(1, method="POST", headers=(("X-Odd", "a#b\\c"),), sent=b"`{{x}}`\n\x01")
    text = hurl.dump([(a_recording(1), [exchange])], version="1")
    assert "X-Odd: a\\#b\\\\c\n" in text
    assert "`\\`\\u{7b}{x}}\\`\\n\\u{1}`\n" in text


def test_http_files_keep_values_by_scripts(chain):
    text = http_file.dump([chain], version="1")
    assert '{{\n  exports.token = response.parsedBody["token"];\n}}' in text
    assert "GET {{orders_url}}/orders/{{order_id}}\nAuthorization: Bearer {{token}}\n\n?? status == 200" in text
    assert "@password" not in text


@pytest.mark.parametrize("body", ["< ./secret.txt", "a\n### b", "?? status == 1", "{{ process.exit() }}", "\n\nx"])
def test_http_files_quote_bodies_that_would_do_something(body, an_exchange, a_recording):
    exchange = an_exchange(1, method="POST", sent=body.encode(), headers=(("Content-Type", "text/plain"),))
    lines = http_file.dump([(a_recording(1), [exchange])], version="1").split("\n")
    quoted = next(line for line in lines if line.startswith('{{"'))
    assert json.loads(quoted[2:-2]) == body
    assert not {"< ./secret.txt", "### b", "{{ process.exit() }}"} & set(lines)


def test_postman_sets_variables_and_checks_statuses(chain):
    collection = json.loads(postman.dump([chain], version="1"))
    scripts = ["\n".join(item["event"][0]["script"]["exec"]) for item in collection["item"]]
    assert 'pm.collectionVariables.set("token", pm.response.json()["token"]);' in scripts[0]
    assert collection["item"][2]["request"]["url"]["raw"] == "{{orders_url}}/orders/{{order_id}}"
    values = {one["key"]: one["value"] for one in collection["variable"]}
    assert (values["password"], values["order_id"]) == ("", "")


def test_several_recordings_are_folders_of_postman(chain):
    collection = json.loads(postman.dump([chain, chain], version="1"))
    assert [folder["name"] for folder in collection["item"]] == ["Order a book", "Order a book"]


def test_wiremock_answers_equal_requests_in_sequence(an_exchange, a_recording):
    missing = {"status": 404, "received": b"no"}
    steps = [an_exchange(1, **missing), an_exchange(2), an_exchange(3, target="/x"), an_exchange(4, target="/x")]
    mappings = json.loads(wiremock.dump([(a_recording(4), steps)], version="1"))["mappings"]
    states = [
        (one.get("requiredScenarioState"), one.get("newScenarioState"), one["response"]["status"]) for one in mappings
    ]
    assert states == [("Started", "1", 404), ("1", None, 200), (None, None, 200)]


def test_wiremock_says_what_it_cannot_answer(bookshop):
    meta = json.loads(wiremock.dump([bookshop], version="1"))["meta"]
    assert meta["notExpressible"] == [
        "step 6: it failed: connection_refused",
        "step 7: the recording cut the body of the response",
        "step 8: WireMock has no word for a WebSocket",
    ]


@pytest.mark.parametrize("name", ["markdown", "html", "python", "hurl", "http", "rest", "postman", "openapi"])
def test_no_secret_and_no_placeholder(name, chain):
    assert "sealed_" not in FORMATS[name].dump([chain], version="1")


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_nothing_recorded_becomes_code(nasty, an_exchange, a_recording):
    flat = "".join(char for char in nasty if char.isprintable())
    exchange = an_exchange(
        1, method="POST", target="/api/orders/a?q=" + "".join(char for char in flat if "!" <= char <= "~" and char not in "<>\"#"),
        sent=nasty.encode(), received=nasty.encode(), headers=(("X-Odd", flat), ("Content-Type", "text/plain")),
        notes=(nasty,), reason=flat,
    )  # fmt: skip
    recording = a_recording(1, title=nasty, notes=(nasty,))
    compile(python.dump([(recording, [exchange])], version="1"), "script", "exec")
    for module in (postman, openapi, wiremock):
        json.loads(module.dump([(recording, [exchange])], version="1"))
    for module, first in ((hurl, "#"), (http_file, "#@")):
        text = module.dump([(recording, [exchange])], version="1")
        before = re.sub(
            r"^\{\{\n(  exports\.\w+ = typeof \w+ === 'undefined' \? \"[^\"]*\" : \w+;\n)+\}\}$",
            "",
            text,
            flags=re.MULTILINE,
        )
        before = before.partition("POST {{orders_url}}")[0]
        assert all(not line or line[0] in first for line in before.split("\n")), before
