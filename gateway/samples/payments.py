"""Sample backend `payments`: pays an order, knowing what it costs; one path that breaks off. I/O."""

from __future__ import annotations

from aiohttp import web

from .responses import SHOP, Refusal, application, fields_of, number_in
from .shop import Order, Shop


def payments(shop: Shop) -> web.Application:
    routes = [
        web.post("/orders/{order}/payments", pay),
        web.get("/orders/{order}/payments", paid),
        web.get("/broken", broken),
    ]
    return application(shop, "payments", routes)


async def pay(request: web.Request) -> web.Response:
    order, shop, body = order_of(request), request.app[SHOP], await fields_of(request)
    amount = body.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise Refusal(422, "invalid", f"amount must be a number, not {amount!r}", field="amount")
    if order.id in shop.payments:
        raise Refusal(409, "already paid", f"order {order.id} is paid", payment=shop.payments[order.id]["id"])
    if round(amount, 2) != order.total:
        detail = f"order {order.id} costs {order.total:.2f} EUR, not {amount:.2f}"
        raise Refusal(422, "wrong amount", detail, field="amount", due=order.total)
    payment = shop.pay(order, float(amount))
    await shop.announce()
    where = f"/orders/{order.id}/payments"
    return web.json_response(payment, status=201, headers={"Location": where})


async def paid(request: web.Request) -> web.Response:
    payment = request.app[SHOP].payments.get(order_of(request).id)
    return web.json_response({"items": [payment] if payment else []})


async def broken(request: web.Request) -> web.StreamResponse:
    """Promises 1000 bytes, sends a few and hangs up, as a crashing server does."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"payments": [')
    if request.transport is not None:
        request.transport.abort()
    return response


def order_of(request: web.Request) -> Order:
    number, shop = number_in(request, "order"), request.app[SHOP]
    if number not in shop.orders:
        raise Refusal(404, "no such order", f"{shop.environment} has no order {number}", order=number)
    return shop.orders[number]
