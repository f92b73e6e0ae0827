"""The JSON API does what its description says, and describes all that it does.

Covers: api/access, api/assertions, api/compose, api/imports, api/live, api/openapi, api/operation, api/recordings,
api/replay, api/routes, api/schemas, api/sealing, api/session.
"""

import asyncio
import io
import json
import re
import zipfile

import pytest

from gateway.api import live
from gateway.api.calls import OPERATIONS
from gateway.api.openapi import PREFIX
from gateway.errors import Problem
from gateway.model.exchange import Chunk
from gateway.model.message import Response
from gateway.protocols import RecorderStatus

RECORDING = "01KRECORDING00000000000001"
EXCHANGE = "01KEXCHANGE000000000000002"


async def read(client, path, status=200, **options):
    answer = await client.get(PREFIX + path, **options)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def test_the_description_and_the_routes_are_the_same(client, app):
    found = await (await client.get("/_gateway/api/openapi.json")).json()
    assert found["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource.canonical.startswith(PREFIX) and route.method != "HEAD"
    }
    assert described == served


async def test_the_description_is_sound(client):
    found = await (await client.get("/_gateway/api/openapi.json")).json()
    text = json.dumps(found)
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in found["components"]["schemas"]
    ids = re.findall(r'"operationId": "(\w+)"', text)
    assert len(ids) == len(set(ids)) == len(OPERATIONS)
    for path, methods in found["paths"].items():
        for operation in methods.values():
            named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


