"""`make demo` on a terminal: Ctrl-C ends it well."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds


def environment(folder: Path) -> Path:
    """Stands for the environment that make would install: the same gateway, in this interpreter."""
    (folder / "bin").mkdir(parents=True)
    gateway = folder / "bin" / "gateway"
    gateway.write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
    gateway.chmod(0o755)
    (folder / ".run").touch()
    return folder


def on_terminal(words: list[str], until: str) -> tuple[str, int]:
    """What a command writes on a terminal, and its exit code; Ctrl-C is typed once `until` is seen."""
    terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    process = subprocess.Popen(
        [sys.executable, "-c", terminal, *words], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    said = ""
    while until not in said and (line := process.stdout.readline()):
        said += line
    process.stdin.write("\x03")
    process.stdin.flush()
    rest, _ = process.communicate(timeout=PATIENCE)
    return said + rest, process.returncode


def test_ctrl_c_ends_make_demo_well(tmp_path):
    venv = environment(tmp_path / "venv")
    said, code = on_terminal(["make", "demo", "PORT=0", f"VENV={venv}"], "Ctrl-C stops")
    assert "stopping ..." in said
    assert "Error" not in said
    assert code == 0


def test_make_demo_says_that_its_recordings_go_and_keeps_them_where_it_is_told(tmp_path):
    venv = environment(tmp_path / "venv")
    said, _ = on_terminal(["make", "demo", "PORT=0", f"VENV={venv}"], "to keep them")
    assert "gateway demo -r FILE, or make demo RECORDINGS=FILE" in said
    file = tmp_path / "kept" / "demo.db"
    said, code = on_terminal(["make", "demo", "PORT=0", f"VENV={venv}", f"RECORDINGS={file}"], "Ctrl-C stops")
    assert code == 0 and "to keep them" not in said and str(file) in said
    assert file.stat().st_size
