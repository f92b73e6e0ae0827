"""Sample backend `catalogue`: books (version 1) or titles (version 2), stock over WebSocket, one slow path. I/O."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import WSMsgType, web

from .responses import SHOP, Refusal, application
from .shop import Shop

SLOW = 3.0  # seconds
SLOWEST = 120.0
STOCK_EVERY = 2.0  # seconds between two stock messages when nothing changes


def catalogue(shop: Shop) -> web.Application:
    """Version 2 moved /books to /titles, and says so in its 404."""
    shelf = "titles" if shop.catalogue_version == 2 else "books"
    routes = [
        web.get(f"/{shelf}", books),
        web.get(f"/{shelf}/{{isbn}}", book),
        web.get("/stock", stock),
        web.get("/slow", slow),
    ]
    if shelf == "titles":
        routes += [web.get("/books", moved), web.get("/books/{isbn}", moved)]
    return application(shop, "catalogue", routes)


async def books(request: web.Request) -> web.Response:
    """All books, or those with `q` in title or author."""
    word = request.query.get("q", "").lower()
    found = [book for book in request.app[SHOP].books.values() if word in f"{book.title} {book.author}".lower()]
    return web.json_response({"items": [book.as_json() for book in found], "count": len(found)})


async def book(request: web.Request) -> web.Response:
    isbn, shop = request.match_info["isbn"], request.app[SHOP]
    if isbn not in shop.books:
        raise Refusal(404, "no such book", f"{isbn[:80]} is not in the catalogue of {shop.environment}", isbn=isbn)
    return web.json_response(shop.books[isbn].as_json())


async def moved(request: web.Request) -> web.Response:
    instead = "/titles" + request.path.removeprefix("/books")
    raise Refusal(404, "not found", f"version 2 has no /books; ask for {instead}", see=instead)


async def slow(request: web.Request) -> web.Response:
    """Answers after `seconds` (default 3)."""
    try:
        seconds = min(max(float(request.query.get("seconds", SLOW)), 0.0), SLOWEST)
    except ValueError:
        raise Refusal(422, "invalid", "seconds must be a number") from None
    await asyncio.sleep(seconds)
    return web.json_response({"waited": seconds})


async def stock(request: web.Request) -> web.StreamResponse:
    """The stock, at once and after every change; a client may send an ISBN to watch only that book."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise Refusal(426, "upgrade required", "/stock is a WebSocket: ws://.../stock")
    socket = web.WebSocketResponse(protocols=("stock.v1",), heartbeat=30.0)
    await socket.prepare(request)
    watched = ""
    while not socket.closed:
        await socket.send_json(levels(request.app[SHOP], watched))
        try:
            message = await socket.receive(timeout=STOCK_EVERY)
        except TimeoutError:
            continue
        if message.type is not WSMsgType.TEXT:
            break
        if message.data == "bye":
            await socket.close(code=4000, message=b"bye then")
        watched = message.data.strip()
    return socket


def levels(shop: Shop, watched: str) -> dict[str, Any]:
    return {
        "environment": shop.environment,
        "stock": {isbn: book.stock for isbn, book in shop.books.items() if watched in ("", isbn)},
    }
