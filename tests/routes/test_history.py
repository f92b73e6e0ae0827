"""Where everything lived at a moment: compiled from the revision that was in force then."""

import pytest

from gateway.errors import UsageError
from gateway.model.recording import Revision
from gateway.routes.history import environments_at, in_force_at, read_moment
from gateway.routes.parse import bundle

HEAD = "version: 1\nenvironments: [dev, qa]\n"


def cluster(name, environment="dev", more=""):
    return f"  {name}: {{path: /api/{name}, environment: {environment}, upstreams: {{dev: http://a, qa: http://b}}{more}}}\n"


def revision(hour, text):
    return Revision(f"r{hour}", f"2026-11-22T{hour:02}:00:00.000000Z", "file", (), text)


TEAM = bundle({
    "routes.yaml": HEAD + 'include: ["clusters/**/*.yaml"]\nclusters:\n' + cluster("a"),
    "clusters/b.yaml": "clusters:\n" + cluster("b", "qa"),
    "clusters/team/c.yaml": "clusters:\n" + cluster("c"),
})  # fmt: skip
HISTORY = [
    revision(11, HEAD + "clusters:\n" + cluster("orders", "dev") + cluster("payments", "qa")),
    revision(10, TEAM),
    revision(9, HEAD + "clusters:\n" + cluster("orders", "qa") + cluster("users", "dev")),
    revision(8, HEAD + "clusters:\n" + cluster("orders", "qa", ", writes: '${GONE:?set it}'")),
    revision(7, HEAD + "clusters:\n" + cluster("shop")),
]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-22T12:00", {"orders": "dev", "payments": "qa"}),
        ("2026-11-22T10:30", {"a": "dev", "b": "qa", "c": "dev"}),  # files of folders, too
        ("2026-11-22T09:30", {"orders": "qa", "users": "dev"}),  # a cluster that was removed since
        ("2026-11-22T10:30+02:00", {"orders": "qa"}),  # one whose variable is gone
        ("2026-11-22T07:00", {"shop": "dev"}),  # one under another name since
    ],
)
def test_the_table_as_of_a_moment(at, expected):
    then = in_force_at(HISTORY, read_moment(at))
    assert then is not None
    assert environments_at(then) == expected


def test_a_text_that_cannot_be_read_holds_nothing():
    assert environments_at(revision(1, "clusters: [")) == {}


def test_before_the_first_nothing_is_known():
    assert in_force_at(HISTORY, read_moment("2026-11-22")) is None


def test_what_is_not_a_time_says_so():
    with pytest.raises(UsageError, match="is not a time"):
        read_moment("yesterday")
