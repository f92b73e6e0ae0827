"""Heads in, heads out: what must hold for any fields.

Covers: proxy/request, proxy/response.
"""

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.forwarding import Sender
from gateway.proxy.header_rules import REQUEST_FATES, connection_options, hop_by_hop
from gateway.proxy.request import RequestHead
from gateway.proxy.response import ResponseHead
from gateway.routes.overrides import parse_overrides
from gateway.routes.table import CompiledCluster, CompiledUpstream, Cors

UPSTREAM = CompiledUpstream("qa", "http://up:1", None, "up", 1, b"up:1", b"")
CLUSTER = CompiledCluster("orders", b"/api/orders", True, "qa", {"qa": UPSTREAM})
TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-_.!~0123456789", min_size=1, max_size=20).map(str.encode)
VALUE = st.binary(max_size=30).map(lambda b: bytes(c for c in b if c >= 0x20 and c != 0x7F).strip())
PLAIN = st.tuples(TOKEN.filter(lambda n: n.lower() not in REQUEST_FATES), VALUE)
HOP = st.sampled_from(
    [
        (b"Connection", b"close"),
        (b"keep-alive", b"timeout=5"),
        (b"Proxy-Connection", b"x"),
        (b"TE", b"gzip"),
        (b"Gateway-Env", b"a=b"),
    ]
)


def lines_of(head: bytes) -> list[bytes]:
    assert head.endswith(b"\r\n\r\n")
    assert head.count(b"\r\n\r\n") == 1
    return head[:-4].split(b"\r\n")


def sent(fields: list[tuple[bytes, bytes]]) -> list[bytes]:
    request = RequestHead(fields, lambda v: v)
    request.peer, request.sender = b"127.0.0.1", Sender("127.0.0.1", b"http", request.host)
    head = request.upstream_head(
        b"GET", b"/x", CLUSTER, UPSTREAM, via=b"Via: 1.1 gateway", cors=Cors(),
        trace=lambda: b"00-%032x-%016x-01" % (1, 2),
    )  # fmt: skip
    return lines_of(head)


@given(st.lists(PLAIN | HOP, max_size=12), st.integers(0, 12))
def test_ordinary_fields_pass_unchanged_in_order_and_the_others_stop(fields, at):
    fields.insert(min(at, len(fields)), (b"Host", b"gw"))
    lines = sent(fields)
    assert lines[0] == b"GET /x HTTP/1.1"
    plain = [name + b": " + value for name, value in fields if (name, value) not in HOP_PAIRS and name != b"Host"]
    passed = [line for line in lines[1:] if line in plain]
    assert passed == plain
    assert lines.count(b"Host: up:1") == 1
    assert not [
        line
        for line in lines
        if line.lower().startswith((b"connection:", b"keep-alive:", b"proxy-connection:", b"te:", b"gateway-env:"))
    ]


HOP_PAIRS = [
    (b"Connection", b"close"),
    (b"keep-alive", b"timeout=5"),
    (b"Proxy-Connection", b"x"),
    (b"TE", b"gzip"),
    (b"Gateway-Env", b"a=b"),
]


@given(st.lists(PLAIN, max_size=12), st.sampled_from([200, 201, 404, 500, 799]))
def test_response_fields_pass_and_are_recorded_as_they_came(fields, status):
    from gateway.proxy.header_rules import RESPONSE_FATES

    fields = [pair for pair in fields if pair[0].lower() not in RESPONSE_FATES]
    head = ResponseHead(status, b"Why not", "1.1", [*fields, (b"Content-Length", b"3")])
    assert head.lines == [b"HTTP/1.1 %d Why not" % status, *(n + b": " + v for n, v in fields), b"Content-Length: 3"]
    assert head.recorded[:-1] == fields
    assert head.length == 3
    assert not head.close


@given(st.binary(max_size=40))
def test_any_connection_value_leaves_framing_and_routing_alone(value):
    assert not hop_by_hop(connection_options((value,))) & {
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"authorization",
    }


@given(
    st.dictionaries(st.text("abc-_1", min_size=1, max_size=8), st.text("abc-_1", min_size=1, max_size=8), max_size=5)
)
def test_overrides_are_read_back(chosen):
    text = ", ".join(f"{k}={v}" for k, v in chosen.items())
    assert parse_overrides(text.encode()) == chosen
