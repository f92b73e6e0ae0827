"""What the flows share: their command line, and facts that name no id."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

TAG = os.environ.get("TAG", "a")  # of names that a server wants to be unique


def main(seed: Callable[[str], None], flow: Callable[[str, str], None], state: Callable[[str], Iterable[str]]) -> None:
    """`seed BASE` gives a server records of its own, `run BASE SESSION` is the flow, `state BASE` prints its facts."""
    what, base = sys.argv[1], sys.argv[2].rstrip("/")
    if what == "seed":
        seed(base)
    elif what == "run":
        flow(base, sys.argv[3])
        print("FLOW OK")
    else:
        print("\n".join(sorted(state(base))))


def check(fine: object, *said: object) -> None:
    """Ends the flow when a response is not what it needs."""
    if not fine:
        raise SystemExit(f"FLOW FAILED: {said}")
