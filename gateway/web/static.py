"""The style sheets, scripts and pictures that ship with the gateway: packed, kept in memory, cached for ever. I/O.

A page asks for `console-4f1c9b2e07.css`: the hash of the content is in the name, so a browser keeps it for a year and
never asks again, and a newer gateway has other names. The plain names work too, and are asked for again by their ETag:
pages that do not come from a template (errors of the gateway) and people use them.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

import brotli
from aiohttp import hdrs, web

from ..diagrams import PAGE_STYLE, STORY_STYLE, STYLE
from ..model.codings import accepts
from ..model.palette import style_sheet
from ..paths import static_dir

STATIC: Final = "/_gateway/static/"
FOREVER: Final = "public, max-age=31536000, immutable"
PACKED: Final = (".css", ".js", ".svg")  # pictures and fonts are packed already

# What a page of the console loads: one style sheet and one script, in this order.
BUNDLES: Final[Mapping[str, tuple[str, ...]]] = {
    "console.css": (
        "vendor/bootstrap-5.3.9/bootstrap.min.css",
        "dark.css",
        "palette.css",
        "design.css",
        "pages.css",
        "board.css",
        "split.css",
        "recording.css",
        "diagram.css",
    ),
    "slides.css": ("palette.css", "present.css", "diagram.css"),
    "console.js": (
        "vendor/htmx-2.0.11/htmx.min.js",
        "shell.js",
        "split.js",
        "json.js",
        "keys.js",
        "parts.js",
        "swaps.js",
        "copy.js",
        "progress.js",
    ),
}
# Written by the code that knows them.
_WRITTEN: Final[Mapping[str, Callable[[], str]]] = {
    "palette.css": style_sheet,
    "diagram.css": lambda: STYLE + PAGE_STYLE + STORY_STYLE,  # of diagrams in a page, which carry no style of their own
}


@dataclass(slots=True)
class StaticFile:
    """One file in memory, and as the codings that browsers asked for."""

    body: bytes
    type: str
    tag: str  # hex, of its content
    packed: dict[str, bytes] = field(default_factory=dict)

    def coded(self, coding: str) -> bytes:
        """Its bytes in a coding, packed once. Blocking: 60 ms for the largest in brotli."""
        if coding not in self.packed:
            self.packed[coding] = (
                brotli.compress(self.body, quality=9) if coding == "br" else gzip.compress(self.body, 9, mtime=0)
            )
        return self.packed[coding]


class StaticFiles:
    """What exists when the gateway starts, by its exact names: no other name reaches the file system. Blocking."""

    def __init__(self, folder: Path) -> None:
        self._files = dict(_read(folder))
        self._addresses = {name: _hashed(name, one.tag) for name, one in self._files.items()}
        self._by_address = {address: self._files[name] for name, address in self._addresses.items()}

    def url(self, name: str) -> str:
        """The address of a file that a browser may keep; KeyError for a name that does not exist."""
        return STATIC + self._addresses[name]

    async def serve(self, request: web.Request) -> web.Response:
        """A file by either name; 404 for any other, 304 for one whose ETag the browser knows."""
        name = request.match_info["name"]
        file, lasts = self._by_address.get(name), True
        if file is None:
            file, lasts = self._files.get(name), False
        if file is None:
            raise web.HTTPNotFound(text="no such file ships with the gateway")
        headers = {
            hdrs.CACHE_CONTROL: FOREVER if lasts else "no-cache",
            hdrs.ETAG: f'W/"{file.tag}"',
            hdrs.VARY: "Accept-Encoding",
        }
        if any(one.value == file.tag for one in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        coding = _coding(request, name)
        if coding:
            headers[hdrs.CONTENT_ENCODING] = coding
        body = file.packed.get(coding) or (await asyncio.to_thread(file.coded, coding)) if coding else file.body
        return web.Response(body=body, content_type=file.type, charset=_charset(file.type), headers=headers)


def add_static(app: web.Application) -> StaticFiles:
    """Serve them; templates need `url` of what this returns."""
    files = StaticFiles(static_dir())
    app.router.add_get(STATIC + "{name:.+}", files.serve)
    return files


def _read(folder: Path) -> Iterator[tuple[str, StaticFile]]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found |= {name: text().encode() for name, text in _WRITTEN.items()}
    found |= {name: b"\n".join(found[part] for part in parts) for name, parts in BUNDLES.items()}
    for name, body in found.items():
        yield name, StaticFile(body, mimetypes.guess_type(name)[0] or "text/plain", sha256(body).hexdigest()[:16])


def _hashed(name: str, tag: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem}-{tag[:10]}{path.suffix}"))


def _coding(request: web.Request, name: str) -> str:
    field = request.headers.get(hdrs.ACCEPT_ENCODING, "")
    if not field or not name.endswith(PACKED):
        return ""
    return next((coding for coding in ("br", "gzip") if accepts(field, coding)), "")


def _charset(type: str) -> str | None:
    return "utf-8" if type.startswith("text/") else None
