"""The bash script of a chain: run by a real bash against a real server, it carries values on and checks statuses."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.export.runnable import curl_script

TOKEN = "sealed_abcdefghijklmnopqrst_32"
BEARER = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))


class Shop(BaseHTTPRequestHandler):
    """A backend whose ids and tokens are others than the recorded ones, and that minds them."""

    seen: list[tuple[str, bytes]]

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.path, body))
        if self.path == "/api/users/login":
            return self.answer(200, {"user": [{"token": 'fr"esh\u00e9'}], "token": "no"})
        good = self.headers["Authorization"] == 'Bearer fr"esh\u00e9'.encode().decode("latin-1")
        return self.answer(201 if good else 401, {}, Location="/orders/90210?x=1")

    def do_GET(self):
        self.answer(200 if self.path == "/api/orders/orders/90210" else 404, {})

    def answer(self, status, data, **headers):
        body = json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def shop():
    Shop.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def chain(an_exchange, a_recording):
    login = {"method": "POST", "target": "/api/users/login", "cluster": "users", "headers": BEARER[1:]}
    secret = b'{"user": "ada", "password": "sealed_bcdefghijklmnopqrstu_8"}'
    where = (("Location", "/orders/70001"),)
    steps = [
        an_exchange(1, **login, sent=secret, received=b'{"user": [{"token": "%s"}]}' % TOKEN.encode()),
        an_exchange(2, method="POST", headers=BEARER, sent=b'{"qty": 1}', status=201, answer_headers=where),
        an_exchange(3, target="/api/orders/orders/70001", headers=BEARER[:1]),
    ]
    return a_recording(3), steps


def run(script, **variables):
    environment = {"PATH": os.environ["PATH"], "no_proxy": "*", "USER": "root", **variables}
    return subprocess.run(
        ["bash", "-s"], input=script, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_fresh_values_are_carried_on(chain, shop):
    ran = run(
        curl_script.dump([chain], version="1"),
        USERS_URL=f"{shop}/api/users",
        ORDERS_URL=f"{shop}/api/orders",
        PASSWORD="x",
    )
    assert (ran.returncode, ran.stdout.count("ok   step"), ran.stderr) == (0, 3, "")
    assert Shop.seen[0] == ("/api/users/login", b'{"user": "ada", "password": "x"}'), "not the USER of the shell"


def test_a_status_that_differs_is_told_and_ends_in_failure(chain, shop):
    ran = run(
        curl_script.dump([chain], version="1"),
        USERS_URL=f"{shop}/api/users",
        ORDERS_URL=f"{shop}/api/other",
        PASSWORD="x",
    )
    assert (ran.returncode, ran.stderr) == (1, "failed: steps 3\n")
    assert "FAIL step 3" in ran.stdout and "but was 404" in ran.stdout


def test_a_value_that_does_not_come_stops_it_and_is_named(chain, shop):
    ran = run(
        curl_script.dump([chain], version="1"),
        USERS_URL="http://127.0.0.1:9",
        ORDERS_URL=f"{shop}/api/orders",
        PASSWORD="x",
    )
    assert ran.returncode == 1
    assert "FAIL step 1" in ran.stdout and "but was 000 (curl: 7)" in ran.stdout
    assert "step 1: the response has no TOKEN, and later steps need it" in ran.stderr


def test_a_secret_that_is_missing_says_what_it_stands_for(chain, shop):
    ran = run(curl_script.dump([chain], version="1"), USERS_URL=f"{shop}/api/users", ORDERS_URL=f"{shop}/api/orders")
    assert "PASSWORD is empty; it stands for the body of step 1" in ran.stderr


def test_answers_are_shown_when_asked_for(chain, shop):
    ran = run(
        curl_script.dump([chain], version="1"),
        USERS_URL=f"{shop}/api/users",
        ORDERS_URL=f"{shop}/api/orders",
        VERBOSE="1",
    )
    assert "HTTP/1.0 201 Created" in ran.stdout


def test_nothing_recorded_becomes_code(an_exchange, a_recording, shop, tmp_path):
    evil = f"\n touch {tmp_path}/owned; `touch {tmp_path}/owned` $(touch {tmp_path}/owned) '"
    exchange = an_exchange(
        1, target="/" + evil, cluster=evil, reason=evil, notes=(evil,), origin=shop, sent=evil.encode()
    )
    run(curl_script.dump([(a_recording(1, title=evil), [exchange])], version="1"))
    assert list(tmp_path.iterdir()) == []


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
SCALARS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n")) | st.integers() | st.booleans()
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, min_size=1) | st.dictionaries(KEYS, inner, min_size=1), max_leaves=8
)
READER = curl_script.dump([], version="1").partition("# json_at")[2].partition("\n\n")[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DATA, st.data(), st.booleans())
def test_a_value_in_json_is_found(tmp_path, value, data, ascii_only):
    document, keys = value, []
    while isinstance(value, dict | list):
        key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        keys, value = [*keys, str(key)], value[key]
    (tmp_path / "body").write_text(json.dumps(document, ensure_ascii=ascii_only), "utf-8")
    script = f'WORK={tmp_path}\n# json_at{READER}\njson_at "$@"'
    found = subprocess.run(["bash", "-c", script, "bash", *keys], capture_output=True, check=True, timeout=30).stdout
    assert found.decode() == (value if isinstance(value, str) else json.dumps(value))
