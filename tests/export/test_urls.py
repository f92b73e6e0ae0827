"""URLs for strict readers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.export.urls import ascii_url, is_utf8, sendable, split_origin


@given(st.text())
def test_only_visible_ascii_is_left_and_twice_is_once(text):
    url = ascii_url(text)
    assert re.fullmatch(r"[!-~]*", url)
    assert ascii_url(url) == url


def test_raw_bytes_are_encoded_and_what_was_encoded_stays():
    assert ascii_url("/caf\xe9 %2F?q=a b") == "/caf%E9%20%2F?q=a%20b"


def test_signs_that_no_url_may_have_are_encoded_to_be_sent():
    assert sendable('/a{b}|c#d?e="<f>"') == "/a%7Bb%7D%7Cc%23d?e=%22%3Cf%3E%22"


@pytest.mark.parametrize(
    ("url", "good"), [("/caf%C3%A9", True), ("/caf%E9", False), ("/100%", False), ("/a%zz", False)]
)
def test_urls_that_are_no_text(url, good):
    assert is_utf8(url) is good


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://127.0.0.1:8080/a?b=http://c", ("http://127.0.0.1:8080", "/a?b=http://c")),
        ("https://[::1]:8443", ("https://[::1]:8443", "")),
        ("/a/b", ("", "/a/b")),
        ("http://h?x", ("http://h", "?x")),
    ],
)
def test_origin_and_rest(url, parts):
    assert split_origin(url) == parts
