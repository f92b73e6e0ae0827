"""Starts the twelve sample servers on loopback and stops them again. I/O."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from .catalogue import catalogue
from .orders import orders
from .payments import payments
from .routes import routes_yaml
from .shop import Shop, open_shop
from .users import users

ENVIRONMENTS = ("dev", "test", "qa")
CLUSTERS: dict[str, Callable[[Shop], web.Application]] = {
    "users": users,
    "catalogue": catalogue,
    "orders": orders,
    "payments": payments,
}

# The ports that the routes.yaml of the checkout names.
USUAL_PORTS: dict[str, dict[str, int]] = {
    cluster: {environment: 9101 + 100 * row + column for row, environment in enumerate(ENVIRONMENTS)}
    for column, cluster in enumerate(CLUSTERS)
}


@dataclass(frozen=True, slots=True)
class Samples:
    """The running samples: urls["orders"]["qa"], shops["qa"]."""

    urls: Mapping[str, Mapping[str, str]]
    shops: Mapping[str, Shop]

    def routes_yaml(self, *, environment: str = "qa") -> str:
        """The routes.yaml that leads to these servers."""
        return routes_yaml(self.urls, environment=environment)


@asynccontextmanager
async def running_samples(ports: Mapping[str, Mapping[str, int]] | None = None) -> AsyncIterator[Samples]:
    """All clusters on all environments, on free ports unless `ports` names them by cluster and environment."""
    shops = {environment: open_shop(environment) for environment in ENVIRONMENTS}
    async with AsyncExitStack() as stack:
        urls: dict[str, dict[str, str]] = {cluster: {} for cluster in CLUSTERS}
        for cluster, make in CLUSTERS.items():
            for environment, shop in shops.items():
                port = ports[cluster][environment] if ports else 0
                urls[cluster][environment] = await _start(make(shop), port, stack)
        yield Samples(urls, shops)


async def _start(app: web.Application, port: int, stack: AsyncExitStack) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handle_signals=False)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"
