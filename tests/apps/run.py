"""Real servers with their own clients: recorded on one, replayed on another, played back with both stopped.

    python tests/apps/run.py FOLDER [SERVER ...]      (make apps)

Installs the servers into FOLDER, prints a table, and for every row what is behind it. The exit code is 1 when a server's
state is wrong without a step that says so, when a false link was found, or when a step that did harm was called right.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from installing import install  # noqa: E402
from running import Found, table, trial  # noqa: E402
from servers import APPS  # noqa: E402


def main(folder: Path, names: list[str]) -> int:
    install(folder)
    rows: list[Found] = []
    with tempfile.TemporaryDirectory() as scratch:
        for app in APPS:
            if names and not any(name.lower() in app.name.lower() for name in names):
                continue
            begun = time.monotonic()
            rows.append(row := trial(app, folder, Path(scratch) / app.flow))
            print(f"== {row.app}: {row.missing or row.outcome} ({time.monotonic() - begun:.0f} s)", flush=True)
            for name in ("truth", "unbound", "odd"):
                for line in getattr(row, name):
                    print(f"   {name}: {line}", flush=True)
    (folder / "result.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))
    print("\n" + table(rows))
    return 1 if any(map(is_wrong, rows)) else 0


def is_wrong(row: Found) -> bool:
    """Whether the replay did harm without a word, or a link is false."""
    silent = row.truth and row.outcome in ("same", "expected")
    return bool(silent or row.links[2])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
