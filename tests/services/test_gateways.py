"""What the board says of the gateways of one database."""

from __future__ import annotations

import pytest

from gateway.protocols import Heartbeat
from gateway.services.gateways import gateways_line

SAME = {"revision": "a", "demos": "b", "version": "0.1", "problems": 0, "missed": 0, "spooled": 0}


def beat(name: str, age: float = 1.0, skew: float = 0.0, **facts: object) -> Heartbeat:
    return Heartbeat(name, age, skew, SAME | facts)


@pytest.mark.parametrize(
    ("last", "line"),
    [
        (beat("gw-3"), "3 gateways"),
        (beat("gw-3", age=9.2), "3 gateways; gw-3 is 9 s behind"),
        (beat("gw-3", demos="c"), "3 gateways; gw-3 has other demos"),
        (beat("gw-3", revision="z", problems=1), "3 gateways; gw-3 has other routes, refuses its routes.yaml"),
        (beat("gw-3", version="0.2"), "3 gateways; gw-3 has another version"),
        (beat("gw-3", skew=600.0), "3 gateways; gw-3 has a clock that is 600 s ahead"),
        (beat("gw-3", skew=-60.0), "3 gateways; gw-3 has a clock that is 60 s behind"),
        (beat("gw-3", spooled=5000, missed=1), "3 gateways; gw-3 keeps 4 KiB for the database, missed 1 exchange"),
        (Heartbeat("gw-3", 1.0, 0.0, {}), "3 gateways"),  # it has just begun
    ],
    ids=lambda one: one if isinstance(one, str) else "-",
)  # fmt: skip
def test_the_line_names_what_one_does_otherwise(last: Heartbeat, line: str) -> None:
    assert gateways_line([beat("gw-1"), beat("gw-2"), last]) == line


def test_one_gateway_is_worth_no_line_until_something_is_wrong() -> None:
    assert gateways_line([]) == gateways_line([beat("gw-1")]) == ""
    assert gateways_line([beat("gw-1", missed=2)]) == "1 gateway; gw-1 missed 2 exchanges"
