"""Which places of a recorded request are known by their role."""

import pytest

from gateway.correlation import Binding, Correlations, Input, Sink, Source
from gateway.replay.playback.matching import names_something, roles_of


def bound(sink, value="5001", status="auto"):
    return Binding("b", Source(1, "json", "/id"), sink, (), value, 0.9, (), status, "", "id")


@pytest.mark.parametrize(
    ("part", "path", "value", "names"),
    [
        ("path", "3", "978-1", True),
        ("header", "If-Match", '"a"', True),
        ("json", "/order_id", "7", True),
        ("json", "/items/0/productId", "7", True),
        ("query", "ids~2", "7", True),
        ("json", "/amount", "12.5", False),
        ("json", "/title", "The Gateway Drug", False),
        ("form", "day", "2026-11-22", False),
        ("json", "/grid", "7", False),
        ("json", "/voucher", "9f8e7d6c5b4a3210", True),
        ("json", "", "7", False),
    ],
)
def test_an_id_names_something_and_a_price_does_not(part, path, value, names) -> None:
    assert names_something(Sink(2, part, path), value) is names


def test_bound_and_generated_places_have_roles_and_nothing_else_has() -> None:
    bindings = (
        bound(Sink(2, "path", "3")),
        bound(Sink(2, "header", "X-CSRF-Token")),
        bound(Sink(3, "json", "/order~1id")),
        bound(Sink(3, "query", "id~2")),
        bound(Sink(4, "path", "3"), status="suggested"),
        bound(Sink(5, "cookie", "sid")),
        bound(Sink(6, "json", "/amount"), "12.5"),
    )
    fresh = Input("request_id", Sink(3, "json", "/requestId"), sinks=(Sink(7, "form", "at"),), generator="uuid4")
    said = Input("user", Sink(1, "json", "/user"))
    assert roles_of(Correlations(bindings, (fresh, said))) == {
        2: {("path", "3"), ("header", "x-csrf-token")},
        3: {("body", "/order~1id"), ("query", "id"), ("body", "/requestId")},
        7: {("body", "at")},
    }
