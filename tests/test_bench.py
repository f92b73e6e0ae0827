"""`make bench` begins: every part of it is found, and finds what it needs. What it measures is no test's business."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = re.findall(r'"(\w+)"', re.search(r"(?s)ALL = \((.*?)\)", (ROOT / "bench" / "__main__.py").read_text())[1])


@pytest.mark.parametrize("part", PARTS)
def test_a_part_can_be_run_by_its_name(part):
    """It is run as `python -m bench` runs it, but under another name than __main__, so that nothing is measured."""
    words = f"import sys; sys.path.insert(0, 'bench'); from runpy import run_path; run_path('bench/{part}.py')"
    ended = subprocess.run([sys.executable, "-W", "error", "-c", words], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
