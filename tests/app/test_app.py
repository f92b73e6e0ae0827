"""The parts wired together: one port for clusters and own pages, restarts, moves, the end.

Covers: https/files, store/redaction_preview.
"""

import asyncio
import io
import json
import os

import aiohttp
import pytest
from peers import field_of, raw_client, raw_upstream, status_of
from relaying import orders_at
from serving import serving

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
GET = b"GET /api/orders/1 HTTP/1.1\r\nHost: localhost\r\nGateway-Session: s1\r\n\r\n"


async def api(gateway, path: str, method: str = "GET", **body):
    async with aiohttp.ClientSession() as client:
        kwargs = {"json": body} if body else {}
        async with client.request(method, f"{gateway.url}/_gateway/api/v1/{path}", **kwargs) as response:
            assert response.status < 300, await response.text()
            return await response.json() if response.content_length != 0 else None


async def test_one_port_serves_clusters_and_own_pages_on_the_same_connection(tmp_path):
    async with raw_upstream(OK) as upstream, serving(tmp_path, orders_at(upstream.url)) as gateway:
        async with raw_client(gateway.url) as client:
            await client.send(GET)
            assert (await client.response())[1] == b"{}"
            await client.send(b"GET /_gateway/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head, _ = await client.response()
            assert status_of(head) == 200 and field_of(head, b"Connection") == b"close"
            assert await client.rest() == b""


async def test_a_large_form_reaches_our_own_pages_whole(tmp_path):
    async with serving(tmp_path, orders_at("http://127.0.0.1:1")) as gateway, aiohttp.ClientSession() as client:
        async with client.post(
            f"{gateway.url}/_gateway/api/v1/session/recording", json={"title": "x" * 60_000}
        ) as response:
            assert response.status in (200, 201, 400, 422)
        async with client.post(
            f"{gateway.url}/_gateway/api/v1/session/recording", data=io.BytesIO(b"x" * (3 << 20))
        ) as response:
            assert response.status in (403, 413)


async def test_a_session_goes_on_in_its_recording_after_a_restart(tmp_path):
    async with raw_upstream(OK) as upstream:
        routes = orders_at(upstream.url)
        for run in (1, 2):
            async with serving(tmp_path, routes) as gateway, raw_client(gateway.url) as client:
                for _ in range(2):
                    await client.send(GET)
                    await client.response()
                (recording,) = (await api(gateway, "recordings"))["items"]
                assert recording["session"] == "s1" and recording["steps"] == run * 2
        async with serving(tmp_path, routes) as gateway:
            items = (await api(gateway, f"recordings/{recording['id']}/exchanges"))["items"]
            assert [e["step"] for e in items] == [1, 2, 3, 4]


async def test_every_exchange_says_which_table_sent_it_and_history_says_who_moved(tmp_path):
    other = OK.replace(b"{}", b"[]")
    async with raw_upstream(OK) as qa, raw_upstream(other) as test:
        async with serving(tmp_path, orders_at(qa.url) + f"      test: {test.url}\n") as gateway:
            async with raw_client(gateway.url) as client:
                await client.send(GET)
                assert (await client.response())[1] == b"{}"
                await api(gateway, "routes/orders/move", "POST", environment="test")
                await client.send(GET)
                assert (await client.response())[1] == b"[]"
            (recording,) = (await api(gateway, "recordings"))["items"]
            first, second = (await api(gateway, f"recordings/{recording['id']}/exchanges"))["items"]
            assert (first["environment"], second["environment"]) == ("qa", "test")
            history = (await api(gateway, "routes/history"))["items"]
            assert history[0]["changes"] == ["orders: qa -> test"]
            assert [second["routes_revision"], first["routes_revision"]] == [h["id"] for h in history[:2]]


async def test_an_open_stream_is_visible_and_a_stopped_gateway_leaves_nothing_open(tmp_path):
    async def talk(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await asyncio.sleep(30)

    async with raw_upstream(talk) as upstream:
        async with serving(tmp_path, orders_at(upstream.url), drain=0.1) as gateway, raw_client(gateway.url) as client:
            await client.send(GET)
            await client.reader.readuntil(b"data: 1\n\n")
            async with asyncio.timeout(5):
                while not (items := (await api(gateway, "recordings"))["items"]):
                    await asyncio.sleep(0.02)
            (exchange,) = (await api(gateway, f"recordings/{items[0]['id']}/exchanges"))["items"]
            assert exchange["state"] == "open" and exchange["stream"] == "sse"
        async with serving(tmp_path, orders_at(upstream.url)) as gateway:
            (exchange,) = (await api(gateway, f"recordings/{items[0]['id']}/exchanges"))["items"]
            assert exchange["state"] == "done" and exchange["failure"]["kind"] == "client_closed"


async def test_the_run_file_tells_where_the_server_is_while_it_runs(tmp_path):
    file = tmp_path / "recordings" / "gateway.run.json"
    async with serving(tmp_path, orders_at("http://127.0.0.1:1")) as gateway:
        said = json.loads(file.read_text())
        assert said.pop("token")  # with which the command line of the same user comes in
        written = str((file.parent / "gateway.db").resolve())
        assert said == {"url": gateway.url, "console": gateway.console, "recordings": written, "pid": os.getpid()}
        assert file.stat().st_mode & 0o777 == 0o600
    assert not file.exists()


async def test_metrics_count_what_passed(tmp_path):
    async with raw_upstream(OK) as upstream, serving(tmp_path, orders_at(upstream.url)) as gateway:
        async with raw_client(gateway.url) as client:
            await client.send(GET)
            await client.response()
        async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/_gateway/metrics") as response:
            text = await response.text()
        assert 'gateway_requests_total{cluster="orders",environment="qa",status="200"} 1' in text
        assert 'gateway_request_seconds_count{cluster="orders"} 1' in text
        assert "gateway_recorded_total 1" in text and "gateway_config_valid 1" in text


async def test_a_session_starts_a_new_recording_and_goes_on(tmp_path):
    async with raw_upstream(OK) as upstream, serving(tmp_path, orders_at(upstream.url)) as gateway:
        headers = {"Gateway-Session": "s1"}
        async with aiohttp.ClientSession(headers=headers) as client:
            for title in ("First try", "Second try"):
                url = f"{gateway.url}/_gateway/api/v1/session/recording"
                async with client.post(url, json={"title": title}) as response:
                    assert response.status in (200, 201), await response.text()
                async with client.get(gateway.url + "/api/orders/1") as response:
                    assert response.status == 200
        items = (await api(gateway, "recordings"))["items"]
        assert [(r["title"], r["steps"]) for r in items] == [("Second try", 1), ("First try", 1)]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_in_use_is_one_clear_error(tmp_path, host):
    from gateway.app import running
    from gateway.errors import GatewayError
    from gateway.protocols import Options

    (tmp_path / "routes.yaml").write_text(orders_at("http://127.0.0.1:1"))
    options = Options(tmp_path / "routes.yaml", tmp_path / "a" / "gateway.db", host=host, port=0, health_interval=0)
    async with running(options) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        again = Options(tmp_path / "routes.yaml", tmp_path / "b" / "gateway.db", host=host, port=port)
        with pytest.raises(GatewayError, match="cannot listen"):
            async with running(again):
                pass
