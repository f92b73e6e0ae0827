"""What is known is sealed as it would be if nothing were: the quick way and the whole search agree.

Covers: redact/echoes.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys import Keys
from gateway.model.capture import FIELDS, Capture
from gateway.model.headers import Fields
from gateway.redact import SealedCapture, Sealer
from gateway.redact.echoes import RecordingTokens
from gateway.redact.names import SecretNames


@dataclass(frozen=True)
class Rules:
    """The `redact` section of a route table."""

    headers: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


KEYS = Keys.of([Fernet.generate_key().decode()])
TOKEN, OTHER = b"tok3n-AbCdEf/0123456789+x", b"s1d-0123456789abcdefXYZ"
JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"
REQUESTS = [
    [(b"Host", b"a"), (b"Accept", b"*/*")],
    [(b"Host", b"a"), (b"Authorization", b"Bearer " + TOKEN)],
    [(b"Host", b"a"), (b"Authorization", b"Bearer " + TOKEN), (b"Cookie", b"sid=" + OTHER), (b"X-Echo", OTHER)],
    [(b"Host", b"a"), (b"X-Api-Key", b"short"), (b"Content-Type", FORM)],
    [(b"Host", b"a"), (b"Authorization", b"Basic " + b64encode(b"ada:love lace+1815"))],
    [(b"Host", b"a"), (b"Referer", b"http://a/b?token=hush-hush"), (b"traceparent", b"00-1234567890abcdef-12-01")],
    [(b"Host", b"a"), (b"X-Trace", b"pin: 1234"), (b"X-Request-Id", b"0123456789abcdef")],
    [(b"Host", b"a"), (b"Sec-WebSocket-Protocol", b"access_token, " + TOKEN)],
    [(b"Host", b"a"), (b"Authorization", b"Bearer sealed_abcdefghijklmnopqrst_16")],
]
ANSWERS = [
    [(b"Content-Type", JSON)],
    [(b"Content-Type", JSON), (b"Set-Cookie", b"sid=" + OTHER + b"; Path=/")],
    [(b"Content-Type", JSON), (b"X-Echo", TOKEN)],
    [(b"Content-Type", b"text/html"), (b"Content-Encoding", b"gzip")],
    [(b"Content-Type", FORM)],
    [(b"Content-Type", JSON), (b"Content-Encoding", b"gzip, identity")],
    [(b"Content-Type", JSON), (b"Content-Encoding", b"unknown")],
    [(b"Content-Type", JSON), (b"Location", b"http://a/x?token=hush-hush"), (b"ETag", b'"abc"')],
]
QUOTED = TOKEN.replace(b"/", b"%2F").replace(b"+", b"%2B")
BODIES = [
    [], [b'{"orders": [1, 2]}'], [b'{"orders": [', b"1, 2]}"], [b'{"you": "' + TOKEN + b'"}'], [b"a=1&plain=" + QUOTED],
    [b'{"password": "hush-hush"}'], [b"x" * 5000], ['{"password": "hush"}'.encode("utf-16")], [b"pl%61in=short&b=2"],
    [gzip.compress(b'{"orders": [1]}')], [gzip.compress(b'{"password": "hush"}')], [gzip.compress(b"you are " + TOKEN)],
    [b'{"error": "no user love lace+1815"}'], [b'{"error": "not love lace+1815 but"}'], [b"love%20lace%2B1815"],
    [b"\xff\xfeabc"], [b"pin"], [b"1234 pin"], [b": hush-hush"], [b"ghp_" + b"0123456789abcdefghij0123456789abcdefghij"],
]  # fmt: skip
TARGETS = [b"/api/orders", b"/api/orders?page=2", b"/api/orders?token=hush-hush", b"/api/" + QUOTED, b"/api?x=" + OTHER]
captures = st.lists(
    st.tuples(
        st.sampled_from(range(len(REQUESTS))), st.sampled_from(range(len(ANSWERS))), st.sampled_from(BODIES),
        st.sampled_from(BODIES), st.sampled_from(TARGETS), st.sampled_from([b"OK", b"token=hush-hush", b"pass"]),
        st.sampled_from([[], [(b"Location", b"http://b/c")], [(b"Set-Cookie", b"sid=" + OTHER)], [(b"X", TOKEN)]]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


def a_capture(sent: list[tuple[bytes, bytes]], got: list[tuple[bytes, bytes]], *facts) -> Capture:
    capture = Capture()
    capture.id, capture.method, capture.origin = "01X", b"POST", b"http://127.0.0.1:8080"
    capture.request_headers, capture.response_headers = sent, got
    capture.request_body, capture.response_body, capture.target, capture.reason, capture.rewritten = facts
    capture.upstream_url = "http://127.0.0.1:9202" + capture.target.decode().removeprefix("/api")
    return capture


def stored(sealed: SealedCapture | Capture) -> tuple[object, ...]:
    """All that would be stored; ciphertexts differ each time."""
    capture, secrets = (sealed, ()) if isinstance(sealed, Capture) else (sealed.capture, sealed.secrets)
    joined = [b"".join(capture.request_body), b"".join(capture.response_body)]
    facts = [getattr(capture, name) for name in FIELDS if not name.endswith("_body")]
    return *facts, *joined, {placeholder for placeholder, _ in secrets}


RULES = [None, Rules(json=("$..orders",)), Rules(headers=("X-Trace",), query=("page",)), Rules(json=("$.you",))]
LONG_LIVED = Sealer(KEYS)  # over all examples: it remembers thousands of captures


@given(captures, st.sampled_from(range(len(RULES))), st.booleans())
@settings(deadline=None)
def test_what_comes_again_is_sealed_as_what_comes_first(told, rules, plain):
    """The quick way against the long one with nothing remembered, for headers that are known as a whole or pair by
    pair."""
    short_lived = Sealer(KEYS)
    sent = [one if plain else Fields(one) for one in REQUESTS]
    got = [one if plain else Fields(one) for one in ANSWERS]
    for request, answer, *facts in told:
        one = a_capture(REQUESTS[request], ANSWERS[answer], *facts)
        one.redact = RULES[rules]
        first = stored(Sealer(KEYS).seal(one))
        for sealer in (short_lived, LONG_LIVED):
            again = a_capture(sent[request], got[answer], *facts)
            again.redact = RULES[rules]
            assert stored(sealer(again)) == first


@given(captures)
@settings(deadline=None)
def test_tokens_of_a_recording_are_known_again_as_the_long_way_knows_them(told):
    quick, whole = Sealer(KEYS), Sealer(KEYS)
    for number, (request, answer, *facts) in enumerate(told):
        sealed = []
        for seal in (quick, whole.seal):
            one = a_capture(REQUESTS[request], ANSWERS[answer], *facts)
            one.recording = f"R{number % 2}"
            sealed.append(stored(seal(one)))
        assert sealed[0] == sealed[1]


@given(captures)
@settings(deadline=None)
def test_after_the_keys_are_renewed_nothing_is_sealed_with_the_old_ones(told):
    newer = Keys.of([Fernet.generate_key().decode()])
    sealer = Sealer(KEYS)
    sent, got = [Fields(one) for one in REQUESTS], [Fields(one) for one in ANSWERS]
    for renewed in (False, True):
        if renewed:
            sealer.renew(newer)
        for request, answer, *facts in told:
            again = sealer(a_capture(sent[request], got[answer], *facts))
            first = Sealer(newer if renewed else KEYS).seal(a_capture(REQUESTS[request], ANSWERS[answer], *facts))
            assert stored(again) == stored(first)


def test_what_is_new_beside_a_known_token_is_searched_once(monkeypatch):
    sealer, searches = Sealer(KEYS), []
    monkeypatch.setattr(SecretNames, "has_word", lambda self, data: searches.append(data) or False)
    for number in range(3):
        searches.clear()
        headers = [*REQUESTS[1], (b"X-Request-Id", b"%032x" % number)]
        body = [b'{"orders": [%d]}' % number]
        sealed = sealer(a_capture(headers, ANSWERS[0], [], body, b"/api/orders/%d" % number, b"OK", []))
        assert len(searches) == 1
        assert sealer.unseal(*sealed.secrets[0]) == TOKEN


LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
made_tokens = st.lists(
    st.binary(min_size=16, max_size=60).map(lambda data: bytes(LETTERS[byte % 62] for byte in data) + b"a1"),
    min_size=1, max_size=40,
)  # fmt: skip


@given(made_tokens, st.data(), st.text(max_size=40), st.text(max_size=40), st.booleans())
@settings(deadline=None)
def test_many_tokens_are_found_as_each_by_itself(tokens, data, before, behind, in_url):
    index = RecordingTokens()
    for token in tokens:
        index.add(token if not in_url else token + b"+/")
    latest = list(index)
    assert latest == list(dict.fromkeys(tokens if not in_url else [token + b"+/" for token in tokens]))[-len(latest) :]
    token = data.draw(st.sampled_from(latest))
    written = quote_from_bytes(token, safe="").encode() if in_url else token
    assert index.stand_in(before.encode() + written + behind.encode())
    without = (before + behind).encode()
    assert index.stand_in(without) == any(one in without for one in latest)
