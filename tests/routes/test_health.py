"""Every upstream's health and version, as the board shows them.

Covers: routes/schema, routes/tls.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.errors import GatewayError
from gateway.model.recording import Revision
from gateway.routes.health import HealthPoller
from gateway.routes.parse import parse
from gateway.routes.table import RouteTable, Tls, compile_table
from gateway.routes.tls import client_context


class Upstream:
    """A real server whose answers a test can change."""

    def __init__(self) -> None:
        self.status, self.version, self.url = 200, '{"build": {"id": 7}}', ""
        self.seen: list[web.Request] = []
        self.wait = 0.0

    async def health(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        await asyncio.sleep(self.wait)
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)

    async def build(self, request: web.Request) -> web.Response:
        return web.Response(text=self.version)


@contextlib.asynccontextmanager
async def an_upstream(context: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    upstream, app = Upstream(), web.Application()
    app.router.add_get("/base/health", upstream.health)
    app.router.add_get("/base/version", upstream.build)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    upstream.url = f"http{'s' if context else ''}://127.0.0.1:{runner.addresses[0][1]}/base"
    try:
        yield upstream
    finally:
        await runner.cleanup()


class Routes:
    """The table in force, which a test may change."""

    def __init__(self, table: RouteTable) -> None:
        self.table = table
        self.subscribers: list[Callable[..., None]] = []

    def subscribe(self, seen: Callable[..., None]) -> None:
        self.subscribers.append(seen)

    def put(self, table: RouteTable) -> None:
        self.table = table
        for seen in self.subscribers:
            seen(Revision("", "", "file", (), ""), ())


class Told:
    """Keeps the events that were published."""

    listening = True

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []

    def publish(self, event: str, data: Mapping[str, Any]) -> None:
        assert event == "health"
        self.events.append(data)


def a_table(upstreams: dict[str, str], *, more: str = "") -> RouteTable:
    text = f"""\
