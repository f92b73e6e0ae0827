"""Values out of XML, HTML, cookies, links and entity tags: the exported scripts carry on what a server gives today.

Covers: export/runnable/javascript.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.correlation import Source
from gateway.export import FORMATS, dump
from gateway.export.scenario.kept_places import kept_place
from gateway.export.scenario.scenario import scenario, secrets_by_place
from tests.export.conftest import make_exchange, make_recording

OLD, NEW = "q7w8e9r0t1y2", "a1s2d3f4g5h6"
XML = (("Content-Type", "application/xml"),)
HTML = (("Content-Type", "text/html; charset=utf-8"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)

# (headers and body of a response that gives VALUE, the request that needs it)
CHAINS = {
    "element": ((XML, "<r><vpc><vpcId>VALUE</vpcId></vpc></r>"), {"target": "/api/orders/vpcs/VALUE"}),
    "second element": (
        (XML, "<ns:r xmlns:ns='u'><ns:uploadId>none</ns:uploadId>\n<ns:uploadId>VALUE</ns:uploadId></ns:r>"),
        {"target": "/api/orders/x?uploadId=VALUE"},
    ),
    "element with attributes": ((XML, '<r><token kind="a">\n VALUE </token></r>'), {"target": "/api/orders/t?token=VALUE"}),
    "attribute": ((XML, "<r><order ref='VALUE'/></r>"), {"target": "/api/orders/o?ref=VALUE"}),
    "field of a form": (
        (HTML, '<form><input type="hidden" name="csrf_token" value="VALUE"></form>'),
        {"method": "POST", "target": "/api/orders/sign", "headers": FORM, "sent": b"csrf_token=VALUE"},
    ),
    "field, value first": (
        (HTML, '<form><input value="VALUE" name="csrf_token" type="hidden"/></form>'),
        {"method": "POST", "target": "/api/orders/sign", "headers": FORM, "sent": b"csrf_token=VALUE"},
    ),
    "meta element": (
        (HTML, '<head><meta name="csrf-token" content="VALUE"></head>'),
        {"method": "POST", "target": "/api/orders/sign", "headers": (("X-CSRF-Token", "VALUE"),)},
    ),
    "cookie": (
        ((("Content-Type", "text/plain"), ("Set-Cookie", "XSRF-TOKEN=VALUE; Path=/")), "ok"),
        {"method": "POST", "target": "/api/orders/sign", "headers": (("X-XSRF-TOKEN", "VALUE"), ("Cookie", "XSRF-TOKEN=VALUE"))},
    ),
    "link": (
        ((("Link", '</api/orders/a?cursor=first>; rel="prev", </api/orders/a?cursor=VALUE&n=2>; rel="next"'),), "[]"),
        {"target": "/api/orders/a?cursor=VALUE"},
    ),
    "entity tag": (((("ETag", '"VALUE"'), ("Content-Type", "text/plain")), "ok"), {"target": "/api/orders/e?etag=VALUE"}),
    "text": (((("Content-Type", "text/plain"),), "VALUE\n"), {"target": "/api/orders/jobs/VALUE"}),
}  # fmt: skip


def put(value: str, given: Any) -> Any:
    """The same with a value in its place, in texts, bytes and pairs."""
    if isinstance(given, str):
        return given.replace("VALUE", value)
    if isinstance(given, bytes):
        return given.replace(b"VALUE", value.encode())
    if isinstance(given, tuple):
        return tuple(put(value, one) for one in given)
    return {name: put(value, one) for name, one in given.items()}


def recorded(name: str):
    (headers, body), need = CHAINS[name]
    first = make_exchange(
        1, target="/api/orders/start", answer_headers=put(OLD, headers), received=put(OLD, body).encode()
    )
    return make_recording(2), [first, make_exchange(2, **put(OLD, need))]


@pytest.fixture
def server(request):
    """Answers the first request with the new value; what the second one brought is kept."""
    (headers, body), _ = CHAINS[request.param]
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            seen.append(f"{self.path}\n{self.headers}\n{data}")
            self.send_response(200)
            for key, value in put(NEW, headers):
                self.send_header(key, value)
            text = put(NEW, body).encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = answer

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield request.param, f"http://127.0.0.1:{server.server_port}/api/orders", seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("server", CHAINS, indirect=True)
@pytest.mark.parametrize(
    ("format", "words"), [("python", [sys.executable, "-"]), ("curl", ["bash", "-s"])], ids=["python", "bash"]
)
def test_the_script_sends_the_value_of_today(format, words, server):
    name, url, seen = server
    script = dump(FORMATS[format], [recorded(name)], version="1")
    done = subprocess.run(
        words, input=script, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "ORDERS_URL": url, "no_proxy": "*"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(seen) == 2
    assert NEW in seen[1] and OLD not in seen[1], seen[1]


@pytest.mark.parametrize("name", CHAINS)
def test_every_runner_has_a_way_to_it(name):
    run = recorded(name)
    (keep,) = scenario(*run).steps[0].keeps
    for format in ("hurl", "http", "postman", "bruno", "python", "curl"):
        text = dump(FORMATS[format], [run], version="1")
        assert keep.variable.lower() in text.lower(), format
        assert OLD not in re.sub(r"(?s)examples:.*|\"response\": .*", "", text) or format in ("postman", "bruno"), (
            format
        )
    assert not scenario(*run).left


@pytest.mark.parametrize("name", CHAINS)
def test_the_pattern_is_one_that_all_of_them_read(name):
    (keep,) = scenario(*recorded(name)).steps[0].keeps
    assert not re.search(r"\(\?(?!:)|[*+?}]\+|\\[AZzbdwW]", keep.place.pattern)
    assert re.compile(keep.place.pattern or "()").groups == 1


@pytest.mark.parametrize(
    ("source", "headers", "body"),
    [
        (Source(1, "json", "/token#claim=sub"), (("Content-Type", "application/json"),), b'{"token": "eyJ"}'),
        (Source(1, "text", "#match=(?s)\\A(?>.*?<x)>(.)"), XML, b"<x>1</x>"),
        (Source(1, "header", "link;rel=next#segment=-1"), (("Link", "</a/b>; rel=next"),), b""),
        (Source(1, "html", "option[size]"), HTML, b"<select name=size><option value=1></select>"),
    ],
    ids=["claim", "no element", "segment of a link", "option"],
)
def test_what_no_runner_reads_has_no_place(source, headers, body):
    assert kept_place(source, (), make_exchange(1, answer_headers=headers, received=body)) is None


def test_a_cookie_that_a_response_sets_is_nobodys_to_bring():
    secret = "sealed_abcdefghijklmnopqrst_l32"
    steps = [
        make_exchange(1, target="/api/orders/start", answer_headers=(("Set-Cookie", f"sid={secret}; Path=/"),)),
        make_exchange(2, headers=(("Cookie", f"sid={secret}"),)),
    ]
    assert scenario(make_recording(2), steps).inputs == ()


@pytest.mark.parametrize(
    ("headers", "body", "variable"),
    [
        (FORM, b"Action=CreateVpc&Version=2016-11-15&CidrBlock=abcdefgh", "cidr_block"),
        ((("Content-Type", "application/json"),), b'{"jsonrpc": "2.0", "method": "eth_call", "params": ["abcdefgh"], "id": 1}', ""),
        ((("Content-Type", "application/json"),), b'{"operationName": "Pay", "query": "mutation Pay { pay }", "variables": {"name": "abcdefgh"}}', "name"),
    ],
    ids=["action", "method", "operationName"],
)  # fmt: skip
def test_the_name_of_an_operation_is_no_variable(headers, body, variable):
    found = scenario(make_recording(1), [make_exchange(1, method="POST", headers=headers, sent=body)])
    assert not {"action", "method", "version", "jsonrpc", "operation_name"} & {one.variable for one in found.inputs}
    assert not variable or variable in {one.variable for one in found.inputs}


def test_a_signature_of_every_request_is_told_once():
    sealed = [f"sealed_abcdefghijklmnopqr{sign}t_l32" for sign in "abcde"]
    steps = [
        make_exchange(
            number, headers=(("Authorization", f"AWS4-HMAC-SHA256 {secret}"),), target=f"/api/orders/{number}"
        )
        for number, secret in enumerate(sealed, 1)
    ]
    rows = secrets_by_place(scenario(make_recording(5), steps))
    about = "header Authorization, 5 values in steps 1 to 5: each request has its own"
    assert rows == [(["signature", "signature_5"], about)]
    assert secrets_by_place(scenario(make_recording(1), steps[:1])) == [
        (["signature"], "header Authorization of step 1")
    ]
