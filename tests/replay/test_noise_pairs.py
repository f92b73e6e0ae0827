"""Pairs of values from two runs of one chain, as real servers write them: what is harmless, and what a person has to know.

Covers gateway/replay/differences/value_kinds.py and gateway/replay/differences/header_kinds.py.

Covers: replay/differences/list_noise, replay/differences/value_kinds.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.replay.differences.difference import context_of, diff_answers, outcome
from gateway.replay.differences.value_kinds import judge

GROUPS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("noise_pairs.yaml").read_text())
TYPES = {"json": "application/json", "xml": "text/xml", "html": "text/html", "text": "text/plain", "csv": "text/csv"}


def an_exchange(pair: dict[str, Any], side: str) -> Exchange:
    """The exchange whose answer holds one side of a pair."""
    where, _, name = pair["where"].partition(" ")
    value, headers = pair[side], [("Content-Type", TYPES.get(where, "application/json"))]
    body = "{}"
    if where == "header":
        headers = [*([] if name.lower() == "content-type" else headers), (name, value)]
    elif where == "json":
        document: Any = value
        for part in reversed(name.split("/")[1:]):
            document = {part: document}
        body = json.dumps(document)
    else:
        body = value
    data = body.encode()
    return Exchange(
        "X1", "R", 1, "s", "2026-11-30T10:00:00.000000Z", "http://127.0.0.1:8080/api/shop/things",
        Request(target="/api/shop/things"), Response("1.1", tuple(headers), Body(len(data), data)), status=200,
        cluster="shop", environment="qa", upstream_url="http://127.0.0.1:9000/things",
    )  # fmt: skip


def verdict(pair: dict[str, Any], *, moved: bool = False) -> str:
    """The outcome of a step whose answer differs in this pair alone."""
    recorded, live = an_exchange(pair, "a"), an_exchange(pair, "b")
    if moved:
        live = replace(live, environment="test", upstream_url="http://127.0.0.1:9001/things")
    context = context_of(recorded, live)
    if pair.get("used"):
        context = replace(context, used=lambda value, name: True)
    return outcome(diff_answers(recorded, live, context))


def pairs(label: str) -> Iterator[Any]:
    for group in GROUPS:
        for pair in group[label]:
            yield pytest.param(pair, id=f"{group['group']}: {pair['where']} ({pair['of']}) {str(pair['a'])[:30]}")


@pytest.mark.parametrize("moved", [False, True], ids=["same environment", "another environment"])
@pytest.mark.parametrize("pair", list(pairs("harmless")))
def test_what_every_run_has_of_its_own_is_expected(pair: dict[str, Any], moved: bool) -> None:
    assert verdict(pair, moved=moved) in ("same", "expected")


@pytest.mark.parametrize("moved", [False, True], ids=["same environment", "another environment"])
@pytest.mark.parametrize("pair", list(pairs("real")))
def test_what_a_person_has_to_know_is_never_expected(pair: dict[str, Any], moved: bool) -> None:
    assert verdict(pair, moved=moved) in ("unsure", "differs")


def test_the_corpus_is_large_and_the_real_ones_are_seldom_unsure() -> None:
    real = [pair for group in GROUPS for pair in group["real"]]
    assert len(real) + sum(len(group["harmless"]) for group in GROUPS) >= 220
    unsure = [pair for pair in real if verdict(pair) == "unsure"]
    assert len(unsure) <= len(real) // 10, unsure


@given(
    st.binary(min_size=1, max_size=64), st.binary(min_size=1, max_size=64), st.sampled_from(["sha1", "sha256", "md5"])
)
def test_any_entity_tag_of_any_server_is_expected(one: bytes, other: bytes, how: str) -> None:
    """By the hash of the body, in hex or base64, whole or cut, weak or strong: as Express, Rails, nginx and S3 do it."""
    digests = [hashlib.new(how, each).digest() for each in (one, other)]
    for spell in (
        lambda digest: f'W/"{len(digest):x}-{base64.b64encode(digest).decode()[:27]}"',
        lambda digest: f'"{digest.hex()}"',
        lambda digest: f'W/"{digest.hex()[:32]}"',
        lambda digest: f'"{base64.urlsafe_b64encode(digest).decode()}"',
        lambda digest: f'"{digest.hex()[:8]}-{digest[0]:x}"',
    ):
        a, b = map(spell, digests)
        assert verdict({"where": "header ETag", "a": a, "b": b}) in ("same", "expected")


@given(
    st.text("abcdefghijklmnopqrstuvwxyz ", min_size=1, max_size=30),
    st.text("abcdefghijklmnopqrstuvwxyz ", min_size=1, max_size=30),
)
def test_words_are_never_noise(one: str, other: str) -> None:
    told = judge("comment", one, other)
    assert told.kind in ("data", "unknown") or one == other or not one.strip() or "now" in (one, other)


@given(
    st.sampled_from(["price", "amount", "qty", "balance", "title", "status", "email"]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_what_people_mean_is_never_noise(name: str, one: int, other: int) -> None:
    assert judge(name, one, other).kind == "data"
    assert judge(name, str(one), str(other)).kind == "data"
