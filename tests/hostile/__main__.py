"""`make hostile`: sends every kind of hostile input to a gateway and prints what held.

Options: --seed N, --share F (of every kind's count, for a quick look), and names of kinds. Exit 1 when anything came
through, when a gateway ended, when the event loop paused longer than LONGEST_PAUSE, or when memory grew beyond GROWTH.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from .kinds import SETUPS, Kind, kinds
from .lab import Lab

LONGEST_PAUSE = 50.0  # ms
GROWTH = 256 << 20  # bytes of one gateway from its first kind to its last; bodies and caches have limits below that
SHOWN = 5  # failures of a kind that are printed


@dataclass(slots=True)
class Result:
    kind: Kind
    tried: int = 0
    came_through: list[str] = field(default_factory=list)
    seconds: float = 0.0
    pause: float = 0.0  # ms
    own: float = 0.0  # ms of processor time that the loop's thread took of a pause
    growth: int = 0  # bytes of memory from before the kind to after it

    @property
    def line(self) -> str:
        held = self.tried - len(self.came_through)
        return (
            f"{self.kind.name:<14} {self.tried:>6} {held:>6} {self.pause:>8.0f} ms {self.own:>5.0f} ms {self.growth / (1 << 20):>8.1f} MiB "
            f"{self.seconds:>7.1f} s  {self.kind.what}"
        )


def run_kind(kind: Kind, lab: Lab, *, seed: int, share: float) -> Result:
    """Send the trials of a kind; a gateway that ends takes the rest of them with it."""
    result = Result(kind)
    begun, before = time.monotonic(), lab.memory()
    kind.prepare(lab)
    for trial in kind.trials(Random(f"{seed}/{kind.name}"), max(1, round(kind.count * share))):
        result.tried += 1
        try:
            problem = trial.attempt(lab)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if not lab.is_alive:
            problem = "the gateway ended"
        if problem:
            result.came_through.append(f"{trial.name}: {problem}")
        if not lab.is_alive:
            break
    time.sleep(0.05)
    result.seconds = time.monotonic() - begun
    pauses = list(lab.pauses(begun))
    result.pause, result.own = (max((pause[at] for pause in pauses), default=0.0) for at in (0, 1))
    result.growth = max(0, lab.memory() - before)
    return result


def run(chosen: Sequence[Kind], *, seed: int, share: float, settle: float) -> list[Result]:
    """Every kind, on one gateway for each setup, as the lines are printed."""
    results = []
    print(
        f"{'kind':<14} {'tried':>6} {'held':>6} {'pause':>11} {'of it own':>8} {'memory':>12} {'took':>9}  what holds",
        flush=True,
    )
    for setup in SETUPS:
        mine = [kind for kind in chosen if kind.setup == setup]
        if not mine:
            continue
        lab = Lab(SETUPS[setup], {name: text for kind in mine for name, text in kind.files.items()})
        try:
            lab.start(settle=settle)
            for kind in mine:
                results.append(run_kind(kind, lab, seed=seed, share=share))
                print(results[-1].line, flush=True)
                for failure in results[-1].came_through[:SHOWN]:
                    print(f"    {failure[:400]}", flush=True)
                if not lab.is_alive:
                    break
        finally:
            lab.stop()
    return results


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("kinds", nargs="*", help="only these")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--settle", type=float, default=4.0, help="seconds that a gateway stands before the first input"
    )
    parser.add_argument(
        "--longest", type=float, default=LONGEST_PAUSE, help="ms of the longest pause; 0: it may be any"
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the count of each kind")
    args = parser.parse_args(argv)
    chosen = [kind for kind in kinds() if not args.kinds or kind.name in args.kinds]
    results = run(chosen, seed=args.seed, share=args.share, settle=args.settle)
    tried, through = (sum(n) for n in zip(*((r.tried, len(r.came_through)) for r in results), strict=True))
    pause, own, growth = max(r.pause for r in results), max(r.own for r in results), sum(r.growth for r in results)
    print(f"{tried} inputs, {tried - through} held; seed {args.seed}; the longest pause of the event loop {pause:.0f} ms, "
          f"of its own processor time {own:.0f} ms; "
          f"memory grew by {growth / (1 << 20):.1f} MiB")  # fmt: skip
    ok = not through and (not args.longest or pause < args.longest) and growth < GROWTH and len(results) == len(chosen)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
