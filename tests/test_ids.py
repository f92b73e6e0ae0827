"""Ids: form, order by time, and no repeats, not even after a fork."""

import re
import subprocess
import sys
import time
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.ids import CROCKFORD, _time_part, new_id, new_trace


def moment_of(ulid: str) -> int:
    """The milliseconds that an id carries."""
    value = 0
    for letter in ulid[:10].encode():
        value = value * 32 + CROCKFORD.index(letter)
    return value


def test_an_id_is_26_crockford_characters_and_carries_its_time():
    before = time.time_ns() // 1_000_000
    ulid = new_id()
    after = time.time_ns() // 1_000_000
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", ulid)
    assert before <= moment_of(ulid) <= after


def test_ids_never_repeat_over_many_draws():
    ids = {new_id() for _ in range(20_000)}
    assert len(ids) == 20_000
    assert all(len(ulid) == 26 for ulid in ids)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1))
def test_the_time_part_sorts_as_time_does(a: int, b: int):
    assert (_time_part(a) < _time_part(b)) == (a < b)
    assert moment_of(_time_part(a)) == a


FORK = """
import os
from gateway.ids import new_id
new_id()
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, new_id()[10:].encode())
    os._exit(0)
os.wait()
print(os.read(reading, 16).decode(), new_id()[10:])
"""


def test_a_forked_process_draws_its_own_randomness():
    """In a process of its own, because a test run may have threads, with which forking is not safe."""
    child, parent = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(child) == len(parent) == 16
    assert child != parent


def test_traces_are_of_the_standard_s_form_and_never_repeat():
    traces = {new_trace() for _ in range(1000)}
    assert len(traces) == 1000
    assert all(re.fullmatch(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01", trace) for trace in traces)


def test_every_letter_is_as_likely():
    letters = Counter("".join(new_id()[10:] for _ in range(20_000)))
    assert set(letters) == set(CROCKFORD.decode())
    assert max(letters.values()) < 1.1 * min(letters.values())
