"""The sample backends over real connections: what each environment knows, and how each error reads.

Covers: samples/catalogue, samples/orders, samples/payments, samples/responses, samples/routes, samples/servers,
samples/shop, samples/users.
"""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
import yaml

from gateway.samples import USUAL_PORTS, routes_yaml, running_samples


@pytest.fixture
async def samples():
    async with running_samples() as running:
        yield running


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as client:
        yield client


async def sign_in(http, samples, environment="qa"):
    body = {"user": "ada", "password": "lovelace"}
    async with http.post(samples.urls["users"][environment] + "/login", json=body) as answer:
        assert answer.status == 200
        return {"Authorization": f"Bearer {(await answer.json())['token']}"}


async def order(http, samples, headers, **body):
    async with http.post(samples.urls["orders"]["qa"] + "/orders", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def pay(http, samples, number, amount):
    url = f"{samples.urls['payments']['qa']}/orders/{number}/payments"
    async with http.post(url, json={"amount": amount}) as answer:
        return answer.status, await answer.json()


async def test_every_backend_says_that_it_is_well_and_which_build_it_is(http, samples):
    for cluster, upstreams in samples.urls.items():
        for environment, url in upstreams.items():
            async with http.get(url + "/health") as answer:
                expected = {"status": "ok", "service": cluster, "environment": environment}
                assert (answer.status, await answer.json()) == (200, expected)
            async with http.get(url + "/version") as answer:
                assert (await answer.json())["build"]


async def test_qa_has_five_books_and_dev_was_reset(http, samples):
    counts = {}
    for environment in ("qa", "dev"):
        async with http.get(samples.urls["catalogue"][environment] + "/books") as answer:
            counts[environment] = [book["isbn"] for book in (await answer.json())["items"]]
    assert counts == {"qa": ["978-1", "978-2", "978-3", "978-4", "978-5"], "dev": ["978-7"]}


async def test_a_book_that_is_not_there_is_named_in_the_404(http, samples):
    async with http.get(samples.urls["catalogue"]["dev"] + "/books/978-1") as answer:
        body = await answer.json()
    assert (answer.status, body["detail"]) == (404, "978-1 is not in the catalogue of dev")


async def test_version_two_moved_books_to_titles_and_its_404_says_where(http, samples):
    url = samples.urls["catalogue"]["test"]
    async with http.get(url + "/books/978-1") as answer:
        body = await answer.json()
    assert (answer.status, body["see"]) == (404, "/titles/978-1")
    async with http.get(url + body["see"]) as answer:
        assert (answer.status, (await answer.json())["isbn"]) == (200, "978-1")


async def test_tokens_are_random_and_belong_to_one_environment(http, samples):
    first, second = await sign_in(http, samples), await sign_in(http, samples)
    assert first != second
    async with http.get(samples.urls["users"]["dev"] + "/me", headers=first) as answer:
        assert answer.status == 401
        assert "sign in again on dev" in (await answer.json())["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"user": "ada", "password": "no"}, 401), ({"user": "nobody", "password": "x"}, 401), ({"user": "ada"}, 422)],
)
async def test_a_wrong_sign_in_is_refused(http, samples, body, status):
    async with http.post(samples.urls["users"]["qa"] + "/login", json=body) as answer:
        assert answer.status == status


async def test_an_order_needs_a_token_a_known_book_and_a_sensible_number(http, samples):
    headers = await sign_in(http, samples)
    assert (await order(http, samples, {}, isbn="978-1"))[0] == 401
    assert (await order(http, samples, headers, isbn="978-9"))[1]["field"] == "isbn"
    assert (await order(http, samples, headers, isbn="978-1", qty=0))[1]["field"] == "qty"
    for _ in range(2):
        assert (await order(http, samples, headers, isbn="978-2", qty=10))[0] == 201
    assert (await order(http, samples, headers, isbn="978-2", qty=1))[1]["error"] == "out of stock"


async def test_an_order_is_paid_once_and_only_in_full_and_then_has_a_receipt(http, samples):
    headers = await sign_in(http, samples)
    status, made = await order(http, samples, headers, isbn="978-1", qty=2)
    assert (status, made["total"]) == (201, 25.0)
    receipt = f"{samples.urls['orders']['qa']}/orders/{made['id']}/receipt"
    async with http.get(receipt, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]) == (404, "no receipt yet")
    assert (await pay(http, samples, made["id"], 1))[1]["due"] == 25.0
    assert (await pay(http, samples, made["id"], 25))[0] == 201
    assert (await pay(http, samples, made["id"], 25))[0] == 409
    async with http.get(receipt, headers=headers) as answer:
        assert (answer.status, (await answer.json())["payment"]["amount"]) == (200, 25.0)


