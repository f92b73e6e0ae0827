"""Where the files that ship with the gateway lie: beside the package in a checkout, inside it once installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The templates: layout.html, console/, demos/."""
    shipped = PACKAGE / "_templates"
    return shipped if shipped.is_dir() else PACKAGE.parent / "templates"


def static_dir() -> Path:
    """Style sheets, scripts and what is vendored."""
    return PACKAGE / "static"
