"""`make fuzz`: every target for some seconds, led by the lines that its inputs reach; exit 1 when a parser failed.

Options: --seconds S for each target, --seed N, and names of targets. Failing inputs are written to --save DIR.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from .engine import fuzz
from .targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, default=None)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    failed = 0
    print(f"{'target':<12} {'inputs':>8} {'lines':>6} {'kept':>6} {'failed':>7}")
    for target in TARGETS:
        if args.names and target.name not in args.names:
            continue
        result = fuzz(target, seed=args.seed, seconds=args.seconds)
        failed += len(result.failures)
        print(
            f"{target.name:<12} {result.executed:>8} {result.lines:>6} {len(result.kept):>6} {len(result.failures):>7}",
            flush=True,
        )
        for why, data in list({why: data for data, why in result.failures}.items())[:5]:
            print(f"    {why[:200]}: {data[:120]!r}")
            if args.save is not None:
                args.save.mkdir(parents=True, exist_ok=True)
                (args.save / f"{target.name}-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
