"""Ready what-ifs name places that exist in the step, and every one of them can be tried."""

from __future__ import annotations

import json

from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request
from gateway.replay.branch import edited, read_set, read_unset
from gateway.replay.what_if_gallery import gallery, unknown


def a_step():
    body = json.dumps({"isbn": "978-1", "qty": 2, "password": "sealed_aaaaaaaaaaaaaaaaaaaa_16"}).encode()
    headers = (
        ("Content-Type", "application/json"), ("Authorization", "Bearer sealed_aaaaaaaaaaaaaaaaaaaa_16"),
        ("If-Match", '"7"'),
    )  # fmt: skip
    request = Request("1.1", headers, Body(len(body), body), method="PUT", target="/api/v1/orders/70001?page=2")
    return Exchange("X", "R", 1, "s", "", "", request, cluster="orders", environment="qa")


def test_each_kind_is_offered():
    titles = [one.title for one in gallery(a_step(), ("dev", "qa"))]
    assert titles[:4] == [
        "unknown orders 99999",
        "without page",
        "the same on dev",
        "not signed in: without Authorization",
    ]
    assert {"with a token that is not valid", "with a stale ETag", "without isbn", "qty of the wrong type"} <= {*titles}
    assert not any("v1" in title or "sealed" in title or "on qa" in title for title in titles)


def test_every_one_of_them_changes_the_request():
    step = a_step()
    for one in gallery(step):
        edits = [*map(read_set, one.body.get("set", ())), *map(read_unset, one.body.get("unset", ()))]
        assert edited(step.request, edits) != step.request or one.kind in ("elsewhere", "repeat", "order", "fault"), one


def test_an_unknown_value_keeps_its_kind():
    assert (unknown("978-1"), unknown("99"), unknown("a1b2")) == ("999-9", "999", "a9b9")
