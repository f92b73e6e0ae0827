"""A purchase in the sample bookshop with its what-ifs, recorded through a real gateway; and fresh shops to run it in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from serving import serving

from gateway.app import Gateway
from gateway.export import FORMATS, Beside, Recordings
from gateway.replay.branch import read_header, read_set
from gateway.replay.plan import ReplayOptions
from gateway.samples import running_samples
from gateway.services.export import Wish, beside, gathered, routing_of
from gateway.services.replay import replay
from gateway.services.replay_run import ReplayOrder
from gateway.store import open_store

WHAT_IFS: tuple[tuple[str, int, ReplayOptions], ...] = (
    ("unknown ISBN", 2, ReplayOptions(edits={2: [read_set("path:4=978-9")]})),
    ("same book on dev", 2, ReplayOptions(environments={2: {"catalogue": "dev"}})),
    ("not signed in", 3, ReplayOptions(edits={3: [read_header("Authorization:")]})),
    ("wrong amount", 5, ReplayOptions(edits={5: [read_set("json:/amount=1")]})),
)
NOTES: tuple[tuple[int | None, str | None, str], ...] = (
    (None, "Order a book", "What a front end does to **sell one book**."),
    (3, None, "Order it. The answer's `id` is what everything after it needs."),
    (4, None, "Too early: there is no receipt before the payment."),
)
DEAD = "http://127.0.0.1:9"  # discard: nobody listens there


async def buy(url: str) -> None:
    """Sign in, find the book, order it, ask for the receipt too early, pay, ask again."""
    async with aiohttp.ClientSession(url, headers={"Gateway-Session": "ada"}) as client:

        async def ask(method: str, path: str, **more: object) -> dict[str, object]:
            async with client.request(method, path, **more) as answer:
                return await answer.json()

        signed = await ask("POST", "/api/users/login", json={"user": "ada", "password": "lovelace"})
        await ask("GET", "/api/catalogue/books/978-1")
        me = {"headers": {"Authorization": f"Bearer {signed['token']}"}}
        order = await ask("POST", "/api/orders/orders", json={"isbn": "978-1", "qty": 2}, **me)
        await ask("GET", f"/api/orders/orders/{order['id']}/receipt", **me)
        await ask("POST", f"/api/payments/orders/{order['id']}/payments", json={"amount": order["total"]}, **me)
        await ask("GET", f"/api/orders/orders/{order['id']}/receipt", **me)


async def branch_out(gateway: Gateway, id: str, what_ifs: Sequence[tuple[str, int, ReplayOptions]] = WHAT_IFS) -> None:
    """Every what-if, as a variant of the recording."""
    for title, step, wanted in what_ifs:
        order = ReplayOrder(id, wanted, yes=True, kind="variant", branched_at=step, title=title)
        await replay(gateway.services, order)


async def the_purchase(folder: Path) -> tuple[Recordings, Beside]:
    """The recording and its what-ifs as a store gives them, and what lies beside them. The file stays in the folder."""
    async with running_samples() as samples, serving(folder, samples.routes_yaml()) as gateway:
        await buy(gateway.url)
        store = gateway.services.store
        id = store.recording("@last").id
        for step, title, note in NOTES:
            writing = gateway.services.recorder.annotate(id, step=step, title=title, note=note, tags=(), pinned=None)
            await asyncio.wrap_future(writing)
        await branch_out(gateway, id)
        servers = routing_of(gateway.services.routes.table)
    stored = open_store(folder / "recordings" / "gateway.db")
    return gathered(stored, Wish(FORMATS["json"], [id], variants=True)), beside(stored, servers)


@asynccontextmanager
async def a_fresh_shop(folder: Path, *, dead: str = "") -> AsyncIterator[str]:
    """The URL of another gateway before new backends whose counters stand elsewhere; one cluster may be down."""
    async with running_samples() as samples:
        for shop in samples.shops.values():
            shop.next_order += 9_000
            shop.next_payment += 700
        urls = {
            name: {env: DEAD if name == dead else url for env, url in one.items()} for name, one in samples.urls.items()
        }
        text = samples.routes_yaml()
        for name, one in urls.items():
            for env, url in one.items():
                text = text.replace(samples.urls[name][env], url)
        folder.mkdir(exist_ok=True)
        async with serving(folder, text) as gateway:
            yield gateway.url
