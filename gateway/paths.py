"""Where files lie: those that ship with the gateway, and the one that says where a gateway runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PACKAGE = Path(__file__).resolve().parent


class DatabasePath(type(Path())):  # type: ignore[misc]  # the class of this system's paths
    """Recordings in a shared database. As a path it is a file that is never made, in the folder of what each gateway
    keeps for itself: keys, sign-ins, its spool. `url` may hold a password; the path names host and database alone."""

    url = ""

    @classmethod
    def of(cls, url: str, folder: Path = Path("recordings")) -> DatabasePath:
        parts = urlsplit(url)
        words = (parts.hostname or "local", str(parts.port or ""), parts.path.strip("/"))
        name = "-".join(re.sub(r"[^\w.]+", "_", word) for word in words if word)
        made = cls(folder / f"{name[:100]}.postgresql")
        made.url = url
        return made

    def exists(self, **given: Any) -> bool:
        return bool(self.url) or super().exists(**given)

    def resolve(self, strict: bool = False) -> DatabasePath:
        made = type(self)(Path(str(self)).resolve())
        made.url = self.url
        return made


def url_of(recordings: Path) -> str:
    """The address of the database that holds the recordings; "" for a file."""
    return str(getattr(recordings, "url", ""))


def templates_dir() -> Path:
    """The templates: layout.html, console/, demos/. Inside the package once installed, beside it in a checkout."""
    shipped = PACKAGE / "_templates"
    return shipped if shipped.is_dir() else PACKAGE.parent / "templates"


def docs_dir() -> Path:
    """The documentation. Inside the package once installed, beside it in a checkout."""
    shipped = PACKAGE / "_docs"
    return shipped if shipped.is_dir() else PACKAGE.parent / "docs"


def static_dir() -> Path:
    """Style sheets, scripts and what is vendored."""
    return PACKAGE / "static"


def run_file(recordings: Path) -> Path:
    """{"url", "console", "recordings", "pid", "token"} of the gateway that runs here; commands find it by this."""
    return recordings.parent / "gateway.run.json"
