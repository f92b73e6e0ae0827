"""Secrets in text without quotes.

Covers: model/linear_patterns, redact/personal.
"""

import pytest

from gateway.redact.names import SecretNames
from gateway.redact.text import seal_lines, seal_private_keys

IS_SECRET = SecretNames().is_secret
PEM = b"-----BEGIN %bPRIVATE KEY-----\nMIIEvQ\nIBADAN\n-----END %bPRIVATE KEY-----\n"


def stars(secret: bytes) -> bytes:
    return b"*" * len(secret)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"user: bob\npassword: s3cret\n", b"user: bob\npassword: ******\n"),
        (b"  - api_key: s3 cret \n", b"  - api_key: ******* \n"),
        (b"password: a\r\nnext: b", b"password: *\r\nnext: b"),
        (b"USER=bob\nDB_PASSWORD=s3cret\n", b"USER=bob\nDB_PASSWORD=******\n"),
        (b"[db]\npassword = s3cret\n", b"[db]\npassword = ******\n"),
        (b"login user=bob password=s3cret ok", b"login user=bob password=****** ok"),
        (b"mysql --password=s3cret -u x", b"mysql --password=****** -u x"),
        (b"Server=x;Password=s3cret;Pool=1", b"Server=x;Password=******;Pool=1"),
        (b"Authorization: Bearer s3cret\r\nHost: x", b"Authorization: Bearer ******\r\nHost: x"),
        (b"Cookie: a=1; b=2\nHost: x", b"Cookie: ********\nHost: x"),
        (b"curl -H 'Authorization: Basic Ym9i' http://h", b"curl -H 'Authorization: Basic ****' http://h"),
        (b"curl -H 'Cookie: a=1; b=2' http://h", b"curl -H 'Cookie: ********' http://h"),
        (b"sent Bearer abcdef0123456789, refused", b"sent Bearer ****************, refused"),
        (b'{"file": "user: bob\\npassword: s3cret\\n"}', b'{"file": "user: bob\\npassword: ******\\n"}'),
        (b'{"file": "password: s3cret\\nuser: bob\\n"}', b'{"file": "password: ******\\nuser: bob\\n"}'),
    ],
)
def test_a_value_behind_the_name_of_a_secret_is_sealed(text: bytes, expected: bytes):
    assert seal_lines(text, IS_SECRET, stars) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"password=\nuser=bob", b"token=$TOKEN", b"password: string\n", b"secret=true", b"token==other",
        b'{"message": "password: must be longer"}', b"Basic authentication is needed", b"the token is: none",
        b"monkey=1 pinned=2", b"tokens: 12\n",
    ],
)  # fmt: skip
def test_what_is_no_value_stays(text: bytes):
    assert seal_lines(text, IS_SECRET, stars) == text


@pytest.mark.parametrize("kind", [b"", b"RSA ", b"EC ", b"ENCRYPTED ", b"OPENSSH "])
def test_the_inside_of_a_private_key_is_sealed(kind: bytes):
    sealed = seal_private_keys(b"before\n" + PEM % (kind, kind), stars)
    assert b"MIIE" not in sealed and b"IBAD" not in sealed
    assert sealed.startswith(b"before\n-----BEGIN ") and sealed.endswith(b"PRIVATE KEY-----\n")


def test_a_private_key_in_a_string_of_json_is_sealed_as_what_it_stands_for():
    secrets = []
    seal_private_keys(b'{"x": "' + (PEM % (b"", b"")).replace(b"\n", b"\\n") + b'"}', lambda s: secrets.append(s) or s)
    assert secrets == [b"\nMIIEvQ\nIBADAN\n"]


def test_a_private_key_that_was_cut_off_is_sealed_to_its_end():
    assert seal_private_keys(b'"-----BEGIN PRIVATE KEY-----\nMIIE', stars) == b'"-----BEGIN PRIVATE KEY-----*****'
    assert (
        seal_private_keys(b'"-----BEGIN PRIVATE KEY-----\nMI", "a"', stars) == b'"-----BEGIN PRIVATE KEY-----***", "a"'
    )


def test_certificates_and_public_keys_stay():
    text = PEM.replace(b"PRIVATE KEY", b"CERTIFICATE") % (b"", b"")
    assert seal_private_keys(text, stars) == text
