"""Where everything lived, told from what changed since."""

import pytest

from gateway.errors import UsageError
from gateway.model.recording import Revision
from gateway.routes.history import environments_at, in_force_at, read_moment


def revision(hour, *changes):
    return Revision(f"r{hour}", f"2026-11-22T{hour:02}:00:00.000000Z", "file", changes, "")


HISTORY = [
    revision(9, "orders: qa -> dev", "payments: added"),
    revision(8, "orders: test -> qa", "users: upstream qa http://a -> http://b"),
    revision(7),
]
NOW = {"orders": "dev", "payments": "qa", "users": "qa"}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-22T10:00", NOW),
        ("2026-11-22T08:30", {"orders": "qa", "users": "qa"}),
        ("2026-11-22T09:30+02:00", {"orders": "test", "users": "qa"}),
    ],
)
def test_later_changes_are_undone(at, expected):
    assert environments_at(NOW, HISTORY, in_force_at(HISTORY, read_moment(at))) == expected


def test_before_the_first_nothing_is_known():
    assert in_force_at(HISTORY, read_moment("2026-11-22")) is None


def test_what_is_not_a_time_says_so():
    with pytest.raises(UsageError, match="is not a time"):
        read_moment("yesterday")
