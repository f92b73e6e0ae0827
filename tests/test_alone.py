"""How `make test` repeats what failed: once, alone, and only after a run whose tests failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alone import AT_MOST, run_again

PASSES_ALONE = """
from pathlib import Path

def test_fails_beside_others():
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""


def suite(folder: Path, text: str) -> int:
    """The exit code of a first run of these tests."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(text)
    return subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=folder, stdout=subprocess.DEVNULL).returncode


def test_what_passes_alone_is_named_and_ends_well(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_again(tmp_path, suite(tmp_path, PASSES_ALONE)) == 0
    assert "UNSTABLE: passed alone" in capfd.readouterr().out


def test_what_fails_again_fails(tmp_path: Path) -> None:
    text = f"{PASSES_ALONE}\ndef test_always():\n    assert False\n"
    assert run_again(tmp_path, suite(tmp_path, text)) == 1


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("def test_well():\n    pass\n", 0),
        ("import nothing_of_this_name\n", 2),
        ("".join(f"def test_{n}():\n    assert False\n" for n in range(AT_MOST + 1)), 1),
    ],
    ids=["nothing failed", "collection broke", "too many"],
)
def test_no_second_run(tmp_path: Path, text: str, status: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert suite(tmp_path, text) == status
    assert run_again(tmp_path, status) == status
    assert "alone" not in capfd.readouterr().out
