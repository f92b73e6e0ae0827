"""Makes a new demo out of a recording, in a folder where the gateway will find it. I/O."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from ...errors import UsageError
from ...paths import templates_dir
from ...protocols import Options, Store
from ..registry import demo_folder, demo_paths
from ..run_sources import FILE
from .scaffold import new_demo

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
MOST = 200  # steps; nobody clicks through more


def from_recording(store: Store, ref: str, *, title: str = "") -> str:
    """demo.yaml for a recording; NotFoundError when there is none. Blocking. UsageError when it has no steps."""
    recording = store.recording(ref)
    page = store.exchanges(recording.id, limit=MOST)
    if not page.items:
        raise UsageError("the recording has no steps", where=recording.id)
    return new_demo(recording, page.items, store.decisions(recording.id), title=title)


def own_folder(options: Options, templates: Sequence[Path] = ()) -> Path:
    """Where a new demo belongs: the folder of your own demos, even if it is empty."""
    found, shipped = demo_folder(options, templates), templates_dir()
    is_own = found != shipped / "demos" or shipped.resolve() == (options.routes.parent / "templates").resolve()
    return found if is_own else (options.templates or options.routes.parent / "templates") / "demos"


def write_demo(folder: Path, name: str, text: str) -> Path:
    """Write `folder`/NAME/demo.yaml and give its path; UsageError when there is one. Blocking.

    Your own demos replace those that ship: the first one takes these along, so that none vanishes.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name[:80]!r} cannot name a demo: use small letters, digits, - and _")
    file = folder / name / FILE
    try:
        if not demo_paths(folder):
            _take_along(folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except FileExistsError:
        raise UsageError(f"there is a demo '{name}' already", where=str(file), hint="choose another name") from None
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(file)) from None
    return file


def _take_along(folder: Path) -> None:
    for shipped in demo_paths(templates_dir() / "demos"):
        shutil.copytree(shipped, folder / shipped.name, ignore=shutil.ignore_patterns("__pycache__"))
