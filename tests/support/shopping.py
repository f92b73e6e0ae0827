"""A purchase in the sample bookshop, recorded on qa behind a real gateway."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from gateway.app import Gateway, running
from gateway.protocols import Options
from gateway.replay.plan import ReplayOptions
from gateway.samples import running_samples
from gateway.samples.servers import Samples
from gateway.services.replay import replay
from gateway.services.replay_run import ReplayOrder

CLUSTERS = ("users", "catalogue", "orders", "payments")


@dataclass
class Shop:
    """The sample shop behind a gateway, and a purchase recorded on qa."""

    gateway: Gateway
    samples: Samples
    recording: str = ""

    async def run(self, wanted: ReplayOptions | None = None, **facts):
        order = ReplayOrder(self.recording, wanted or ReplayOptions(), **{"yes": True} | facts)
        return await replay(self.gateway.services, order)

    def stored(self, recording):
        return self.gateway.services.store.recording(recording)


@asynccontextmanager
async def a_shop(folder, *, change=lambda text: text):
    async with running_samples() as samples:
        routes = folder / "routes.yaml"
        routes.write_text(change(samples.routes_yaml()), encoding="utf-8")
        options = Options(routes, folder / "r" / "gateway.db", port=0, health_interval=0)
        async with running(options) as gateway:
            shop = Shop(gateway, samples)
            await buy(gateway.url)
            shop.recording = gateway.services.store.recording("@last").id
            yield shop


async def buy(url):
    """Sign in, find the book, order it, ask for the receipt too early, pay, ask again."""
    async with aiohttp.ClientSession(url, headers={"Gateway-Session": "ada"}) as client:

        async def ask(method, path, **more):
            async with client.request(method, path, **more) as answer:
                return await answer.json()

        signed = await ask("POST", "/api/users/login", json={"user": "ada", "password": "lovelace"})
        await ask("GET", "/api/catalogue/books/978-1")
        me = {"headers": {"Authorization": f"Bearer {signed['token']}"}}
        order = await ask("POST", "/api/orders/orders", json={"isbn": "978-1", "qty": 2}, **me)
        await ask("GET", f"/api/orders/orders/{order['id']}/receipt", **me)
        await ask("POST", f"/api/payments/orders/{order['id']}/payments", json={"amount": order["total"]}, **me)
        await ask("GET", f"/api/orders/orders/{order['id']}/receipt", **me)