version: 1
environments: [{", ".join(upstreams)}]
clusters:
  orders:
    path: /api/orders
    environment: {next(iter(upstreams))}
    health: /health
    version: {{path: /version, pointer: /build/id}}
    upstreams: {{{", ".join(f"{name}: {url}" for name, url in upstreams.items())}}}
{more}"""
    parsed = parse(text.encode())
    assert parsed.config is not None, parsed.problems
    return compile_table(parsed.config)


class Polling:
    def __init__(self, table: RouteTable, **options: Any) -> None:
        self.routes, self.told = Routes(table), Told()
        self.board = HealthPoller(self.routes, live=self.told, **{"interval": 0.02, **options})

    async def until(self, state: str, environment: str = "qa") -> None:
        async with asyncio.timeout(20):
            while self.board.of("orders", environment).state != state:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def polling(table: RouteTable, **options: Any) -> AsyncIterator[Polling]:
    found = Polling(table, **options)
    await found.board.start()
    try:
        yield found
    finally:
        await found.board.stop()


async def test_an_upstream_is_up_in_its_version() -> None:
    async with an_upstream() as qa, polling(a_table({"qa": qa.url})) as found:
        await found.until("up")
        health = found.board.of("orders", "qa")
        assert health.version == "7"
        assert health.detail.startswith("200 OK in ")
        assert health.took_ms is not None
        assert health.checked_at > 1.7e9
        assert found.board.of("orders", "dev").state == found.board.of("none", "qa").state == "unknown"


async def test_everybody_is_asked_at_once_when_somebody_wants_to_know() -> None:
    async with an_upstream() as qa, polling(a_table({"qa": qa.url}), interval=3600.0) as found:
        await found.until("up")
        before = found.board.of("orders", "qa").checked_at
        await found.board.check()
        assert found.board.of("orders", "qa").checked_at > before


async def test_news_are_told_once() -> None:
    async with an_upstream() as qa, polling(a_table({"qa": qa.url})) as found:
        await found.until("up")
        qa.status = 503
        await found.until("down")
        qa.status = 200
        await found.until("up")
        await asyncio.sleep(0.1)
        assert [event["state"] for event in found.told.events] == ["up", "down", "up"]
        assert found.told.events[1]["detail"].startswith("503 Service Unavailable in ")
        assert {(event["cluster"], event["environment"]) for event in found.told.events} == {("orders", "qa")}


async def test_every_new_version_is_told() -> None:
    told: list[tuple[str, str, str]] = []
    async with (
        an_upstream() as qa,
        polling(a_table({"qa": qa.url}), built=lambda *facts: told.append(facts)) as found,
    ):
        await found.until("up")
        qa.version = '{"build": {"id": 8}}'
        while len(told) < 2:
            await asyncio.sleep(0.01)
    assert told == [("orders", "qa", "7"), ("orders", "qa", "8")]


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with an_upstream() as qa:
        qa.status = 302
        async with polling(a_table({"qa": qa.url})) as found:
            await found.until("up")
            assert found.board.of("orders", "qa").detail.startswith("302 Found")


async def test_nobody_there_and_no_answer_are_told_apart(unused_tcp_port: int) -> None:
    async with an_upstream() as slow:
        slow.wait = 5
        upstreams = {"qa": f"http://127.0.0.1:{unused_tcp_port}", "slow": slow.url, "dns": "http://nosuch.invalid"}
        async with polling(a_table(upstreams), limit=0.3) as found:
            await found.until("down", "qa")
            await found.until("down", "slow")
            await found.until("down", "dns")
            assert "refused" in found.board.of("orders", "qa").detail
            assert found.board.of("orders", "slow").detail == "no answer within 0.3 s"
            assert found.board.of("orders", "dns").detail


async def test_a_slow_upstream_does_not_hold_up_the_others() -> None:
    async with an_upstream() as slow, an_upstream() as qa:
        slow.wait = 3
        async with polling(a_table({"slow": slow.url, "qa": qa.url}), limit=30.0) as found:
            await found.until("up")
            assert found.board.of("orders", "slow").state == "unknown"


@pytest.mark.parametrize("version", ["no json", "[]", '{"build": 1}', '{"build": {"id": {"a": 1}}}', "\udcff", ""])
async def test_a_version_that_cannot_be_read_is_none(version: str) -> None:
    async with an_upstream() as qa:
        qa.version = version.encode("utf-8", "replace").decode()
        async with polling(a_table({"qa": qa.url})) as found:
            await found.until("up")
            assert found.board.of("orders", "qa").version == ""


async def test_a_new_table_is_followed_at_once() -> None:
    async with an_upstream() as old, an_upstream() as new, polling(a_table({"qa": old.url}), interval=60.0) as found:
        await found.until("up")
        new.version = '{"build": {"id": "new"}}'
        found.routes.put(a_table({"test": new.url}))
        await found.until("up", "test")
        assert found.board.of("orders", "qa").state == "unknown"
        assert found.board.of("orders", "test").version == "new"


async def test_configured_fields_are_sent() -> None:
    async with an_upstream() as qa:
        upstream = f"{{url: '{qa.url}', headers: {{X-Key: k, Host: orders.example}}}}"
        async with polling(a_table({"qa": upstream})) as found:
            await found.until("up")
            assert (qa.seen[0].headers["X-Key"], qa.seen[0].headers["Host"]) == ("k", "orders.example")
            assert "Cookie" not in qa.seen[0].headers


async def test_it_can_be_stopped_in_the_middle_and_without_a_start() -> None:
    async with an_upstream() as qa:
        qa.wait = 0.5
        async with polling(a_table({"qa": qa.url})):
            await asyncio.sleep(0.05)
    await Polling(a_table({"qa": "http://127.0.0.1:1"})).board.stop()


# -- TLS


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, for 127.0.0.1 and orders.qa."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "orders.qa")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("orders.qa"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(names, False).add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "qa.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def server_context(pem: Path, *, ask: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    if ask:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pem)
    return context


@pytest.mark.parametrize(
    ("tls", "ask", "state"),
    [
        ("{ca: PEM}", False, "up"),
        ("{verify: false}", False, "up"),
        ("{ca: PEM, server_name: orders.qa}", False, "up"),
        ("{ca: PEM, cert: PEM}", True, "up"),
        ("{ca: PEM, server_name: other.qa}", False, "down"),
        ("{}", False, "down"),
        ("{ca: PEM}", True, "down"),
    ],
)
async def test_upstreams_are_met_as_configured(pem: Path, tls: str, ask: bool, state: str) -> None:
    async with an_upstream(server_context(pem, ask=ask)) as qa:
        upstream = f"{{url: '{qa.url}', tls: {tls.replace('PEM', str(pem))}}}"
        async with polling(a_table({"qa": upstream})) as found:
            await found.until(state)
            if tls == "{}":
                assert "self-signed" in found.board.of("orders", "qa").detail


def test_a_context_names_the_file_that_cannot_be_used(tmp_path: Path) -> None:
    missing, broken = str(tmp_path / "none.pem"), tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for tls, where in (
        (Tls(ca=missing), missing), (Tls(cert=missing), missing), (Tls(ca=str(broken)), str(broken)),
        (Tls(cert=str(broken), key=missing), f"{broken}, {missing}"),
    ):  # fmt: skip
        with pytest.raises(GatewayError, match="cannot be used: ") as caught:
            client_context(tls)
        assert caught.value.where == where


def test_an_encrypted_key_is_refused_without_asking(tmp_path: Path, pem: Path) -> None:
    key = serialization.load_pem_private_key(pem.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    with pytest.raises(GatewayError, match="the key is encrypted"):
        client_context(Tls(cert=str(pem), key=str(locked)))


async def test_a_poll_goes_through_the_upstreams_proxy_with_its_password() -> None:
    """An upstream that only a proxy reaches is up: the name of the upstream means nothing to this machine."""
    asked: list[tuple[str, str, str]] = []

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((str(request.raw_path), request.host, request.headers.get("Proxy-Authorization", "")))
        return web.Response(text='{"build": {"id": 9}}')

    runner = web.ServerRunner(web.Server(forward))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    proxy = f"http://ann:p@127.0.0.1:{runner.addresses[0][1]}"
    upstream = f'{{url: "http://orders.invalid/base", proxy: "{proxy}"}}'
    try:
        async with polling(a_table({"qa": upstream})) as found:
            await found.until("up")
            assert found.board.of("orders", "qa").version == "9"
    finally:
        await runner.cleanup()
    assert ("http://orders.invalid/base/health", "orders.invalid", "Basic YW5uOnA=") in asked
