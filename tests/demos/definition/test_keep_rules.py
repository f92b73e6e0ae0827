"""Values out of an answer, and what is never shown of it."""

import pytest

from gateway.demos.definition.keep_rules import StepResponse, keep
from gateway.demos.definition.schema import KeepRule
from gateway.demos.masking import (
    MASK,
    holds_secret,
    is_secret_name,
    masked_header,
    masked_json,
    masked_text,
    masked_url,
)

HEADERS = (("ETag", 'W/"1"'), ("Set-Cookie", "sid=abc=1; Path=/"), ("Set-Cookie", "b=2"))
BODY = b'{"id": 12345678901234567890, "items": [{"isbn": "978-1"}, {"isbn": "978-2"}], "none": null}'


def kept(source, body=BODY, complete=True):
    found, missing = keep([KeepRule("x", source)], StepResponse(201, "Created", HEADERS, body, complete))
    return found.get("x"), missing.get("x")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$.id", 12345678901234567890),
        ("$.items[-1].isbn", "978-2"),
        ("$..isbn", "978-1"),
        ("$.items[?@.isbn == '978-2'].isbn", "978-2"),
        ("$.none", None),
        ("header:etag", 'W/"1"'),
        ("cookie:sid", "abc=1"),
        ("status", 201),
    ],
)
def test_a_value_is_found(source, value):
    assert kept(source) == (value, None)


@pytest.mark.parametrize(
    ("source", "body", "reason"),
    [
        ("$.nothing", BODY, "$.nothing found nothing"),
        ("$.id", b"<html>", "the answer is not JSON"),
        ("$.id", b"[" * 100_000, "the answer is not JSON"),
        ("header:x", BODY, "the answer has no header x"),
        ("cookie:x", BODY, "the answer sets no cookie x"),
        ("$", b'"' + b"a" * 70_000 + b'"', "$ found more than a value: 70002 characters"),
    ],
)
def test_why_a_value_was_not_found(source, body, reason):
    assert kept(source, body) == (None, reason)


def test_half_an_answer_is_not_looked_into():
    assert kept("$.id", complete=False)[1] == "the answer is too large to look into"


@pytest.mark.parametrize(
    "name", ["token", "accessToken", "access_token", "api-key", "PASSWORD", "client_secret", "PIN"]
)
def test_secret_names(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["tokens_used", "pinned", "passenger", "monkey", "tokenizer"])
def test_names_that_only_look_like_secrets(name):
    assert not is_secret_name(name)


def test_headers_keep_their_scheme_and_cookies_their_names():
    assert masked_header("Authorization", "Bearer abc") == f"Bearer {MASK}"
    assert masked_header("X-Api-Key", "abc") == MASK
    assert masked_header("Cookie", "a=1; b=2") == f"a={MASK}; b={MASK}"
    assert masked_header("Set-Cookie", "a=1; Path=/") == f"a={MASK}; Path=/"
    assert masked_header("Accept", "*/*") == "*/*"


def test_json_urls_and_text_are_masked_wherever_the_secret_stands():
    assert masked_json({"a": [{"token": "x"}], "password": None}) == {"a": [{"token": MASK}], "password": None}
    assert masked_url("/x?a=1&token=abc") == f"/x?a=1&token={MASK}"
    assert masked_text("it is s3cr%et and s3cr%25et, ab", ["s3cr%et", "ab"]) == f"it is {MASK} and {MASK}, ab"


def test_what_holds_a_secret_never_goes_to_the_store():
    assert holds_secret("user", {"name": "ada", "token": "x"})
    assert holds_secret("x", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln")
    assert not holds_secret("user", {"name": "ada"})
