"""Authentication that belongs to a connection (NTLM, Negotiate; RFC 4559 section 5): clients interleaved at random."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from random import Random
from typing import Any

from ..lab import Lab, parsed
from . import Kind, Trial

SCHEMES = ("NTLM", "Negotiate", "ntlm", "NEGOTIATE")


class ConnectionUpstream:
    """Signs a connection in as whoever's second message came on it, and says so to every request on it."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        who = ""
        with contextlib.suppress(OSError, ValueError), client, client.makefile("rb") as file:
            while file.readline():
                headers: dict[str, str] = {}
                while (part := file.readline()) not in (b"\r\n", b""):
                    name, _, value = part.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                file.read(int(headers.get("content-length", "0")))
                scheme, _, message = headers.get("authorization", "").partition(" ")
                challenge = ""
                if message == "t1":
                    who, challenge = "?", f"{scheme} c"
                elif message.startswith("t3-") and who == "?":
                    who = message[3:]
                body = f"you are {who or 'nobody'}".encode()
                status = "401 Unauthorized" if who in ("", "?") else "200 OK"
                more = f"WWW-Authenticate: {challenge or 'NTLM'}\r\n" if status[0] == "4" else ""
                client.sendall(f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def prepare(lab: Lab) -> None:
    """A cluster of its own, routed to by the file that the gateway reloads."""
    upstream = lab.notes["connections"] = ConnectionUpstream()
    routes = lab.folder / "routes.yaml"
    more = f'  ntlm:\n    path: /api/ntlm\n    environment: dev\n    upstreams: {{dev: "http://127.0.0.1:{upstream.port}"}}\n'
    routes.write_text(routes.read_text() + more)
    for _ in range(200):
        if lab.ask("GET", "/api/ntlm/x").header("gateway-route").startswith("ntlm"):
            return
        time.sleep(0.02)
    raise RuntimeError("the new cluster is not in force")


class Client:
    def __init__(self, name: str, port: int) -> None:
        self.name, self.state = name, 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def ask(self, authorization: str, method: str, body: bytes) -> str:
        lines = [f"{method} /api/ntlm/x HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"Authorization: {authorization}"] if authorization else []
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        received = b""
        while b"you are" not in received or received.count(b"\r\n\r\n") < 1:
            piece = self.socket.recv(1 << 16)
            if not piece:
                break
            received += piece
        return parsed(received).body.decode("latin-1")


def _attempt(seed: int, lab: Lab) -> str:
    """A few clients, each on its own connection, take turns; each may only ever be itself, or nobody."""
    rng = Random(seed)
    clients = [Client(f"c{seed}-{n}", lab.port) for n in range(rng.randint(2, 4))]
    scheme = rng.choice(SCHEMES)
    try:
        for _ in range(14):
            one: Any = rng.choice(clients)
            method, body = rng.choice((("GET", b""), ("POST", b"x=1")))
            if one.state == 0 and rng.random() < 0.3:
                said = one.ask("", method, body)
                expected = {"you are nobody"}
            elif one.state == 0:
                said = one.ask(f"{scheme} t1", method, body)
                one.state, expected = 1, {"you are ?"}
            elif one.state == 1:
                said = one.ask(f"{scheme} t3-{one.name}", method, body)
                one.state, expected = 2, {f"you are {one.name}"}
            else:
                said = one.ask("", method, body)
                expected = {f"you are {one.name}"}
            if said not in expected:
                return f"{one.name} in state {one.state} was told {said!r} instead of {expected}"
    finally:
        for one in clients:
            one.socket.close()
    stranger = Client("stranger", lab.port)
    said = stranger.ask("", "GET", b"")
    stranger.socket.close()
    return "" if said == "you are nobody" else f"a stranger was told {said!r}"


def trials(rng: Random, count: int) -> Iterator[Trial]:
    for _ in range(count):
        seed = rng.randrange(1 << 30)
        yield Trial(f"order {seed}", lambda lab, seed=seed: _attempt(seed, lab))


KIND = Kind("identities", "a signed-in upstream connection is one client's alone", 100, trials, prepare=prepare)
