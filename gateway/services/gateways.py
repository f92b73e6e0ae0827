"""The gateways that share a database, and what one of them does otherwise than the others, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..protocols import Heartbeat

LATE: Final = 5.0  # seconds since the last heartbeat; one comes every two
SKEW: Final = 5.0  # seconds between a gateway's clock and the database's


def gateways_line(beats: Sequence[Heartbeat]) -> str:
    """Such as "3 gateways; gw-2 is 4 s behind, has other demos"; "" where there is one gateway and nothing to say."""
    news = [f"{one.name} {', '.join(words)}" for one in beats if (words := list(_news(one, beats)))]
    if len(beats) < 2 and not news:
        return ""
    return "; ".join((f"{len(beats)} gateway{'' if len(beats) == 1 else 's'}", *news))


def _news(one: Heartbeat, beats: Sequence[Heartbeat]) -> Iterator[str]:
    if one.age > LATE:
        yield f"is {one.age:.0f} s behind"
    for fact, what in (("revision", "routes"), ("demos", "demos"), ("version", "version")):
        usual = _most(str(each.facts.get(fact, "")) for each in beats if each.age <= LATE)
        if usual and (own := str(one.facts.get(fact, ""))) and own != usual:
            yield f"has {'another' if what == 'version' else 'other'} {what}"
    if one.facts.get("problems"):
        yield "refuses its routes.yaml"
    if abs(one.skew) > SKEW:
        yield f"has a clock that is {abs(one.skew):.0f} s {'ahead' if one.skew > 0 else 'behind'}"
    if spooled := int(one.facts.get("spooled", 0)):
        yield f"keeps {max(1, spooled >> 10)} KiB for the database"
    if missed := int(one.facts.get("missed", 0)):
        yield f"missed {missed} exchange{'' if missed == 1 else 's'}"


def _most(values: Iterator[str]) -> str:
    """What most have; of two that are as frequent the first by name, so that all gateways say the same."""
    known = [one for one in values if one]
    return min(set(known), key=lambda one: (-known.count(one), one), default="")
