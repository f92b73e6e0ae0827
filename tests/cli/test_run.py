"""`gateway run FILE...` as a process: a lone file is a whole gateway, read again at every save."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from gateway.cli.main import main
from tests.cli.test_server import START, begin

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SHOP = re.search(r"## One file of your own\n\n```python\n(.*?)```", README, re.DOTALL)
MORE = "clusters:\n  echo:\n    dev: URL\n    qa: URL\nsteps:\n  - {title: Echo, call: GET echo:/e}\n"


async def book(request: web.Request) -> web.Response:
    found = {"title": "The Gateway Drug", "price": 12.5} if request.match_info["isbn"] == "978-1" else None
    return web.json_response(found or {"detail": "no such book"}, status=200 if found else 404)


async def order(request: web.Request) -> web.Response:
    return web.json_response({"id": 7} | await request.json(), status=201)


@pytest.fixture
async def server():
    app = web.Application()
    app.router.add_get("/books/{isbn}", book)
    app.router.add_post("/orders", order)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def press(http: aiohttp.ClientSession, page: URL, what_if: str = "", **fields: str) -> dict:
    text = await (await http.get(page)).text()
    token = re.search(r'name="csrf_token" value="([^"]+)"', text[text.index("demo-form") :])[1]
    shown = dict(re.findall(r'name="(f\.\w+)" value="([^"]*)"', text))
    posted = shown | {f"f.{name}": value for name, value in fields.items()}
    answer = await http.post(page, data={"csrf_token": token, "what_if": what_if, **posted})
    assert answer.status == 200, await answer.text()
    return await (await http.get(page.with_path(page.path + ".json"))).json()


async def until(http: aiohttp.ClientSession, url: URL, wanted: str) -> str:
    """The page, once it says so."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        text = await (await http.get(url)).text()
        if wanted in text:
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(f"{wanted!r} never came: {text}")


async def test_a_lone_file_of_the_readme_is_a_whole_gateway(tmp_path: Path, server: str) -> None:
    assert SHOP is not None
    assert len(SHOP[1].splitlines()) <= 25
    text = re.sub(r"http://127.0.0.1:[0-9]+", server, SHOP[1])
    (tmp_path / "shop.py").write_text(text)
    (tmp_path / "more.yaml").write_text(MORE.replace("URL", server))
    process = begin("run", "shop.py", "more", "-p", "0", cwd=tmp_path)
    try:
        url = URL(re.search(r"http://\S+", process.stdout.readline())[0])
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            step = url / "demos/shop/find-the-book"
            found = await press(http, step)
            assert (found["results"][0]["status"], found["values"]["price"]) == (200, "12.5")
            missed = (await press(http, step, "unknown-isbn"))["results"][-1]
            assert (missed["status"], missed["verdict"], missed["trouble"]) == (404, "as expected", "")
            made = await press(http, url / "demos/shop/order-it", qty="2")
            assert [(each["name"], each["value"], each["origin"]) for each in made["fields"]] == [
                ("isbn", "978-1", "session"), ("qty", "2", "session"),
            ]  # fmt: skip
            assert made["values"]["order_id"] == "7"
            assert (await http.get(url / "demos/more/", allow_redirects=False)).headers[
                "Location"
            ] == "/demos/more/echo"

            (tmp_path / "shop.py").write_text(text.replace("Find the book", "Look it up"))
            await until(http, url / "demos.json", "look-it-up")
            (tmp_path / "shop.py").write_text(text.replace("return {", "return {{", 1))
            await until(http, url / "demos.json", "shop.py:14:12:")
            (tmp_path / "shop.py").write_text(
                text.replace('"/orders"', '"/x"').replace(f'qa="{server}"', 'qa="ftp://x"', 1)
            )
            await until(http, url / "_gateway/api/v1/routes", "shop.py:5:1: error: clusters.catalogue.upstreams.qa")
            (tmp_path / "shop.py").write_text(text)
            await until(http, url / "_gateway/api/v1/routes", '"problems": []')

            api = url / "_gateway/api/v1/routes"
            for cluster, file, wanted in (
                ("orders", "shop.py", 'cluster("orders", environment="qa", dev='),
                ("echo", "more.yaml", "  echo:\n    environment: qa\n"),
            ):
                body = {"environment": "qa", "source": "test"}
                moved = await (await http.post(api / cluster / "move", json=body)).json()
                assert (moved["file"], moved["changes"]) == (file, [f"{cluster}: dev -> qa"])
                assert wanted in (tmp_path / file).read_text()
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=START)
        assert process.returncode == 0, talk
        assert "shop.py:14:12:" in talk
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_what_cannot_run_exits_with_its_code_and_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "shop.yaml"
    broken.write_text("clusters:\n  a: ftp://x\n")
    recordings = ("-r", str(tmp_path / "r.db"), "-p", "0")
    assert main(["run", str(broken), *recordings]) == 3
    assert "shop.yaml:2:6: error: clusters.a.upstreams.dev" in capsys.readouterr().err
    code = tmp_path / "code.py"
    code.write_text("from gateway.demo import cluster\n\ncluster(\n")
    assert main(["run", str(code), *recordings]) == 3
    assert "code.py:3:8: error: '(' was never closed" in capsys.readouterr().err
    assert main(["run", *recordings]) == 2
    assert main(["run", str(tmp_path / "shp.yaml"), *recordings]) == 5