async def test_somebody_elses_order_does_not_exist(http, samples):
    _, made = await order(http, samples, await sign_in(http, samples), isbn="978-1")
    async with http.post(
        samples.urls["users"]["qa"] + "/login", json={"user": "grace", "password": "hopper"}
    ) as answer:
        other = {"Authorization": f"Bearer {(await answer.json())['token']}"}
    async with http.get(f"{samples.urls['orders']['qa']}/orders/{made['id']}", headers=other) as answer:
        assert answer.status == 404


async def test_environments_number_from_different_starts(http, samples):
    starts = {shop.next_order for shop in samples.shops.values()} | {s.next_payment for s in samples.shops.values()}
    assert len(starts) == 6


async def test_the_feed_tells_each_status_of_an_order_and_ends(http, samples):
    headers = await sign_in(http, samples)
    _, made = await order(http, samples, headers, isbn="978-3")
    async with http.get(f"{samples.urls['orders']['qa']}/orders/{made['id']}/events", headers=headers) as answer:
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readline() == b"id: 1\n"
        await pay(http, samples, made["id"], 15.0)
        lines = (await answer.content.read()).decode().splitlines()
    told = [json.loads(line.removeprefix("data: "))["status"] for line in lines if line.startswith("data: ")]
    assert told == ["new", "paid", "packed", "shipped"]


async def test_the_stock_comes_over_a_websocket_and_can_be_narrowed(http, samples):
    async with http.ws_connect(samples.urls["catalogue"]["qa"] + "/stock", protocols=("stock.v1",)) as socket:
        assert socket.protocol == "stock.v1"
        assert len((await socket.receive_json())["stock"]) == 5
        await socket.send_str("978-3")
        assert (await socket.receive_json())["stock"] == {"978-3": 20}
        await socket.send_str("bye")
        await socket.receive()
    assert socket.close_code == 4000


async def test_the_slow_path_answers_in_the_end_and_the_broken_one_breaks_off(http, samples):
    async with http.get(samples.urls["catalogue"]["qa"] + "/slow?seconds=0.01") as answer:
        assert await answer.json() == {"waited": 0.01}
    with pytest.raises(aiohttp.ClientError):
        async with http.get(samples.urls["payments"]["qa"] + "/broken") as answer:
            await answer.read()


@pytest.mark.parametrize("body", ["{", "[]", '{"isbn": "978-1", "qty": true}'])
async def test_a_malformed_order_is_refused_in_json(http, samples, body):
    headers = {**await sign_in(http, samples), "Content-Type": "application/json"}
    async with http.post(samples.urls["orders"]["qa"] + "/orders", data=body, headers=headers) as answer:
        assert answer.status in (400, 422)
        assert (await answer.json())["detail"]


async def test_unknown_paths_and_methods_are_json_too(http, samples):
    async with http.delete(samples.urls["users"]["qa"] + "/login") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert "DELETE /login" in (await answer.json())["detail"]


async def test_servers_are_gone_afterwards(http):
    async with running_samples() as running:
        url = running.urls["users"]["dev"]
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.get(url)
    await asyncio.sleep(0)


def test_routes_name_every_upstream_and_start_on_qa():
    urls = {
        cluster: {environment: f"http://127.0.0.1:{port}" for environment, port in ports.items()}
        for cluster, ports in USUAL_PORTS.items()
    }
    text = routes_yaml(urls)
    assert text == (Path(__file__).parents[2] / "routes.yaml").read_text("utf-8"), "make demo starts with that file"
    config = yaml.safe_load(text)
    assert config["environments"] == ["dev", "test", "qa"]
    assert {cluster["environment"] for cluster in config["clusters"].values()} == {"qa"}
    assert config["clusters"]["payments"]["upstreams"]["qa"] == "http://127.0.0.1:9304"
    assert {name: cluster["path"] for name, cluster in config["clusters"].items()} == {
        name: f"/api/{name}" for name in ("users", "catalogue", "orders", "payments")
    }