def fits(value, schema, schemas):
    """As much of JSON Schema as our shapes use."""
    if "$ref" in schema:
        return fits(value, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "oneOf" in schema:
        return any(fits(value, one, schemas) for one in schema["oneOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    python = {
        "string": str,
        "number": (int, float),
        "integer": int,
        "boolean": bool,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    if not any(isinstance(value, python[kind]) for kind in kinds):
        return False
    if isinstance(value, list) and "items" in schema:
        return all(fits(item, schema["items"], schemas) for item in value)
    if isinstance(value, dict):
        members = schema.get("properties", {})
        return all(name in value for name in schema.get("required", ())) and all(
            fits(value[name], member, schemas) for name, member in members.items() if name in value
        )
    return True


@pytest.mark.parametrize(
    "path",
    [
        "recordings", f"recordings/{RECORDING}", f"recordings/{RECORDING}/exchanges", f"exchanges/{EXCHANGE}",
        f"exchanges/{EXCHANGE}/chunks", "routes", "routes/history", "session", "exchanges/01KEXCHANGE000000000000003",
    ],
)  # fmt: skip
async def test_answers_have_the_described_shape(client, path):
    description = await (await client.get("/_gateway/api/openapi.json")).json()
    template = re.sub(r"(recordings|exchanges)/[^/]+", r"\1/{id}", path)
    operation = description["paths"][PREFIX + template]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert fits(await read(client, path), schema, description["components"]["schemas"])


async def test_lists_have_items_and_a_cursor(client):
    found = await read(client, f"recordings/{RECORDING}/exchanges?limit=2")
    assert [one["step"] for one in found["items"]] == [1, 2]
    rest = await read(client, f"recordings/{RECORDING}/exchanges?cursor={found['next']}")
    assert [one["step"] for one in rest["items"]] == [3]
    assert rest["next"] is None


async def test_what_is_not_there_is_a_problem_that_says_so(client):
    found = await read(client, "recordings/none", status=404)
    assert found["status"] == 404
    assert "'none'" in found["detail"]
    assert (await read(client, "exchanges/none", status=404))["title"] == "Not found"
    found = await read(client, f"recordings/{RECORDING}/export?as=harr", status=400)
    assert "did you mean 'har'?" in found["detail"]


async def test_a_recording_is_annotated_and_deleted(client, book):
    answer = await client.patch(
        PREFIX + "recordings/Order a book", json={"title": "T", "note": "n", "tags": ["x"], "pinned": True}
    )
    found = await answer.json()
    assert (found["title"], found["notes"], found["tags"], found["pinned"]) == ("T", ["n"], ["demo", "x"], True)
    await client.patch(PREFIX + f"recordings/{RECORDING}", json={"step": 1, "tags": ["first"]})
    assert book.steps[RECORDING][0].tags == ("first",)
    answer = await client.delete(PREFIX + "recordings/T", headers={"Content-Type": "application/json"})
    assert await answer.json() == {"deleted": RECORDING}
    assert (await client.get(PREFIX + f"recordings/{RECORDING}")).status == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"), (b"[]", "not a JSON object"), (b'{"titel": "x"}', "did you mean 'title'?"),
        (b'{"title": 1}', "'title' is not a string"), (b'{"tags": "x"}', "a list of strings"),
        (b'{"pinned": "yes"}', "true or false"), (b'{"step": true}', "a whole number"), (b'{"step": 9}', "1 to 3"),
        (b'{"step": 1, "title": "x"}', "belong to the recording"), (b'{"title": "\\ud800"}', "not a string"),
        (b"[" * 100_000, "not JSON"),
    ],
    ids=lambda value: repr(value)[:24],
)  # fmt: skip
async def test_a_body_that_is_off_changes_nothing_and_says_why(client, book, body, said):
    before = book.kept[RECORDING]
    answer = await client.patch(
        PREFIX + f"recordings/{RECORDING}", data=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status == 400
    assert said in (await answer.json())["detail"]
    assert book.kept[RECORDING] == before


async def test_bodies_are_only_ever_saved(client, book, an_exchange):
    evil = b"<script>alert(1)</script>"
    html = an_exchange(answer=evil, answer_headers=(("Content-Type", "text/html"),))
    image = an_exchange(answer=b"\x89PNG", answer_headers=(("Content-Type", "image/svg+xml\r\nX: y"),))
    book.add(book.kept[RECORDING], html, image)
    for one in (html, image):
        answer = await client.get(PREFIX + f"exchanges/{one.id}/response-body")
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.content_type in ("text/plain", "application/octet-stream")
        assert await answer.read() == one.response.body.data
    answer = await client.get(PREFIX + f"exchanges/{html.id}/request-body")
    assert await answer.read() == html.request.body.data


async def test_a_missing_response_has_no_body(client):
    assert (await client.get(PREFIX + "exchanges/01KEXCHANGE000000000000003/response-body")).status == 404


@pytest.mark.parametrize("name", ["mermaid", "svg", "har", "curl", "json", "plantuml"])
async def test_exports_are_saved_whole(client, name):
    answer = await client.get(PREFIX + f"recordings/{RECORDING}/export?as={name}")
    assert answer.status == 200
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.[a-z]+"', answer.headers["Content-Disposition"])
    assert len(await answer.read()) > 100


async def test_a_format_of_several_files_is_saved_as_an_archive(client, book, an_exchange):
    users = an_exchange(method="GET", target="/api/users/me", cluster="users")
    book.add(book.kept[RECORDING], *book.steps[RECORDING], users)
    url = PREFIX + f"recordings/{RECORDING}/export?as=openapi"
    answer = await client.get(url)
    assert answer.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        assert len(archive.namelist()) > 1
    one = await client.get(f"{url}&cluster=users")
    assert (await one.json(content_type=None))["info"]["title"] == "users"


async def test_the_frames_of_a_websocket_are_decoded(client, book, an_exchange):
    upgraded = an_exchange(stream="websocket", response=Response(status=101))
    book.add(book.kept[RECORDING], upgraded)
    book.pieces[upgraded.id] = [
        Chunk(0, 1.0, "received", b"\x81\x02hi"),
        Chunk(1, 2.0, "sent", b"\x88\x82\0\0\0\0\x03\xe8"),
    ]
    found = (await read(client, f"exchanges/{upgraded.id}/chunks"))["items"]
    assert [(one["kind"], one["direction"], one["text"]) for one in found] == [
        ("text", "received", "hi"),
        ("close", "sent", ""),
    ]
    assert found[1]["close_code"] == 1000


async def test_the_events_of_a_stream_are_decoded(client, book, an_exchange):
    stream = an_exchange(stream="sse")
    book.add(book.kept[RECORDING], stream)
    book.pieces[stream.id] = [Chunk(0, 1.0, "received", b"event: paid\nda"), Chunk(1, 2.0, "received", b"ta: 7\n\n")]
    found = (await read(client, f"exchanges/{stream.id}/chunks"))["items"]
    assert [(one["kind"], one["text"], one["at_ms"]) for one in found] == [("paid", "7", 2.0)]
    page = await client.get(f"/_gateway/exchanges/{stream.id}")
    assert "paid" in await page.text()


async def test_a_move_says_the_line_it_changed(client, services):
    answer = await client.post(PREFIX + "routes/payments/move", json={"environment": "qa", "source": "command line"})
    found = await answer.json()
    assert (found["file"], found["line"], found["before"], found["environment"]) == ("routes.yaml", 10, "test", "qa")
    assert services.store.accepted[0].source == "command line"
    answer = await client.post(PREFIX + "routes/payments/move", json={"environment": "qa"})
    assert (await answer.json())["line"] is None
    assert (await client.post(PREFIX + "routes/nobody/move", json={"environment": "qa"})).status == 404
    assert (await client.post(PREFIX + "routes/payments/move", json={})).status == 400


async def test_routes_show_health_and_this_session_s_pins(client, services):
    await client.put(PREFIX + "session/pins/orders", json={"environment": "test"})
    found = await read(client, "routes")
    orders = found["items"][0]
    assert (orders["path"], orders["environment"], orders["pinned"]) == ("/api/orders", "qa", "test")
    assert [(one["environment"], one["health"]["state"]) for one in orders["upstreams"]] == [
        ("test", "down"),
        ("qa", "up"),
    ]


async def test_pins_of_a_session(client):
    answer = await client.put(PREFIX + "session/pins/orders", json={"environment": "test", "ttl": "2h"})
    assert (await answer.json())["pins"]["orders"]["environment"] == "test"
    assert (await read(client, "session", headers={"Gateway-Session": "other"}))["pins"] == {}
    assert (await client.put(PREFIX + "session/pins/orders", json={"environment": "uat"})).status == 400
    assert (await client.put(PREFIX + "session/pins/nobody", json={"environment": "qa"})).status == 404
    answer = await client.delete(PREFIX + "session/pins/orders", headers={"Content-Type": "application/json"})
    assert (await answer.json())["pins"] == {}


async def test_a_session_starts_a_new_recording(client):
    answer = await client.post(PREFIX + "session/recording", json={"title": "Again"})
    assert (await answer.json())["recording"] == "fresh"


async def events(answer, count):
    """The next `count` events as (name, data, id)."""
    found = []
    while len(found) < count:
        fields = {}
        while line := (await asyncio.wait_for(answer.content.readline(), 5)).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"]), fields.get("id")))
    return found


async def test_live_says_hello_then_what_happens(client, services):
    answer = await client.get(PREFIX + "live")
    assert answer.content_type == "text/event-stream"
    assert "default-src" in answer.headers["Content-Security-Policy"]
    [(name, state, _)] = await events(answer, 1)
    assert (name, state["routes"]["environments"]["orders"]) == ("hello", "qa")
    services.live.publish("exchange", {"id": "1", "path": "/a\nb"})
    await services.routes.move("orders", "test", source="file")
    (first, data, _), (second, moved, id) = await events(answer, 2)
    assert (first, data["path"]) == ("exchange", "/a\nb")
    assert (second, moved["environments"]["orders"], moved["changes"]) == ("routes", "test", ["orders: qa -> test"])
    answer.close()
    services.live.publish("exchange", {"id": "2"})
    again = await client.get(PREFIX + "live", headers={"Last-Event-ID": id})
    assert [one[1].get("id") for one in await events(again, 2)] == [None, "2"]
    again.close()


async def test_live_tells_of_problems_and_begins_with_the_recorder_s_state(client, services, book):
    book.state = RecorderStatus(missed=1, reason="the disk is full.")
    answer = await client.get(PREFIX + "live")
    [(_, state, _)] = await events(answer, 1)
    assert (state["recorder"]["missed"], state["recorder"]["reason"]) == (1, "the disk is full.")
    services.routes.problems = (Problem("routes.yaml", 1, 2, "", "broken"),)
    services.routes.tell(None)
    [(_, data, _)] = await events(answer, 1)
    assert data["problems"] == ["routes.yaml:1:2: error: broken"]
    answer.close()


async def test_silence_is_broken_by_comments(client, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.01)
    answer = await client.get(PREFIX + "live")
    await events(answer, 1)
    assert await answer.content.readline() == b": still here\n"
    answer.close()


async def test_a_reader_that_goes_away_is_no_error(client, services, monkeypatch, caplog):
    monkeypatch.setattr(live, "HEARTBEAT", 0.01)
    answer = await client.get(PREFIX + "live")
    await events(answer, 1)
    answer.close()
    while services.live._open:
        await asyncio.sleep(0.01)
    assert not caplog.records


async def test_live_ends_when_the_server_goes_down(client, services):
    answer = await client.get(PREFIX + "live")
    await events(answer, 1)
    await client.server.app.shutdown()
    assert await asyncio.wait_for(answer.content.read(), 5) == b""


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("recordings?limt=5", "'limt' is not a parameter of this call; did you mean 'limit'?"),
        ("recordings?filter=x", "'filter' is not a parameter of this call"),
        (f"recordings/{RECORDING}?verbose=1", "'verbose' is not a parameter of this call"),
        (f"recordings/{RECORDING}/exchanges?curser=1", "did you mean 'cursor'?"),
        (f"recordings/{RECORDING}/export?format=har", "'format' is not a parameter of this call"),
        ("routes/history?since=1", "'since' is not a parameter of this call"),
        ("diff?A=1&b=2", "'A' is not a parameter of this call"),
    ],
)
async def test_a_parameter_that_no_call_knows_is_refused_with_the_nearest_name(client, path, said):
    found = await read(client, path, status=400)
    assert said in found["detail"]
