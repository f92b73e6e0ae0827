"""Durations and sizes as people write them."""

from __future__ import annotations

import pytest

from gateway.model.units import read_duration, read_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("200ms", 0.2), ("5s", 5), ("5", 5), (5, 5), (0.5, 0.5), ("1.5m", 90), ("2min", 120), ("2h", 7200), ("1d", 86400)],
)
def test_durations(text: str | float, seconds: float) -> None:
    assert read_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5 years", "-1s", "s", "1:30", "1e3", "nan", "5S", "٣s", -1])
def test_what_is_no_duration(text: str | float) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 200ms, 5s, 2m or 2h"):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        (12, 12),
        ("500kB", 500_000),
        ("1MiB", 1 << 20),
        ("2GiB", 2 << 30),
        ("1.5 KiB", 1536),
        ("3M", 3_000_000),
        ("7B", 7),
    ],
)
def test_sizes(text: str | int, count: int) -> None:
    assert read_size(text) == count


@pytest.mark.parametrize("text", ["", "big", "-1", "1XB", "1 MiBs", "MiB", "1mB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as 500kB, 1MiB or 2GiB"):
        read_size(text)
