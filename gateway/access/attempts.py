"""How often somebody may try a token or a password: five wrong ones, then one every ten seconds. Pure."""

from __future__ import annotations

import ipaddress
from typing import Final

BURST: Final = 5.0  # wrong attempts of one address before it has to wait
EVERY: Final = 10.0  # seconds after which one of them is forgotten
ALL_BURST: Final = 50.0  # the same for all addresses together: many addresses are no way around
ALL_EVERY: Final = 1.0
MOST: Final = 10_000  # addresses remembered


class Bucket:
    """Fills by one with every attempt, and empties by time."""

    __slots__ = ("at", "burst", "every", "level")

    def __init__(self, burst: float, every: float) -> None:
        self.burst, self.every = burst, every
        self.level = self.at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until one more fits."""
        self.level = max(0.0, self.level - max(0.0, now - self.at) / self.every)
        self.at = now
        return max(0.0, (self.level + 1 - self.burst) * self.every)


class Attempts:
    """Counts before an attempt is judged, so that many at once are no way around either."""

    def __init__(self) -> None:
        self._all = Bucket(ALL_BURST, ALL_EVERY)
        self._each: dict[str, Bucket] = {}

    def take(self, address: str, now: float) -> float:
        """0 when the attempt may be made, and then it counts as a wrong one; else the seconds to wait."""
        mine = self._each.setdefault(network(address), Bucket(BURST, EVERY))
        wait = max(mine.wait(now), self._all.wait(now))
        if wait <= 0:
            mine.level += 1
            self._all.level += 1
        while len(self._each) > MOST:
            del self._each[next(iter(self._each))]
        return wait

    def right(self, address: str) -> None:
        """The attempt was a right one: what this address did wrong before is forgotten."""
        if self._each.pop(network(address), None):
            self._all.level = max(0.0, self._all.level - 1)


def network(address: str) -> str:
    """One household's IPv6 addresses are one (a /64); anything else stands for itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6:
        return str(found.ipv4_mapped or ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    return address
