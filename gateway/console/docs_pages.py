"""The documentation that ships with the gateway, as pages of the console. I/O (files, once)."""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web

from ..errors import NotFoundError
from ..paths import docs_dir
from ..web.view import View, view
from .markdown import Rendered, render

HERE: Final = "/_gateway/docs"
# What people read first comes first; what is not named here comes behind it, by its name.
ORDER: Final = (
    "console", "demos", "browsers", "routes", "recordings", "replay", "playback", "present", "correlation", "errors",
    "formats", "contracts", "commands", "settings", "api",
)  # fmt: skip


async def docs(request: web.Request) -> View:
    """One document with the list of all. NotFoundError for a name that none has."""
    found = await asyncio.to_thread(documents, docs_dir())
    name = request.match_info.get("name") or next(iter(found), "")
    if name not in found and (name or request.match_info.get("name")):
        raise NotFoundError(f"there is no document {name!r}", hint=f"the documents are {', '.join(found)}")
    page = found.get(name, Rendered())
    return view({"name": name}, page=page, documents={key: one.title for key, one in found.items()})


async def picture(request: web.Request) -> web.FileResponse:
    """A picture of the documentation, by its exact name."""
    found = {one.name: one for one in _pictures(docs_dir())}.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound(text="the documentation has no such picture")
    return web.FileResponse(found)


def add_docs_pictures(app: web.Application) -> None:
    """Serve them beside the pages."""
    app.router.add_get(HERE + "/pictures/{name}", picture)


@lru_cache(maxsize=2)
def documents(folder: Path) -> dict[str, Rendered]:
    """Name -> document, as they are listed. Blocking; read once, since they ship with the gateway."""
    names = sorted(path.stem for path in folder.glob("*.md"))
    ordered = [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]
    return {
        name: render((folder / f"{name}.md").read_text("utf-8"), partial(address, names=tuple(names)))
        for name in ordered
    }


@lru_cache(maxsize=2)
def _pictures(folder: Path) -> tuple[Path, ...]:
    return (*folder.glob("pictures/*.png"), *folder.glob("*.svg"))


def address(target: str, names: tuple[str, ...]) -> str:
    """Where a link of a document leads on these pages. What does not ship (README.md, code) is named and leads to the
    top of the page."""
    path, hash, anchor = target.partition("#")
    if target.startswith(("https://", "http://", "#")):
        return target
    name = path.removesuffix(".md")
    if path.endswith(".md") and name in names:
        return f"{HERE}/{quote(name)}{hash}{anchor}"
    if path.endswith((".png", ".svg")):
        return f"{HERE}/pictures/{quote(path.rpartition('/')[2])}"
    return "#main"
