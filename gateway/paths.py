"""Where files lie: those that ship with the gateway, and the one that says where a gateway runs."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The templates: layout.html, console/, demos/. Inside the package once installed, beside it in a checkout."""
    shipped = PACKAGE / "_templates"
    return shipped if shipped.is_dir() else PACKAGE.parent / "templates"


def static_dir() -> Path:
    """Style sheets, scripts and what is vendored."""
    return PACKAGE / "static"


def run_file(recordings: Path) -> Path:
    """{"url", "console", "recordings", "pid", "token"} of the gateway that runs here; commands find it by this."""
    return recordings.parent / "gateway.run.json"
