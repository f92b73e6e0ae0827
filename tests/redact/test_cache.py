"""What is known is sealed as it would be if nothing were: the quick way and the whole search agree."""

from __future__ import annotations

from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys import Keys
from gateway.model.capture import FIELDS, Capture
from gateway.model.headers import Fields
from gateway.redact import SealedCapture, Sealer
from gateway.redact.cache import changes_known

KEYS = Keys.of([Fernet.generate_key().decode()])
TOKEN, OTHER = b"tok3n-AbCdEf/0123456789+x", b"s1d-0123456789abcdefXYZ"
JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"
REQUESTS = [
    [(b"Host", b"a"), (b"Accept", b"*/*")],
    [(b"Host", b"a"), (b"Authorization", b"Bearer " + TOKEN)],
    [(b"Host", b"a"), (b"Authorization", b"Bearer " + TOKEN), (b"Cookie", b"sid=" + OTHER), (b"X-Echo", OTHER)],
    [(b"Host", b"a"), (b"X-Api-Key", b"short"), (b"Content-Type", FORM)],
]
ANSWERS = [
    [(b"Content-Type", JSON)],
    [(b"Content-Type", JSON), (b"Set-Cookie", b"sid=" + OTHER + b"; Path=/")],
    [(b"Content-Type", JSON), (b"X-Echo", TOKEN)],
    [(b"Content-Type", b"text/html"), (b"Content-Encoding", b"gzip")],
    [(b"Content-Type", FORM)],
]
QUOTED = TOKEN.replace(b"/", b"%2F").replace(b"+", b"%2B")
BODIES = [
    [], [b'{"orders": [1, 2]}'], [b'{"orders": [', b"1, 2]}"], [b'{"you": "' + TOKEN + b'"}'], [b"a=1&plain=" + QUOTED],
    [b'{"password": "hush-hush"}'], [b"x" * 5000], ['{"password": "hush"}'.encode("utf-16")], [b"pl%61in=short&b=2"],
]  # fmt: skip
TARGETS = [b"/api/orders", b"/api/orders?page=2", b"/api/orders?token=hush-hush", b"/api/" + QUOTED, b"/api?x=" + OTHER]
captures = st.lists(
    st.tuples(
        st.sampled_from(range(len(REQUESTS))), st.sampled_from(range(len(ANSWERS))), st.sampled_from(BODIES),
        st.sampled_from(BODIES), st.sampled_from(TARGETS), st.sampled_from([b"OK", b"token=hush-hush"]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


def a_capture(sent: list[tuple[bytes, bytes]], got: list[tuple[bytes, bytes]], *facts) -> Capture:
    capture = Capture()
    capture.id, capture.method, capture.origin = "01X", b"POST", b"http://127.0.0.1:8080"
    capture.request_headers, capture.response_headers = sent, got
    capture.request_body, capture.response_body, capture.target, capture.reason = facts
    capture.upstream_url = "http://127.0.0.1:9202" + capture.target.decode().removeprefix("/api")
    return capture


def stored(sealed: SealedCapture | Capture) -> tuple[object, ...]:
    """All that would be stored; ciphertexts differ each time."""
    capture, secrets = (sealed, ()) if isinstance(sealed, Capture) else (sealed.capture, sealed.secrets)
    joined = [b"".join(capture.request_body), b"".join(capture.response_body)]
    facts = [getattr(capture, name) for name in FIELDS if not name.endswith("_body")]
    return *facts, *joined, {placeholder for placeholder, _ in secrets}


@given(captures)
def test_what_comes_again_is_sealed_as_what_comes_first(told):
    sealer, sent, got = Sealer(KEYS), [Fields(one) for one in REQUESTS], [Fields(one) for one in ANSWERS]
    for request, answer, *facts in told:
        again = sealer(a_capture(sent[request], got[answer], *facts))
        first = Sealer(KEYS).seal(a_capture(REQUESTS[request], ANSWERS[answer], *facts))
        assert stored(again) == stored(first)


def test_a_poll_with_a_token_is_not_searched_a_second_time():
    sealer, sent, got = Sealer(KEYS), Fields(REQUESTS[1]), Fields(ANSWERS[0])
    sealer(a_capture(sent, got, [], BODIES[1], TARGETS[0], b"OK"))
    another = a_capture(sent, got, [], [b'{"orders": [3]}'], TARGETS[1], b"OK")
    names, _ = sealer._ready(None)
    changes, secrets = changes_known(another, names, sealer._vault)
    assert list(changes) == ["request_headers"]
    assert secrets == (TOKEN,)
    sealed = sealer(another)
    assert sealer.unseal(*sealed.secrets[0]) == TOKEN
