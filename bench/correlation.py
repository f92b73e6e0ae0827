"""How well correlation finds links, what each of its rules is worth, and how long it takes.

    python bench/correlation.py [WORLDS]

Precision counts automatic bindings only; recall counts links that are bound automatically. The sessions are those of
tests/correlation/sessions, written by hand, those of tests/correlation/held_out, measured before any rule had seen
them (docs/correlation.md has the figures of that day), and WORLDS made-up ones (default 200). Times are CPU seconds:
other programs on the machine do not count.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from generating import generated
from judging import Score, all_sessions, held_out, judge
from sessions import Labelled

from gateway.correlation import ScoringRules, correlate

ABLATIONS = (
    ("all rules", ScoringRules()), ("no echo rule", ScoringRules(echo=False)),
    ("no entropy", ScoringRules(entropy=False)), ("no names", ScoringRules(names=False)),
)  # fmt: skip


def scores(sessions: Iterable[Labelled], rules: ScoringRules) -> dict[str, Score]:
    """By kind of session."""
    found: dict[str, Score] = defaultdict(Score)
    for labelled in sessions:
        found[labelled.kind].add(judge(labelled, correlate(labelled.exchanges, rules=rules)))
    return found


def total(found: dict[str, Score]) -> Score:
    whole = Score()
    for score in found.values():
        whole.add(score)
    return whole


def line(name: str, score: Score) -> str:
    return (
        f"{name:<24}{score.precision:>10.4f}{score.recall:>10.4f}{score.true:>8}{score.false:>8}"
        f"{score.suggested + score.noise:>13}"
    )


HEAD = f"{'':<24}{'precision':>10}{'recall':>10}{'links':>8}{'false':>8}{'suggestions':>13}"


def main(worlds: int = 200) -> None:
    sets = {"by hand": all_sessions(), **{f"held out, {name}": found for name, found in held_out().items()}}
    sets["made up"] = [generated(seed) for seed in range(worlds)]
    for name, sessions in sets.items():
        print(f"{name}: {len(sessions)} sessions\n{HEAD}")
        found = scores(sessions, ScoringRules())
        for kind, score in sorted(found.items()):
            print(line(kind, score))
        print(line("together", total(found)) + "\n")
    print(f"what each rule is worth (all sessions)\n{HEAD}")
    everything = [each for sessions in sets.values() for each in sessions]
    for name, rules in ABLATIONS:
        print(line(name, total(scores(everything, rules))))
    print("\nCPU time for one recording, best of three")
    for steps in (100, 1000, 10_000):
        exchanges = generated(5, steps).exchanges
        took = min(timed(exchanges) for _ in range(3 if steps < 10_000 else 1))
        print(f"{steps:>6} exchanges  {took:6.3f} s")


def timed(exchanges: list) -> float:
    begin = time.process_time()
    correlate(exchanges)
    return time.process_time() - begin


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] if word.isdigit()))
