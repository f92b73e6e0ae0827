"""A replay on another environment, against servers of other state: nothing that it did not make is changed unseen.

Covers: correlation/declarations, correlation/finder, correlation/scoring, protocols.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shlex
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from two_servers import Server, record, run, two

from gateway.correlation import Verdicts
from gateway.replay.plan import ReplayOptions
from gateway.services.replay import replay
from gateway.services.replay_request import branch_order


def entries(first: int) -> tuple[Server, dict[int, str]]:
    """Creates numbered entries, and renames them by a call whose names tell nothing of what they are about."""
    held: dict[int, str] = {}

    async def handler(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if request.path == "/entries":
            number = first + len(held)
            held[number] = body["title"]
            return web.json_response({"record": {"id": number}, "title": body["title"]}, status=201)
        held[body["id"]] = body["title"]
        return web.json_response({"ok": True})

    return Server(handler), held


RENAME = (("POST", "/entries", {"title": "one"}), ("POST", "/wobble", {"id": 3, "title": "two"}))


async def test_a_doubtful_write_stops_before_it_is_sent_until_somebody_decides(tmp_path: Path) -> None:
    (dev, _), (qa, held) = entries(3), entries(8)
    held[8], held[3] = "own 8", "own"
    async with two(tmp_path, dev, qa) as gateway:
        recording = await record(gateway, *RENAME)
        result = await run(gateway, recording)
        assert [one.outcome for one in result.steps][-1] == "stopped" and held[3] == "own"
        assert "/id is 3" in result.steps[1].message and "this run has 10 there" in result.steps[1].message
        declared = await run(gateway, recording, verdicts=Verdicts(declare=("2:json:/id=1:json:/record/id",)))
        assert declared.steps[1].status == 200 and held[3] == "own" and held[11] == "two"
        anyway = await run(gateway, recording, ReplayOptions(to={"a": "qa"}, yes_to=frozenset((2,))))
        assert anyway.steps[1].outcome in ("unsure", "differs") and held[3] == "two"


def cart(first: int) -> tuple[Server, set[int]]:
    """Lines that other parts of the server call cart items, in paths, queries and composite keys."""
    held: set[int] = set()

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/lines":
            number = first + len(held)
            held.add(number)
            return web.json_response({"id": number}, status=201)
        named = request.query.get("item", request.path.rpartition("/")[2]).rpartition(":")[2]
        there = int(named) in held
        if request.method == "DELETE":
            held.discard(int(named))
        return web.Response(status=204 if there else 404)

    return Server(handler), held


@pytest.mark.parametrize("path", ["/cart-items/3", "/trash?item=3", "/slots/17:3"])
async def test_an_id_under_an_unrelated_name_stops_and_the_printed_decision_sends_the_right_one(
    tmp_path: Path, path: str
) -> None:
    (dev, _), (qa, held) = cart(3), cart(8)
    held |= {3, 5}  # qa's own
    async with two(tmp_path, dev, qa) as gateway:
        recording = await record(gateway, ("POST", "/lines", {"sku": "A-1"}), ("DELETE", path, None))
        result = await run(gateway, recording)
        assert [one.outcome for one in result.steps][-1] == "stopped" and held == {3, 5, 10}
        assert len(qa.writes) == 1
        said = shlex.split(result.steps[1].message.replace(",", " ").replace("'", ""))
        decided = await run(gateway, recording, verdicts=Verdicts(declare=(said[said.index("--declare") + 1],)))
        assert decided.steps[1].status == 204 and held == {3, 5, 10}  # the line of the first run; the second made 11
        assert decided.steps[1].outcome in ("same", "expected")


async def test_a_write_by_a_typed_id_that_is_there_already_is_never_called_the_same(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"isbn": "978-1", "title": "Emma"})

    dev, qa = Server(handler), Server(handler)
    async with two(tmp_path, dev, qa) as gateway:
        recording = await record(gateway, ("DELETE", "/books/978-1", None))
        result = await run(gateway, recording)
        assert result.steps[0].outcome == "unsure" and "was there already" in result.steps[0].message
        again = await run(gateway, recording, ReplayOptions())
        assert again.steps[0].outcome in ("same", "expected") and not again.steps[0].message


def claiming(number: int) -> Server:
    """A sign-in whose token says who it is; the number stands nowhere else."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": str(number), "exp": 9999999999}).encode()).decode().rstrip("=")
    token = f"eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJlc2lnbmF0dXJl"

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"id_token": token} if request.path == "/login" else {"ok": True})

    return Server(handler)


