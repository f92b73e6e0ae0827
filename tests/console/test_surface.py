"""All that is served, enumerated: guarded without exception, and nothing changes by a GET."""

import copy
import re
import time

import consoling
import pytest

from gateway.console.presentations import SHOWS
from gateway.services.stepwise_replay import Stepping
from gateway.web.keys import STEPPERS

WORDS = {"id": consoling.RECORDING, "cluster": "orders", "name": "console.css", "slide": "1"}
ENDLESS = ("/_gateway/api/v1/live", "/events")
QUERIES = {
    "/_gateway/api/v1/coverage": {"cluster": "orders"},
    "/_gateway/api/v1/diff": {"a": consoling.RECORDING, "b": consoling.RECORDING},
}


def routes(app):
    """(method, path) of every route, with something that exists in place of its parameters."""
    show = app[SHOWS].of("ada", consoling.RECORDING)
    if not show.code:
        show.open_to_audience(3600.0, time.time())
    replay = Stepping(consoling.RECORDING, 3)
    replay.token = consoling.RECORDING
    app[STEPPERS].add(replay)
    words = WORDS | {"code": show.code}
    for route in app.router.routes():
        path = route.resource.canonical.replace("what-if/{step}", "what-if/1").replace(
            "/exchanges/{id}", "/exchanges/01KEXCHANGE000000000000002"
        )
        path = path.replace("docs/{name}", "docs/console").replace("docs/pictures/{name}", "docs/pictures/board.png")
        yield route.method, re.sub(r"{(\w+)(:[^}]*)?}", lambda match: words.get(match[1], match[1]), path)


def state(services):
    book, sessions = services.store, services.sessions.live
    return copy.deepcopy((book.kept, book.steps, book.accepted, services.routes.file.read_text(), sessions))


async def test_there_is_something_to_enumerate(app):
    found = set(routes(app))
    assert ("POST", "/_gateway/move") in found
    assert ("DELETE", f"/_gateway/api/v1/recordings/{consoling.RECORDING}") in found
    assert len(found) > 50


async def test_a_foreign_name_reaches_nothing(client, app):
    for method, path in set(routes(app)):
        answer = await client.request(method, path, headers={"Host": "evil.example"})
        assert answer.status == 421, (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Content-Type": "application/json"},
        {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"},
        {"Sec-Fetch-Site": "same-site", "Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Origin": "null", "Content-Type": "application/json"},
        {},
    ],
    ids=str,
)
async def test_no_write_is_forged(client, app, services, headers):
    await client.get("/_gateway/")
    before = state(services)
    writes = [(method, path) for method, path in set(routes(app)) if method not in ("GET", "HEAD")]
    assert len(writes) >= 11
    for method, path in writes:
        answer = await client.request(method, path, headers=headers, data=b"{}")
        assert answer.status == 403, (method, path)
    assert state(services) == before


# A link to join by is good for nothing without its token; this gateway has no authority of its own, and no contract.
WITHOUT_CONTRACT = ("/_gateway/drift/", "/_gateway/api/v1/drift/", "/_gateway/api/v1/coverage")
ABSENT = ("/_gateway/join", "/_gateway/tls/ca.crt", "/_gateway/tls/ca.mobileconfig")


@pytest.mark.parametrize("site", ["cross-site", ""])
async def test_no_get_changes_anything(client, app, services, site):
    await client.get("/_gateway/")
    before = state(services)
    for method, path in sorted(set(routes(app))):
        if method in ("GET", "HEAD") and not path.endswith(ENDLESS):
            query = QUERIES.get(path, {"orders": "test"} if "/pin" in path else {})
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"} if site else {}
            answer = await client.request(method, path, params=query, headers=headers)
            is_absent = path in ABSENT or path.startswith(WITHOUT_CONTRACT)
            assert answer.status == (404 if is_absent else 200), (method, path)
    assert state(services) == before


async def test_every_answer_is_guarded_by_headers(client, app):
    for method, path in sorted(set(routes(app))):
        if path.endswith(ENDLESS):
            continue
        headers = (await client.request(method, path)).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], (method, path)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Set-Cookie" not in headers
