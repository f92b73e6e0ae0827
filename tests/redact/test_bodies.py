"""Whole bodies with a secret, and harmless ones: a list that was written before it was measured."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.model.capture import Capture
from gateway.redact import Sealer

FILE = Path(__file__).parent.parent / "data" / "secrets" / "bodies.tsv"
ROWS = [line.split("\t") for line in FILE.read_text().splitlines() if not line.startswith("#")]
SEALER, NUMBERS = Sealer(Keys.of([Fernet.generate_key().decode()])), itertools.count()
# docs/security.md names them among what is not covered.
NOT_FOUND = ("? password", "k?sign=", "GOOGLE_APPLICATION_CREDENTIALS_JSON_KEY", "g-recaptcha-response")
FALSE = ("p?sig=yes",)


def sealed(kind: str, body: str, password: str = "") -> str:
    """The body of a response, whose request may have held a password."""
    capture = Capture()
    capture.id, capture.recording, capture.method, capture.target = "01X", f"R{next(NUMBERS)}", b"POST", b"/x"
    if password:
        capture.request_headers = [(b"Content-Type", b"application/json")]
        capture.request_body = [json.dumps({"user": "ann", "password": password}).encode()]
    capture.response_headers, capture.status = [(b"Content-Type", kind.encode())], 200
    capture.response_body = [body.encode()]
    return b"".join(SEALER.seal(capture).capture.response_body).decode()


def test_the_list_is_long():
    assert sum(row[0] != "harmless" for row in ROWS) >= 150
    assert sum(row[0] == "harmless" for row in ROWS) >= 70


@pytest.mark.parametrize("where", sorted({row[1] for row in ROWS if row[0] != "harmless"}))
def test_secrets_are_sealed(where: str):
    left = [
        body
        for verdict, place, kind, secret, text in ROWS
        if verdict != "harmless"
        and place == where
        and secret in sealed(kind, body := json.loads(text), secret if verdict == "repeated" else "")
    ]
    assert [body for body in left if not any(known in body for known in NOT_FOUND)] == []


@pytest.mark.parametrize("where", sorted({row[1] for row in ROWS if row[0] == "harmless"}))
def test_harmless_bodies_stay(where: str):
    changed = [
        body
        for verdict, place, kind, _, text in ROWS
        if verdict == "harmless" and place == where and sealed(kind, body := json.loads(text)) != body
    ]
    assert [body for body in changed if not any(known in body for known in FALSE)] == []
