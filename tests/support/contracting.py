"""A contract with traps, and exchanges with its upstream, for tests of what judges them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from served import Served

from gateway.contracts.contract import Contract, folder_reader
from gateway.contracts.judge import ContractJudge, ContractJudgement, Scope
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response

JSON = ("Content-Type", "application/json")

SHOP = """\
openapi: 3.1.0
info: {title: Shop, version: '1'}
servers: [{url: https://shop.example/v3}]
paths:
  /orders:
    get:
      operationId: listOrders
      parameters:
        - {name: page, in: query, schema: {type: integer, minimum: 1}}
        - {name: filter, in: query, style: deepObject, explode: true, schema: {type: object, properties: {
            status: {type: string, enum: [new, paid]}, min: {type: integer}}}}
      responses:
        '200': {description: all, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Order'}}}}}
        4XX: {description: wrong, content: {application/problem+json: {schema: {$ref: '#/components/schemas/Problem'}}}}
    post:
      operationId: createOrder
      parameters: [{name: X-Shop, in: header, required: true, schema: {type: string}}]
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
      responses:
        '201': {description: made, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
        default: {description: wrong, content: {application/problem+json: {schema: {$ref: '#/components/schemas/Problem'}}}}
  /orders/mine:
    get: {operationId: mine, responses: {'200': {description: own, content: {application/json: {schema: {type: object, properties: {
      mine: {type: boolean}}, required: [mine]}}}}}}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getOrder
      responses:
        '200': {description: one, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
        '404': {description: none}
    delete: {operationId: dropOrder, responses: {'204': {description: gone}}}
  /files/{name}.json:
    get: {operationId: getFile, responses: {'200': {description: ok, content: {application/json: {schema: true}}}}}
  /pay:
    post:
      operationId: pay
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Payment'}}}}
      responses: {'200': {description: paid, content: {application/json: {schema: {$ref: '#/components/schemas/Payment'}}}}}
components:
  schemas:
    Order:
      type: object
      required: [id, lines, secret]
      properties:
        id: {type: integer, readOnly: true}
        secret: {type: string, writeOnly: true}
        note: {type: [string, 'null']}
        when: {type: string, format: date-time}
        size: {type: string, format: shoe-size}
        token: {type: string, pattern: '^tok_[0-9]+$'}
        status: {type: string, enum: [new, paid]}
        lines: {type: array, items: {$ref: '#/components/schemas/Line'}}
    Line:
      type: object
      required: [qty]
      properties:
        qty: {type: integer}
        parts: {type: array, items: {$ref: '#/components/schemas/Line'}}
    Payment:
      oneOf: [{$ref: '#/components/schemas/Card'}, {$ref: '#/components/schemas/Cash'}]
      discriminator: {propertyName: kind, mapping: {card: '#/components/schemas/Card', cash: '#/components/schemas/Cash'}}
    Base: {type: object, required: [kind], properties: {kind: {type: string}, at: {type: string}}}
    Card: {allOf: [{$ref: '#/components/schemas/Base'}, {type: object, required: [last4], properties: {last4: {type: string}}}]}
    Cash: {allOf: [{$ref: '#/components/schemas/Base'}, {type: object, properties: {given: {type: number}}}]}
    Problem: {type: object, properties: {title: {type: string}}}
"""


def contract_of(text: str, name: str = "shop.yaml", **files: str) -> Contract:
    """The contract of a text, and of further files by their names."""
    contents = {name: text.encode()} | {key: value.encode() for key, value in files.items()}
    return Contract(name, name, folder_reader(contents))


def judge_of(text: str = SHOP) -> ContractJudge:
    """A judge by the contract of a text."""
    return ContractJudge(contract_of(text))


def an_exchange(
    method: str = "GET", path: str = "/v3/orders/7", body: Any = None, *, status: int = 200, sent: Any = None,
    headers: tuple[tuple[str, str], ...] = (JSON,), request_headers: tuple[tuple[str, str], ...] = (), **facts: Any,
) -> Exchange:  # fmt: skip
    """An exchange whose upstream got this path; `body` and `sent` are JSON unless they are bytes."""
    data, asked = (
        one if isinstance(one, bytes) else b"" if one is None else json.dumps(one).encode() for one in (body, sent)
    )
    usual: dict[str, Any] = {
        "id": "01J0", "recording": "R", "step": 1, "session": "s", "started_at": "2026-11-30T11:02:00Z",
        "url": f"http://gw/api/shop{path}", "cluster": "shop", "environment": "qa",
        "upstream_url": f"http://shop.internal{path}", "status": status,
        "request": Request(
            method=method, target=f"/api/shop{path}", body=Body(len(asked), asked),
            headers=((JSON,) if sent is not None else ()) + request_headers,
        ),
        "response": Response(status=status, headers=headers if data else (), body=Body(len(data), data)),
    }  # fmt: skip
    return Exchange(**(usual | facts))


def judged(exchange: Exchange, text: str = SHOP, **scope: Any) -> ContractJudgement | None:
    """An exchange judged by the contract of a text."""
    return judge_of(text).judge(exchange, Scope(**scope))


def told(exchange: Exchange, text: str = SHOP, *, least: str = "warning", **scope: Any) -> list[str]:
    """ "rule pointer" of what is found at or above a severity."""
    order = ("info", "warning", "error")
    found = judged(exchange, text, **scope)
    return [] if found is None else [
        f"{one.rule} {one.pointer}".strip() for one in found.violations
        if order.index(one.severity) >= order.index(least)
    ]  # fmt: skip


# -- a real gateway with a contract, and backends that drift


ROUTES = """\
version: 1
environments: [qa, test]
clusters:
  shop:
    path: /api/shop
    environment: qa
    contract: shop.yaml
    upstreams: {{qa: "{qa}/v3", test: "{test}/v3"}}
"""


class Backend:
    """A server that fits the contract, or drifts from it in the five ways."""

    def __init__(self, *, drifts: bool) -> None:
        self.drifts = drifts
        self.url = ""
        self.calls = 0

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """(status, content type, body) for a path."""
        self.calls += 1
        order: dict[str, Any] = {"id": 7, "lines": [{"qty": 1, "parts": [{"qty": 2}]}]}
        name = path.rpartition("/")[2]
        if not self.drifts or not name.isdecimal():
            return 200, "application/json", json.dumps(order).encode()
        number = int(name) % 5
        if number == 0:
            return 418, "application/json", b"{}"
        if number == 1:
            return 200, "text/html", b"<html></html>"
        if number == 2:
            order["extra"] = "CANARY"
        elif number == 3:
            order["lines"][0]["parts"][0]["qty"] = "CANARY"
        else:
            del order["lines"]
        return 200, "application/json", json.dumps(order).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status, kind, body = self.answer(head.split()[1].decode().partition("?")[0])
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
        writer.close()


@contextlib.asynccontextmanager
async def backends(folder: Path) -> AsyncIterator[tuple[Backend, Backend]]:
    """A clean one in qa and a drifting one in test, with the routes.yaml and the contract for them in the folder."""
    pair = Backend(drifts=False), Backend(drifts=True)
    async with contextlib.AsyncExitStack() as stack:
        for one in pair:
            server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            stack.callback(server.close)
            one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        (folder / "shop.yaml").write_text(SHOP)
        (folder / "routes.yaml").write_text(ROUTES.format(qa=pair[0].url, test=pair[1].url))
        yield pair


async def json_of(gateway: Served, path: str) -> Any:
    """What a call of the API gives."""
    status, text = await gateway.page(f"/_gateway/api/v1/{path}")
    assert status == 200, text
    return json.loads(_unchunked(text))


def _unchunked(text: str) -> str:
    return text if text[:1] in "{[" else re.sub(r"^[0-9a-f]+\r\n|\r\n[0-9a-f]*\r\n", "", text)


async def calls(gateway: Served, *numbers: int, path: str = "/api/shop/orders/") -> None:
    """One GET after the other; the whole responses are read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    for number in numbers:
        writer.write(f"GET {path}{number} HTTP/1.1\r\nHost: 127.0.0.1\r\nGateway-Session: s\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert length, head
        await reader.readexactly(int(length[1]))
    writer.close()


async def until_judged(gateway: Served, count: int, environment: str = "qa") -> dict[str, Any]:
    """The drift as the API tells it, once so many exchanges were judged in an environment."""
    async with asyncio.timeout(60):
        while True:
            found = await json_of(gateway, "drift")
            for place in found["places"]:
                if place["environment"] == environment and place["judged"] >= count:
                    return found
            await asyncio.sleep(0.05)
