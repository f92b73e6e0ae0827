"""Every parser of foreign bytes under seeded mutations; `make fuzz` goes on for longer, led by the lines that are reached."""

import pytest

from .engine import Target, fuzz
from .targets import TARGETS

COUNT = {"requests": 25, "responses": 25}  # each has sockets of its own


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_makes_a_parser_fail_or_hang(target: Target) -> None:
    result = fuzz(target, seed=1, count=COUNT.get(target.name, 150))
    assert result.executed >= COUNT.get(target.name, 150)
    assert [(why, data[:300]) for data, why in result.failures] == []


def test_a_target_that_fails_is_told() -> None:
    def breaks(data: bytes) -> None:
        if b"x" in data:
            raise KeyError("x")

    result = fuzz(Target("t", breaks, [b"abc", b"xyz"]), seed=1, count=40)
    assert result.failures
    assert result.failures[0][1] == "KeyError: 'x'"
