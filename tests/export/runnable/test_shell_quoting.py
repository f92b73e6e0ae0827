"""Quoting survives a real bash, whatever the bytes.

Covers: export/readers/curl/shell_syntax.
"""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.export.runnable.shell_quoting import quoted


def through_bash(words: list[bytes]) -> list[bytes]:
    script = b"printf '%s\\0' " + b" ".join(quoted(word).encode() for word in words)
    run = subprocess.run(["bash", "-s"], input=script, capture_output=True, check=True, timeout=20)
    assert run.stderr == b""
    return run.stdout.split(b"\0")[:-1]


def no_nul(data: bytes | str) -> bytes:
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return raw.replace(b"\0", b"")


@given(st.lists((st.binary() | st.text()).map(no_nul), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_words_come_out_of_bash_as_they_went_in(words):
    assert through_bash(words) == words


def test_every_byte_and_every_pair_with_a_digit():
    words = [bytes([byte]) + b"7a" for byte in range(1, 256)]
    assert through_bash(words) == words


@given(st.text())
def test_a_word_shows_no_control_and_no_reversed_text(text):
    word = quoted(no_nul(text))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", word)


@pytest.mark.parametrize(
    ("data", "word"),
    [(b"", "''"), (b"a/b?c", "'a/b?c'"), (b"plain", "plain"), (b"it's", "'it'\\''s'"), (b"a\r\n", "$'a\\r\\n'")],
)
def test_readable_where_possible(data, word):
    assert quoted(data) == word


def test_a_nul_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        quoted(b"a\0b")
