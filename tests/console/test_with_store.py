"""The pages and the API on the real recording file.

Covers: cli/recordings/masked_store, services/imports.
"""

import asyncio
import gzip
import io
import re
from dataclasses import replace

import aiohttp
import consoling
import pytest
from captures import a_capture, recorded

from gateway.services.imports import Folder, ImportFile
from gateway.store import open_recorder, open_store


@pytest.fixture
async def services(tmp_path, book):
    services = consoling.some_services(tmp_path, book)
    recorder = open_recorder(tmp_path / "gateway.db", seal=None, live=services.live)
    await recorder.start()
    yield replace(services, store=open_store(tmp_path / "gateway.db"), recorder=recorder)
    await recorder.stop()


async def test_what_was_recorded_is_shown(client, services):
    body = gzip.compress(b'{"id": 123456789012345678901234567890}')
    await recorded(
        services.recorder,
        a_capture(1),
        a_capture(
            2, status=404, response_body=[body], response_size=len(body),
            response_headers=[(b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip")],
        ),
    )  # fmt: skip
    text = await (await client.get("/_gateway/recordings/@last")).text()
    assert "404" in text
    assert "<svg" in text
    found = await (await client.get("/_gateway/recordings/@last.json")).json()
    assert [one["step"] for one in found["items"]] == [1, 2]
    exchange = found["items"][1]["id"]
    text = await (await client.get(f"/_gateway/exchanges/{exchange}")).text()
    assert "123456789012345678901234567890" in text
    raw = await client.get(f"/_gateway/api/v1/exchanges/{exchange}/response-body")
    assert (await raw.read(), raw.content_type) == (body, "application/octet-stream")


async def test_the_live_list_begins_with_the_newest_of_a_long_recording(client, services):
    captures = [a_capture(number) for number in range(1, 80)]
    await recorded(services.recorder, *captures)
    found = await (await client.get("/_gateway/live.json?limit=10")).json()
    assert [one["step"] for one in found["items"]] == list(range(79, 69, -1))


async def test_notes_and_deletion_reach_the_file(client, services):
    await recorded(services.recorder, a_capture(1))
    answer = await client.patch("/_gateway/api/v1/recordings/@last", json={"title": "Mine", "note": "n", "tags": ["t"]})
    found = await answer.json()
    assert (found["title"], found["notes"], found["tags"]) == ("Mine", ["n"], ["t"])
    json = {"Content-Type": "application/json"}
    assert (await client.delete("/_gateway/api/v1/recordings/Mine", headers=json)).status == 200
    assert (await client.get("/_gateway/recordings/Mine")).status == 404


async def test_a_filter_that_is_off_says_what_was_meant(client, services):
    await recorded(services.recorder, a_capture(1))
    assert (await (await client.get("/_gateway/recordings.json?q=cluster:orders")).json())["items"]
    answer = await client.get("/_gateway/recordings.json?q=staus:404")
    assert answer.status == 400
    assert "status" in (await answer.json())["detail"]


async def test_nothing_recorded_yet_is_not_an_error(client):
    for path in ("/_gateway/", "/_gateway/live", "/_gateway/recordings", "/_gateway/history"):
        assert (await client.get(path)).status == 200, path
    assert (await client.get("/_gateway/recordings/@last")).status == 404


async def test_each_exchange_is_told_to_those_who_watch(client, services):
    async with services.live.subscribe() as events:
        await recorded(services.recorder, a_capture(1))
        _, name, data = await asyncio.wait_for(anext(events), 5)
    assert (name, data["step"], data["cluster"]) == ("exchange", 1, "orders")
    assert {"id", "recording", "method", "path", "status", "environment", "total_ms", "started_at", "failure"} <= set(
        data
    )


async def test_one_filter_for_recordings_steps_and_the_live_list(client, services):
    await recorded(services.recorder, a_capture(1), a_capture(2, status=404), a_capture(3, target=b"/api/orders/zebra"))
    for path in (
        "/_gateway/recordings/@last.json",
        "/_gateway/live.json",
        "/_gateway/api/v1/recordings/@last/exchanges",
    ):
        for query, steps in {"status:404": [2], "-status:404 zebra": [3], "body:3": [3], "nowhere": []}.items():
            found = await (await client.get(path, params={"q": query})).json()
            assert [one["step"] for one in found["items"]] == steps, (path, query)
        refused = await client.get(path, params={"q": "stauts:404"})
        assert refused.status == 400
        assert "did you mean 'status'" in await refused.text()
    for path in ("/_gateway/recordings/@last", "/_gateway/live", "/_gateway/recordings"):
        page = await client.get(path, params={"q": "stauts:404"})
        text = await page.text()
        assert page.status == 400
        assert 'value="stauts:404"' in text
        assert "did you mean &#39;status&#39;" in text
        assert 'value="status:404"' in await (await client.get(path, params={"q": "status:404"})).text()


async def test_the_live_list_goes_back_page_by_page(client, services):
    await recorded(services.recorder, *(a_capture(step) for step in range(1, 6)))
    first = await (await client.get("/_gateway/live.json?limit=2")).json()
    second = await (await client.get("/_gateway/live.json", params={"limit": 2, "cursor": first["next"]})).json()
    assert [one["step"] for one in first["items"] + second["items"]] == [5, 4, 3, 2]


async def test_deleting_the_recording_of_a_live_session_begins_another_for_it(client, services):
    headers = {"Gateway-Session": "mine", "Content-Type": "application/json"}
    before = (await (await client.get("/_gateway/api/v1/session", headers=headers)).json())["recording"]
    await recorded(services.recorder, a_capture(1, before))
    assert (await client.delete(f"/_gateway/api/v1/recordings/{before}", headers=headers)).status == 200
    after = (await (await client.get("/_gateway/api/v1/session", headers=headers)).json())["recording"]
    assert after != before


async def test_a_file_is_taken_through_the_api(client, services):
    headers = {"Content-Type": "application/json"}
    script = b"curl http://127.0.0.1:9000/orders-qa/orders/1"
    answer = await client.post("/_gateway/api/v1/import?name=chain.sh", data=script, headers=headers)
    found = (await answer.json())["items"][0]
    assert (found["kind"], found["title"], found["steps"], found["clusters"]) == (
        "import",
        "chain.sh",
        1,
        ["orders@qa"],
    )
    bundle = await (await client.get(f"/_gateway/api/v1/recordings/{found['id']}/export?as=bundle")).read()
    answer = await client.post("/_gateway/api/v1/import", data=bundle, headers=headers)
    again = (await answer.json())["items"][0]["id"]
    assert again != found["id"]
    assert await (await client.get(f"/_gateway/api/v1/recordings/{again}/export?as=bundle")).read() == bundle


async def test_a_file_that_cannot_be_taken_says_where(client, services):
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/_gateway/api/v1/import", data=b'{"log": {"entries": 5}}', headers=headers)
    assert (answer.status, (await answer.json())["detail"]) == (400, "log.entries: is not a list")
    foreign = await client.post("/_gateway/api/v1/import", data=b"x", headers={"Content-Type": "text/plain"})
    assert foreign.status == 403


async def test_a_large_file_is_taken(client, services):
    script = b"\n".join(b"curl http://127.0.0.1:9000/x -d " + b"a" * 2000 for _ in range(1000))
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/_gateway/api/v1/import", data=io.BytesIO(script), headers=headers)
    assert (await answer.json())["items"][0]["steps"] == 1000


async def upload(client, data, *, token=None, **fields):
    """The recordings page's form, sent as a browser sends it."""
    if token is None:
        page = await (await client.get("/_gateway/recordings")).text()
        token = re.search(r'action="/_gateway/import".*?name="csrf_token" value="(\w+)"', page, re.DOTALL)[1]
    form = aiohttp.FormData({"csrf_token": token, "as": "", **fields})
    form.add_field("file", io.BytesIO(data), filename="chain.sh", content_type="application/octet-stream")
    return await client.post("/_gateway/import", data=form, allow_redirects=False, headers={"Accept": "text/html"})


async def test_a_file_is_taken_by_the_form_and_leads_to_its_recording(client, services):
    script = b"\n".join(b"curl http://127.0.0.1:9000/x -d " + b"a" * 2000 for _ in range(1000))  # more than other forms
    answer = await upload(client, script)
    assert answer.status == 303, await answer.text()
    page = await (await client.get(answer.headers["Location"])).text()
    assert "Imported chain.sh" in page and "1000 steps" in page and "no route knows this host" in page
    (link,) = re.findall(r'href="(/_gateway/recordings/\w+)">chain.sh</a>', page)
    assert "1000 steps" in await (await client.get(link)).text()


async def test_the_page_after_the_form_says_what_was_left_out(client, services):
    script = b"curl --digest -u a:b http://127.0.0.1:9000/orders-qa/orders/1; xargs curl <urls"
    answer = await upload(client, script)
    page = await (await client.get(answer.headers["Location"])).text()
    assert "<b>orders</b> @qa" in page and "<b>--digest</b>: Digest authentication responds to a challenge" in page
    assert "it is given to xargs" in page
    told = await (await client.get(f"{answer.headers['Location']}.json")).json()
    assert [one["what"] for one in told["report"]["left_out"]] == ["a curl command", "--digest"]
    note = services.store.recording(told["recording"]).notes[-1]
    assert "Left out by the import:\n- a curl command" in note
    assert "no longer kept" in await (await client.get("/_gateway/imports/01JUNKNOWN")).text()


async def test_the_report_comes_with_the_api(client, services):
    headers = {"Content-Type": "application/json"}
    script = b"curl http://127.0.0.1:9000/orders-qa/orders/1 https://elsewhere.example/x"
    answer = await client.post("/_gateway/api/v1/import?name=chain.sh", data=script, headers=headers)
    report = (await answer.json())["report"]
    assert report["clusters"] == [{"cluster": "orders", "environment": "qa", "steps": 1}]
    assert report["unrouted"] == [{"origin": "https://elsewhere.example", "steps": 1}]
    assert (report["name"], report["format"], report["steps"], report["left_out"]) == ("chain.sh", "curl", 2, [])


async def test_a_gateway_is_sent_the_files_that_a_command_names(client, services, tmp_path):
    (tmp_path / "order.json").write_bytes(b'{"qty": 2}')
    source = ImportFile(b"curl http://h.example/ -d @order.json", "chain.sh")
    packed = Folder(tmp_path).packed(source)
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/_gateway/api/v1/import?name=chain.sh", data=packed, headers=headers)
    id = (await answer.json())["items"][0]["id"]
    assert services.store.exchanges(id).items[0].request.body.data == b'{"qty": 2}'
    refused = await client.post("/_gateway/api/v1/import", data=source.data, headers=headers)
    assert "names a file, which is not read" in (await refused.json())["detail"]


async def test_the_form_needs_its_token_and_a_file(client, services):
    assert (await upload(client, b"curl http://127.0.0.1/", token="forged")).status == 403
    answer = await upload(client, b'{"log": {"entries": 5}}')
    assert answer.status == 400 and "log.entries: is not a list" in await answer.text()
    assert len(services.store.recordings().items) == 0


async def test_the_form_refuses_more_than_a_file_may_have(client, services, monkeypatch):
    monkeypatch.setattr("gateway.web.uploads.LIMIT", 1 << 20)
    answer = await upload(client, b"curl http://127.0.0.1:9000/x\n" * 90_000)
    assert answer.status == 400 and "the file has more than 1048576 bytes" in await answer.text()
