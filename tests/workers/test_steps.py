"""Steps are given out once, whichever process takes them, and under a loan that has not ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from gateway.workers.steps import LOANS, StepTable


@pytest.fixture
def table() -> Iterator[StepTable]:
    made = StepTable.made(3)
    yield made
    made.close()


def test_a_loan_goes_on_at_the_steps_given_out_before(table: StepTable) -> None:
    loan = table.lend(1, 7)
    assert [table.take(1, loan), table.take(1, loan)] == [8, 9]
    assert table.steps(1) == 9
    assert table.end(1) == 9


def test_nothing_is_given_out_under_a_loan_that_has_ended(table: StepTable) -> None:
    loan = table.lend(0, 0)
    assert table.holds(0, loan)
    table.end(0)
    assert not table.holds(0, loan)
    assert table.take(0, loan) == 0
    again = table.lend(0, 5)
    assert table.take(0, loan) == 0
    assert table.take(0, again) == 6


def test_slots_do_not_touch_each_other(table: StepTable) -> None:
    loans = [table.lend(slot, slot * 10) for slot in range(3)]
    assert [table.take(slot, loan) for slot, loan in enumerate(loans)] == [1, 11, 21]


def test_the_numbers_of_loans_go_round(table: StepTable) -> None:
    loans = set()
    for _ in range(3):
        loans.add(table.lend(2, 1))
        table.end(2)
    assert len(loans) == 3
    assert max(loans) < LOANS


def test_processes_that_take_at_once_never_take_the_same_step(table: StepTable) -> None:
    loan, count = table.lend(0, 0), 2000
    reading, writing = os.pipe()
    children = []
    for _ in range(3):
        if not (child := os.fork()):
            steps = [table.take(0, loan) for _ in range(count)]
            os.write(writing, b"".join(step.to_bytes(4, "big") for step in steps[:5000]))
            os._exit(0)
        children.append(child)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    for child in children:
        os.waitpid(child, 0)
    steps = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]
    assert sorted(steps) == list(range(1, 3 * count + 1))


def test_a_process_killed_while_it_holds_a_word_blocks_nobody(table: StepTable) -> None:
    loan = table.lend(0, 0)
    reading, writing = os.pipe()
    if not (child := os.fork()):
        with table._locked(0):
            os.write(writing, b"!")
            signal.pause()
    assert os.read(reading, 1) == b"!"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert table.take(0, loan) == 1
    os.close(reading)
    os.close(writing)
