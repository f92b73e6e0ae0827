"""The links that a flow needs, told by two recordings of it on two servers, and how many of them correlation finds."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.correlation import correlate
from gateway.correlation.request_values import Need, needs
from gateway.correlation.response_values import places
from gateway.model.exchange import Exchange
from gateway.replay.differences.step_pairs import align
from gateway.store.sqlite.reader import SqliteStore

BROWSERS = ("user-agent", "cookie", "authorization", "baggage", "sentry-trace")


def count_links(db: Path, first: str, second: str) -> tuple[tuple[int, int, int], list[str]]:
    """(found, needed, false), and the needed ones that were not found.

    A place of a request is a link when both runs have other values there, and each run's value stood in an earlier
    response of that run and in none of its requests before. It is found when a binding in force covers the place.
    """
    store = SqliteStore(db)
    one, other = (everything(store, each) for each in (first, second))
    found = correlate(one)
    bound = {(each.sink.step, each.sink.part, each.sink.path): each for each in found.in_force}
    needed: set[tuple[int, str, str]] = set()
    stayed: set[tuple[int, str, str]] = set()
    for i, j in align(one, other):
        if i is None or j is None:
            continue
        there = {(need.sink.part, need.sink.path): need for need in needs(other[j].request, 0)}
        for need in needs(one[i].request, one[i].step):
            again = there.get((need.sink.part, need.sink.path))
            key = (need.sink.step, need.sink.part, need.sink.path)
            if again is None or need.sink.part == "cookie" or need.sink.path in BROWSERS:  # the jar's business
                continue
            if need.value == again.value:
                stayed.add(key)
            elif produced(need, one[:i]) and produced(again, other[:j]):
                needed.add(key)
    missed = needed - bound.keys()
    false = {key for key in stayed & bound.keys() if not same_source(bound[key], one, other)}
    return (len(needed - missed), len(needed), len(false)), [":".join(map(str, key)) for key in sorted(missed)]


def same_source(binding: object, one: list[Exchange], other: list[Exchange]) -> bool:
    """Whether the source, too, gave one value in both runs: then nothing is known."""
    from gateway.correlation import Binding, extract

    assert isinstance(binding, Binding)
    pairs = {one[i].step: other[j] for i, j in align(one, other) if i is not None and j is not None}
    again = pairs.get(binding.source.step)
    return again is None or extract(again, binding.source, binding.transforms) in (None, binding.value)


def produced(need: Need, before: list[Exchange]) -> bool:
    """Whether a response had the value, or a long piece of it, before any request did."""
    pieces = [need.value, *re.findall(r"[\w.-]{6,}", need.value), *(inner.value for inner in need.inner)]
    said: set[str] = set()
    for exchange in before:
        for other in needs(exchange.request, exchange.step):
            said |= {other.value, *(inner.value for inner in other.inner)}
        if exchange.response is not None:
            shown = {place.value for place in places(exchange.response, ())} - said
            if any(piece in shown for piece in pieces):
                return True
            if any(len(piece) > 7 and piece not in said and any(piece in one for one in shown) for piece in pieces):
                return True
    return False


def everything(store: SqliteStore, recording: str) -> list[Exchange]:
    page = store.exchanges(recording)
    found = list(page.items)
    while page.next:
        page = store.exchanges(recording, cursor=page.next)
        found += page.items
    return found
