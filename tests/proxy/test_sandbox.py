"""What --sandbox-html lets pass without a sandbox, and how far the service worker of a proxied script may reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.sandbox import NOSNIFF, SANDBOX, covers_console, is_inert, sandboxed, worker_scope

INERT = [
    b"application/json", b"application/json; charset=utf-8", b"Application/JSON", b"image/png", b"text/plain;charset=UTF-8",
    b"application/vnd.api+json", b"video/mp4", b"font/woff2", b'text/css; charset="utf-8"', b" text/javascript ",
]  # fmt: skip
RUN = [
    b"text/html", b"application/xhtml+xml", b"image/svg+xml", b"text/xml", b"application/xml", b"application/rss+xml", b"*/*", b"", b"foo",
    b"text/plain, text/html", b"text/html,", b"application/json, */*", b"unknown/unknown", b"application/pdf", b"multipart/x-mixed-replace",
    b"text/plain; charset=utf-8; x=y", b'text/plain; a="b, text/html"', b"text/plain charset=utf-8", b"text/plain;charset", b"image/", b"/png",
    b"text/plain\x00", b"application/json/", b"message/rfc822", b"application/json\ttext/html",
]  # fmt: skip


@pytest.mark.parametrize("kind", INERT)
def test_what_no_browser_runs_may_not_be_guessed(kind):
    assert is_inert([kind])
    lines = sandboxed([b"HTTP/1.1 200 OK", b"X-Content-Type-Options: none"], [kind])
    assert lines == [b"HTTP/1.1 200 OK", NOSNIFF]


@pytest.mark.parametrize(
    "kinds", [[kind] for kind in RUN] + [[], [b"text/plain", b"text/html"], [b"image/png", b"image/png"]]
)
def test_everything_else_is_sandboxed(kinds):
    assert sandboxed([b"HTTP/1.1 200 OK"], kinds) == [b"HTTP/1.1 200 OK", SANDBOX]


@given(st.binary(max_size=40))
def test_any_bytes_are_sandboxed_or_one_known_type(kind):
    if is_inert([kind]):
        assert kind.strip(b" \t").lower().partition(b";")[0].strip(b" \t").count(b"/") == 1 and b"," not in kind


@pytest.mark.parametrize(
    ("value", "prefix", "scope"),
    [
        (b"/", b"/api/a", b"/api/a/"), (b"/app/", b"/api/a", b"/api/a/app/"), (b"/api/a/", b"/api/a", b"/api/a/"),
        (b"/api/ab/", b"/api/a", b"/api/a/api/ab/"), (b"/", b"", None), (b"/_gateway/", b"", None), (b"//x", b"/api/a", None),
        (b"/../", b"/api/a", None), (b"/%2e%2e/", b"/api/a", None), (b"http://h/", b"/api/a", None), (b"", b"/api/a", None),
        (b"/api/a/../", b"/api/a", None), (b"/api/a/./", b"/api/a", None), (b"/\\..\\", b"/api/a", None),
    ],
)  # fmt: skip
def test_a_worker_s_scope_stays_below_its_cluster(value, prefix, scope):
    assert worker_scope(value, prefix) == scope


@pytest.mark.parametrize(
    ("target", "covers"),
    [(b"/sw.js", True), (b"/sw.js?v=1/2", True), (b"/js/sw.js", False), (b"/api/a/sw.js", False), (b"/_gateway/x.js", True), (b"/%2e/sw.js", True)],
)  # fmt: skip
def test_a_script_covers_what_lies_in_its_folder(target, covers):
    assert covers_console(target) == covers
