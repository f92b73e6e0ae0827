"""Bodies that are beyond the budget: their heads can be read and searched, the rest is one secret, and nothing is lost.

Covers: redact/bodies.
"""

import json
import time

import pytest
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.model.capture import Capture
from gateway.model.json_shapes import body_json
from gateway.model.message import Body, Response
from gateway.redact import Sealer
from gateway.redact.bodies import HEAD, LARGEST
from gateway.replay.playback.recorded_response import _json_escape, _restore

KEYS = Keys.of([Fernet.generate_key().decode()])


def sealed(body: bytes, kind: bytes = b"application/json"):
    capture = Capture()
    capture.id, capture.recording = "01X", "R1"
    capture.response_headers, capture.response_body = [(b"Content-Type", kind)], [body]
    return Sealer(KEYS).seal(capture)


MANY = json.dumps([{"token": f"canary-{number:08}-Qx7", "n": number} for number in range(30_000)]).encode()
LARGE = b'{"password": "hunter2", "rest": "' + b"abc " * (LARGEST // 4) + b'", "token": "canary-7Zq9"}'


@pytest.mark.parametrize("body", [MANY, LARGE], ids=["many secrets", "large"])
def test_the_head_is_text_and_the_rest_is_one_secret(body):
    found = sealed(body)
    (kept,) = found.capture.response_body
    assert b"canary" not in kept
    assert b"hunter2" not in kept
    assert kept.startswith((b'[{"token": "sealed_', b'{"password": "sealed_'))
    assert b'"n": 300' in kept or b"abc abc" in kept
    assert len(kept) < 2 * HEAD + 100_000
    shown = body_json(Response("1.1", (("Content-Type", "application/json"),), Body(len(body), kept, len(body))))
    assert shown["sealed_rest"] is True
    assert shown["truncated"] is False


@pytest.mark.parametrize("body", [MANY, LARGE], ids=["many secrets", "large"])
def test_playback_gives_every_byte_back(body):
    found = sealed(body)
    secrets = {name: Sealer(KEYS).unseal(name, blob) for name, blob in found.secrets}
    assert _restore(found.capture.response_body[0], secrets, _json_escape) == body


def test_an_ordinary_body_says_nothing_of_it():
    shown = body_json(Response("1.1", (), Body(20, b'{"token": "sealed_ekahqx7w77kg47hwuzdo_16"}')))
    assert "sealed_rest" not in shown


def test_many_secrets_take_bounded_time():
    begun = time.process_time()
    sealed(b'{"a": [' + b",".join(b'{"token": %d}' % number for number in range(100_000)) + b"]}")
    assert time.process_time() - begun < 20  # 0.4 s here; without a budget it grows with every secret
