"""NTLM and Negotiate sign in a connection (RFC 4559 section 5): it belongs to its client from then on."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from serving import serving

from gateway.proxy.header_rules import signs_in_connection
from gateway.sessions.cookieless import token_marks

ROUTES = """\
version: 1
environments: [dev]
clusters:
  a: {{path: /a, environment: dev, upstreams: {{dev: "http://127.0.0.1:{port}"}}}}
  b: {{path: /b, environment: dev, upstreams: {{dev: "http://127.0.0.1:{port}"}}}}
"""


class Server:
    """Every connection is somebody's after two messages; each request is told whose."""

    def __init__(self):
        self.connections = self.open = 0

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        who = "nobody"
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                message = fields.get("authorization", "").partition(" ")[2]
                who = (
                    "half" if message == "one" else message[4:] if message.startswith("two ") and who == "half" else who
                )
                body = who.encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        self.open -= 1
        writer.close()


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def ask(self, path="/a/x", authorization="", session="s"):
        more = f"Authorization: {authorization}\r\n" if authorization else ""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nGateway-Session: {session}\r\n{more}\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return (await self.reader.readexactly(size)).decode()


@pytest.fixture
async def place(tmp_path):
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with serving(tmp_path, ROUTES.format(port=port)) as gateway:
        host, _, own = gateway.url.removeprefix("http://").partition(":")
        clients = []

        async def connect():
            clients.append(Client(*await asyncio.open_connection(host, int(own))))
            return clients[-1]

        yield server, connect
        for client in clients:
            client.writer.close()
    listening.close()


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate", "ntlm"])
async def test_a_handshake_keeps_its_connection_and_others_never_get_it(place, scheme):
    _, connect = place
    ada, bob = await connect(), await connect()
    assert await ada.ask(authorization=f"{scheme} one") == "half"
    assert await bob.ask(authorization=f"{scheme} one", session="b") == "half"
    assert await bob.ask(session="b") == "half", "also between its messages a connection is its client's"
    assert await ada.ask(authorization=f"{scheme} two ada") == "ada"
    assert await bob.ask(authorization=f"{scheme} two bob", session="b") == "bob"
    assert [await ada.ask(), await bob.ask(session="b"), await ada.ask("/b/x")] == ["ada", "bob", "ada"]
    assert await (await connect()).ask(session="c") == "nobody"


async def test_what_was_pooled_before_goes_with_the_client(place):
    server, connect = place
    first, second = await connect(), await connect()
    assert await first.ask() == "nobody"
    assert await second.ask(authorization="NTLM one") == "half" and server.connections == 1
    assert await first.ask() == "nobody" and server.connections == 2


async def test_it_ends_with_its_client(place):
    server, connect = place
    ada = await connect()
    await ada.ask(authorization="NTLM one")
    await ada.ask(authorization="NTLM two ada")
    ada.writer.close()
    async with asyncio.timeout(5):
        while server.open:
            await asyncio.sleep(0.01)
    assert await (await connect()).ask() == "nobody"


async def test_a_shared_client_connection_shares_no_identity(place):
    """A proxy in front of the gateway, or the demos' own client, sends several sessions over one connection."""
    _, connect = place
    shared = await connect()
    await shared.ask(authorization="NTLM one", session="ada")
    assert await shared.ask(authorization="NTLM two ada", session="ada") == "ada"
    assert await shared.ask(session="bob") == "nobody"
    assert await shared.ask(session="ada") == "nobody", "who comes back signs in again"


def test_schemes():
    assert (
        signs_in_connection(b"NTLM x") and signs_in_connection(b" negotiate YII") and signs_in_connection(b"Negotiate")
    )
    assert not any(map(signs_in_connection, (b"Basic NTLM", b"Bearer negotiate", b"", b"NTLMX y")))


def test_the_messages_of_one_sign_in_are_of_one_person():
    assert [*token_marks(b"NTLM one"), *token_marks(b"Negotiate two")] == []
    assert [*token_marks(b"Bearer one")]