@pytest.mark.parametrize(("path", "goes"), [("/users/41/prefs", "/users/520/prefs"), ("/shelves/41", "")])
async def test_a_claim_of_a_sealed_token_is_bound_or_stops(tmp_path: Path, path: str, goes: str) -> None:
    dev, qa = claiming(41), claiming(520)
    async with two(tmp_path, dev, qa) as gateway:
        recording = await record(gateway, ("POST", "/login", {"user": "ann"}), ("PUT", path, {"a": 1}))
        result = await run(gateway, recording)
        assert qa.writes[1:] == ([("PUT", goes)] if goes else [])
        assert goes or (result.steps[1].outcome == "stopped" and "520" not in result.steps[1].message)


def rooms(held: dict[int, str]) -> Server:
    """Rooms that were there before: listed, made, changed and removed."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"rooms": [{"id": one, "info": {"name": name}} for one, name in held.items()]})
        if request.method == "POST":
            held[max(held) + 1] = (await request.json())["name"]
            return web.json_response({"ok": True}, status=201)
        held.pop(int(request.path.rpartition("/")[2]), None)
        return web.json_response({})

    return Server(handler)


async def test_what_was_found_in_a_list_is_found_by_its_name_and_is_not_called_made(tmp_path: Path) -> None:
    """Another server holds other things in another order."""
    held = {10: "Red", 11: "Blue", 12: "Green"}
    dev, qa = rooms({3: "Blue", 4: "Red"}), rooms(held)
    async with two(tmp_path, dev, qa) as gateway:
        recording = await record(gateway, ("GET", "/rooms", None), ("DELETE", "/rooms/4", None))
        result = await run(gateway, recording)
        assert held == {11: "Blue", 12: "Green"} and ("DELETE", "/rooms/10") in qa.seen
        assert result.steps[1].outcome == "unsure" and "did not make it" in result.steps[1].message


async def test_what_this_run_made_and_then_found_in_a_list_is_its_own(tmp_path: Path) -> None:
    held = {10: "Red"}
    dev, qa = rooms({3: "Blue"}), rooms(held)
    async with two(tmp_path, dev, qa) as gateway:
        calls = (("POST", "/rooms", {"name": "Mine"}), ("GET", "/rooms", None), ("DELETE", "/rooms/4", None))
        recording = await record(gateway, *calls)
        result = await run(gateway, recording)
        assert held == {10: "Red"} and result.steps[2].outcome in ("same", "expected"), result.steps[2]


async def test_a_session_that_is_over_is_signed_in_again_once(tmp_path: Path) -> None:
    tokens: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/login":
            tokens.append(f"t0ken-{len(tokens)}-9f8e7d6c5b4a39281706f5e4d3c2b1a0")
            return web.json_response({"token": tokens[-1]})
        sent = request.headers.get("Authorization", "")
        if request.path == "/later" and sent.endswith(tokens[0]) and len(tokens) == 1 and dead:
            return web.json_response({"error": "expired"}, status=401)
        return web.json_response({"ok": True}, status=200 if sent[7:] in tokens else 401)

    dead: list[bool] = []
    dev, qa = Server(handler), Server(handler)
    async with two(tmp_path, dev, qa) as gateway:
        calls = (("POST", "/login", {"user": "ann"}), ("GET", "/now", None), ("GET", "/later", None))
        recording = await record(gateway, *calls)
        tokens.clear()
        dead.append(True)
        result = await run(gateway, recording)
        assert [one.status for one in result.steps] == [200, 200, 200]
        assert "the session was over: step 1 was sent again" in result.steps[2].message
        assert [path for _, path in qa.seen] == ["/login", "/now", "/later", "/login", "/later"]


async def test_a_taken_name_is_told_and_freshened(tmp_path: Path) -> None:
    names: set[str] = set()

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"there": request.query.get("name") in names})
        name = (await request.json())["name"]
        if name in names:
            return web.json_response({"error": "already exists"}, status=409)
        names.add(name)
        return web.json_response({"name": name}, status=201)

    dev, qa = Server(handler), Server(handler)
    async with two(tmp_path, dev, qa) as gateway:
        recording = await record(gateway, ("POST", "/shops", {"name": "pricing"}), ("GET", "/shops?name=pricing", None))
        refused = await run(gateway, recording)
        assert (
            refused.steps[0].status == 409
            and "--fresh NAME sends a new one: name (pricing)" in refused.steps[0].message
        )
        fresh = await run(gateway, recording, ReplayOptions(to={"a": "qa"}, fresh=("name",)))
        assert [one.status for one in fresh.steps] == [201, 200] and len(names) == 2
        body = {"step": 1, "fresh": ["name"], "to": ["a=qa"], "yes": True}  # a new name alone is a what-if
        branched = await replay(gateway.services, branch_order(gateway.services.store.recording(recording), body))
        assert [one.status for one in branched.steps] == [201, 200] and len(names) == 3
        assert all("pricing-" in path for method, path in qa.seen[-1:] if method == "GET")


async def test_targets_and_methods_go_out_as_they_were(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": True})

    dev, qa = Server(handler), Server(handler)
    async with two(tmp_path, dev, qa) as gateway:
        host, port = gateway.url.removeprefix("http://").split(":")
        for line in ("GET /a/x?", "GET /a/x?a=%7e&b", "PURGE /a/caf%C3%A9//y/", "GET /a/x?q=a+b%20c"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"{line} HTTP/1.1\r\nHost: h\r\nGateway-Session: raw\r\nConnection: close\r\n\r\n".encode())
            await reader.read()
            writer.close()
        recording = gateway.services.store.recording("@last").id
        await run(gateway, recording)
        assert qa.seen == dev.seen and qa.seen[0] == ("GET", "/x?")


async def test_a_branch_sets_other_steps_too(tmp_path: Path) -> None:
    (dev, _), (qa, held) = entries(3), entries(3)
    async with two(tmp_path, dev, qa) as gateway:
        recording = await record(gateway, *RENAME)
        async with aiohttp.ClientSession(gateway.url) as client:
            body = {"step": 1, "set": ["json:/title=uno", "2:json:/title=due"], "to": ["a=qa"], "yes": True}
            async with client.post(f"/_gateway/api/v1/recordings/{recording}/branch", json=body) as response:
                assert response.status == 200, await response.text()
        assert held == {3: "due"}


async def test_the_run_goes_on_at_the_recorded_pace(tmp_path: Path) -> None:
    (dev, _), (qa, held) = entries(3), entries(3)
    async with two(tmp_path, dev, qa) as gateway:
        recording = await record(gateway, *RENAME)
        result = await run(gateway, recording, pace="recorded")
        assert result.steps[1].status == 200 and held == {3: "two"}


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ('Digest username="ann", realm="r", nonce="{0}", uri="/", response="6629fae49393a05397450978507c4ef1"', "Digest proof"),
        ("SharedKey account:c2lnbmF0dXJlIG9mIHRoaXMgcmVxdWVzdA==", "Azure signature"),
        ('OAuth oauth_consumer_key="k", oauth_nonce="{0}", oauth_signature="abcd%3D"', "OAuth 1.0 signature"),
    ],
    ids=["Digest", "Shared Key", "OAuth 1.0"],
)  # fmt: skip
async def test_a_step_with_a_proof_says_that_it_was_sent_as_recorded(tmp_path: Path, scheme: str, words: str) -> None:
    def server(takes: bool) -> Server:
        async def handler(request: web.Request) -> web.StreamResponse:
            return web.json_response({"name": "ann"}, status=200 if takes else 401)

        return Server(handler)

    async with two(tmp_path, server(True), server(False)) as gateway:
        recording = await record(
            gateway, ("GET", "/me", None), sent={"Authorization": scheme.format("dcd98b7102dd2f0e")}
        )
        (there,) = (await run(gateway, recording)).steps
        assert there.outcome == "differs" and f"{words}" in there.message and "cannot be made anew" in there.message
        (here,) = (await run(gateway, recording, ReplayOptions())).steps
        assert here.outcome == "same" and f"sent with the recorded {words}" in here.message
