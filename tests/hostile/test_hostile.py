"""A share of every hostile kind within the suite's time; `make hostile` sends them all and measures the pauses."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_share_of_every_kind_is_held():
    command = [
        sys.executable,
        "-m",
        "tests.hostile",
        "--share",
        "0.05",
        "--settle",
        "0",
        "--longest",
        "0",
        "--seed",
        "7",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
    assert "0 held" not in ended.stdout.splitlines()[-1]
