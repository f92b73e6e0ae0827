"""The style sheets, scripts and pictures that ship with the gateway. I/O."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from ..diagrams import PAGE_STYLE, STYLE
from ..paths import static_dir


def add_static(app: web.Application) -> None:
    """Serve the files that exist now, by their exact names: no other name reaches the file system."""
    folder = static_dir()
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}

    async def static_file(request: web.Request) -> web.FileResponse:
        return web.FileResponse(_found(files, request.match_info["name"]))

    app.router.add_get("/_gateway/static/diagram.css", diagram_style)
    app.router.add_get("/_gateway/static/{name:.+}", static_file)


async def diagram_style(request: web.Request) -> web.Response:
    """The colours of the sequence diagrams, which stand in a page without a style of their own."""
    return web.Response(text=STYLE + PAGE_STYLE, content_type="text/css")


def _found(files: dict[str, Path], name: str) -> Path:
    if name not in files:
        raise web.HTTPNotFound(text="no such file ships with the gateway")
    return files[name]
