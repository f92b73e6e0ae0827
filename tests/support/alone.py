"""Runs the tests that failed beside others once more, alone: `python tests/support/alone.py STATUS`.

The suite starts whole gateways, databases and browsers on every core. A machine that is shared can stop one of
them for seconds, which is no fault of the product. So a test that failed runs once more with nothing beside it.
Both runs are printed, a test that passes only alone is named, and it counts as failed unless it passes then.
A run that ended in another way than by failed tests, or with more than `AT_MOST` of them, is not repeated.
"""

import json
import subprocess
import sys
from pathlib import Path

AT_MOST = 5
TESTS_FAILED = 1  # pytest's exit code for "some tests failed"; 2 and above: interrupted, internal error, usage


def last_failed(root: Path) -> list[str]:
    """The node ids that failed in the last run below the folder, sorted. None where nothing was noted."""
    try:
        noted = json.loads((root / ".pytest_cache/v/cache/lastfailed").read_text("utf-8"))
    except FileNotFoundError:
        return []
    return sorted(noted)


def run_again(root: Path, status: int) -> int:
    """The exit code that counts: `status` itself, or that of the second run where there is one."""
    failed = last_failed(root)
    if status != TESTS_FAILED or not 0 < len(failed) <= AT_MOST:
        return status
    print(f"\n{len(failed)} failed beside other tests. Once more, alone:", *failed, sep="\n  ", flush=True)
    again = subprocess.run([sys.executable, "-m", "pytest", "-n", "0", *failed], cwd=root).returncode
    if again == 0:
        print("\nUNSTABLE: passed alone, failed beside other tests:", *failed, sep="\n  ")
    return again


if __name__ == "__main__":
    sys.exit(run_again(Path.cwd(), int(sys.argv[1])))
