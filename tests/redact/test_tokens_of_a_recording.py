"""A token that was sealed in a recording is sealed wherever it comes again, under a name that does not tell."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.model.capture import Capture
from gateway.redact import SealedCapture, Sealer

TOKEN = b"Jx7Qa9_Lm2Kp4Wz8Rt6Yb3Nd"
JSON = (b"Content-Type", b"application/json")


def capture(id: str, recording: str = "R", **facts: Any) -> Capture:
    made = Capture()
    made.id, made.recording, made.method, made.target = id, recording, b"POST", b"/api/x"
    made.origin = b"http://127.0.0.1:8080"
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def given(sealer: Sealer, recording: str = "R") -> bytes:
    """The placeholder of the token, as the response that gave it has it."""
    sealed = sealer(
        capture("1", recording, response_headers=[JSON], response_body=[b'{"upload_token": "' + TOKEN + b'"}'])
    )
    assert isinstance(sealed, SealedCapture)
    return b"".join(sealed.capture.response_body).split(b'"')[3]


@pytest.mark.parametrize(
    "facts",
    [
        {"target": b"/up/" + TOKEN},
        {"target": b"/hub?id=" + TOKEN},
        {"request_headers": [(b"X-Upload", TOKEN)]},
        {"request_headers": [JSON], "request_body": [b'{"ref": "' + TOKEN + b'"}']},
        {
            "request_headers": [(b"Content-Type", b"application/x-www-form-urlencoded")],
            "request_body": [b"ref=" + TOKEN],
        },
        {"response_headers": [JSON], "response_body": [b'{"echo": "' + TOKEN + b'"}']},
    ],
)
def test_it_is_the_same_placeholder_in_both_places(facts: dict[str, Any]):
    sealer = Sealer(Keys.of([Fernet.generate_key().decode()]))
    placeholder = given(sealer)
    sealed = sealer(capture("2", **facts))
    assert isinstance(sealed, SealedCapture)
    found = sealed.capture
    everything = b"\n".join(
        [found.target, *(value for _, value in found.request_headers), *found.request_body, *found.response_body]
    )
    assert TOKEN not in everything and placeholder in everything
    assert dict(sealed.secrets)[placeholder.decode()]


def test_another_recording_knows_nothing_of_it():
    sealer = Sealer(Keys.of([Fernet.generate_key().decode()]))
    given(sealer, "R")
    other = capture("2", "another", target=b"/up/" + TOKEN)
    assert sealer(other) is other


def test_a_token_in_its_own_header_needs_no_second_look():
    sealer = Sealer(Keys.of([Fernet.generate_key().decode()]))
    given(sealer)
    for id in ("2", "3"):
        sealed = sealer(capture(id, request_headers=[(b"Authorization", b"Bearer " + TOKEN)]))
        assert isinstance(sealed, SealedCapture) and len(sealed.secrets) == 1


def test_a_recording_that_goes_on_after_a_restart_is_asked_for_its_tokens_once():
    keys, asked = Keys.of([Fernet.generate_key().decode()]), list[str]()

    def recall(recording: str) -> list[bytes]:
        asked.append(recording)
        return [TOKEN, b"short"]

    sealer = Sealer(keys, recall)
    for step in (7, 8):
        sealed = sealer(capture(str(step), target=b"/up/" + TOKEN, step=step))
        assert isinstance(sealed, SealedCapture) and sealed.capture.target == b"/up/" + given(Sealer(keys))
    assert asked == ["R"]


def test_a_recording_that_begins_is_not_asked_for():
    def recall(recording: str) -> list[bytes]:
        raise AssertionError(recording)

    sealer = Sealer(Keys.of([Fernet.generate_key().decode()]), recall)
    first = capture("1", target=b"/x", step=1)
    assert sealer(first) is first
    assert sealer(capture("2", target=b"/y", step=2)).target == b"/y"
