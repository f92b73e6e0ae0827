"""Sample backend `orders`: order, look up, receipt, and the order's status as server-sent events. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import json

from aiohttp import web

from .responses import SHOP, Refusal, application, fields_of, number_in, signed_in
from .shop import Order, Shop

NEXT = {"paid": "packed", "packed": "shipped"}
STAGE = 0.3  # seconds from paid to packed, and from packed to shipped
BEAT = 15.0  # seconds between comments that keep the feed open


def orders(shop: Shop) -> web.Application:
    routes = [
        web.post("/orders", create),
        web.get("/orders", own),
        web.get("/orders/{order}", read),
        web.put("/orders/{order}", change),
        web.get("/orders/{order}/receipt", receipt),
        web.get("/orders/{order}/events", events),
    ]
    return application(shop, "orders", routes)


async def create(request: web.Request) -> web.Response:
    user, shop, body = signed_in(request), request.app[SHOP], await fields_of(request)
    isbn, qty = body.get("isbn"), body.get("qty", 1)
    if not isinstance(isbn, str) or isbn not in shop.books:
        raise Refusal(422, "invalid", f"isbn {isbn!r} is not a book of {shop.environment}", field="isbn")
    if isinstance(qty, bool) or not isinstance(qty, int) or not 1 <= qty <= 10:
        raise Refusal(422, "invalid", f"qty must be a whole number from 1 to 10, not {qty!r}", field="qty")
    if shop.books[isbn].stock < qty:
        left = shop.books[isbn].stock
        raise Refusal(409, "out of stock", f"{left} left of {isbn}", stock=left)
    order = shop.order(isbn, qty, user)
    await shop.announce()
    return web.json_response(order.as_json(), status=201, headers={"Location": f"/orders/{order.id}"})


async def own(request: web.Request) -> web.Response:
    user = signed_in(request)
    return web.json_response({"items": [o.as_json() for o in request.app[SHOP].orders.values() if o.owner == user]})


async def read(request: web.Request) -> web.Response:
    order = order_of(request)
    return web.json_response(order.as_json(), headers={"ETag": order.etag})


async def change(request: web.Request) -> web.Response:
    """Another quantity, for who has seen the order as it is now: If-Match with its ETag."""
    order, shop, body = order_of(request), request.app[SHOP], await fields_of(request)
    seen = request.headers.get("If-Match", "")
    if not seen:
        raise Refusal(428, "precondition required", "send If-Match with the ETag of GET /orders/{order}")
    if seen not in (order.etag, "*"):
        raise Refusal(412, "precondition failed", f"order {order.id} has changed: its ETag is not {seen[:40]}")
    if order.status != "new":
        raise Refusal(409, "already paid", f"order {order.id} is {order.status}; it cannot be changed")
    qty = body.get("qty")
    if isinstance(qty, bool) or not isinstance(qty, int) or not 1 <= qty <= 10:
        raise Refusal(422, "invalid", f"qty must be a whole number from 1 to 10, not {qty!r}", field="qty")
    shop.change(order, qty)
    await shop.announce()
    return web.json_response(order.as_json(), headers={"ETag": order.etag})


async def receipt(request: web.Request) -> web.Response:
    """404 until the order is paid: the receipt does not exist before."""
    order = order_of(request)
    payment = request.app[SHOP].payments.get(order.id)
    if payment is None:
        raise Refusal(404, "no receipt yet", f"order {order.id} is not paid; its receipt comes with the payment")
    return web.json_response({"order": order.as_json(), "payment": payment})


async def events(request: web.Request) -> web.StreamResponse:
    """Each status of the order as it comes; the feed ends when the order has been shipped."""
    order, shop = order_of(request), request.app[SHOP]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    told, number = "", 0
    while told != "shipped":
        if order.status == told:
            await wait_for_news(shop, order)
        if order.status != told:
            told, number = order.status, number + 1
            data = json.dumps({"order": order.id, "status": told})
            await response.write(f"id: {number}\nevent: status\ndata: {data}\n\n".encode())
        else:
            await response.write(b": still here\n\n")
    return response


async def wait_for_news(shop: Shop, order: Order) -> None:
    """Until somebody pays; a paid order moves on by itself."""
    if order.status in NEXT:
        await asyncio.sleep(STAGE)
        order.status = NEXT.get(order.status, order.status)
        return
    seen = order.status
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BEAT), shop.changed:
            await shop.changed.wait_for(lambda: order.status != seen)


def order_of(request: web.Request) -> Order:
    """The order of the path, if it is the caller's own."""
    user, number, shop = signed_in(request), number_in(request, "order"), request.app[SHOP]
    order = shop.orders.get(number)
    if order is None or order.owner != user:
        raise Refusal(404, "no such order", f"you have no order {number} on {shop.environment}", order=number)
    return order
