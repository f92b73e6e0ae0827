"""supervisord: processes started, stopped and added by XML-RPC. Client: xmlrpc.client."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Iterator

from common import check, main


class Transport(xmlrpc.client.Transport):
    """Names the session."""

    def __init__(self, session: str) -> None:
        super().__init__(headers=[("Gateway-Session", session)] if session else [])


def server(base: str, session: str = "") -> xmlrpc.client.ServerProxy:
    return xmlrpc.client.ServerProxy(f"{base}/RPC2", transport=Transport(session), allow_none=True)


def seed(base: str) -> None:
    server(base).supervisor.startProcess("own")


def flow(base: str, session: str) -> None:
    s = server(base, session).supervisor
    check(s.getIdentification(), "a name")
    state = s.getProcessInfo("worker")
    check(state["statename"] == "STOPPED", state)
    check(s.startProcess("worker") is True, "started")
    running = s.getProcessInfo("worker")
    check(running["pid"] > 0, running)
    s.sendProcessStdin("worker", "hello\n")
    s.signalProcess("worker", "CONT")
    check(s.stopProcess("worker") is True, "stopped")
    check(s.startProcess("other") is True, "started")
    check(len(s.getAllProcessInfo()) == 3, "three processes")


def state(base: str) -> Iterator[str]:
    for one in server(base).supervisor.getAllProcessInfo():
        yield f"process {one['name']} {one['statename']}"


main(seed, flow, state)
