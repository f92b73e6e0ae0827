"""A real gateway compares its exchanges with contracts: findings, their causes, restarts, what cannot be read.

Covers: services/drift, services/drift_findings, services/contract_checker, services/contract_supervisor,
    services/contract_sources, store/sqlite/drift, contracts/batches, contracts/reports, contracts/ignore, api/drift,
    cli/drift, contracts/findings, console/drift_pages.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import sqlite3
from contextlib import chdir, closing, redirect_stderr, redirect_stdout, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from unittest.mock import patch
from xml.etree import ElementTree

import pytest
from contracting import SHOP, Backend, an_exchange, backends, calls, json_of, judge_of, until_judged
from served import served

from gateway.cli.main import main
from gateway.contracts.findings import DriftTally, TallyKeeper, lines_of, open_count
from gateway.contracts.ignore import read_rules
from gateway.contracts.judge import Scope
from gateway.routes.table import ContractRules
from gateway.services.contract_sources import ContractSource


async def gateway(folder, *words, code=0):
    """A command of the gateway in a folder: what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    out, err = io.StringIO(), io.StringIO()

    def run():
        with chdir(folder), patch.dict(os.environ, environment, clear=True):
            with redirect_stdout(out), redirect_stderr(err):
                return main(list(words))

    ended = await asyncio.to_thread(run)
    assert ended == code, (ended, out.getvalue(), err.getvalue())
    return out.getvalue() if code < 2 else err.getvalue() + out.getvalue()


def checkers(server):
    """The pids of the gateway's children that check contracts."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = one.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == server.process.pid and b"contract_checker" in one.joinpath("cmdline").read_bytes():
                found.append(int(one.name))
    return found


async def checker_of(server):
    """The pid of the gateway's checker, once it runs."""
    async with asyncio.timeout(30):
        while True:
            if found := checkers(server):
                return found[0]
            await asyncio.sleep(0.05)


async def test_a_move_to_a_drifting_environment_is_told_with_who_and_why(tmp_path):
    async with backends(tmp_path), served(tmp_path) as server:
        await calls(server, *range(5))
        clean = await until_judged(server, 5)
        assert clean["items"] == []
        assert next((one["environment"], one["open"]) for one in clean["places"]) == ("qa", 0)
        await gateway(tmp_path, "move", "shop", "test", "--why", "qa is down")
        await calls(server, *range(5))
        found = await until_judged(server, 5, "test")
        assert {(one["rule"], one["severity"], one["pointer"]) for one in found["items"]} == {
            ("undocumented-status", "warning", ""),
            ("undocumented-type", "error", ""),
            ("undocumented-member", "info", "/extra"),
            ("wrong-type", "error", "/lines/*/parts/*/qty"),
            ("missing-member", "error", "/lines"),
        }
        for one in found["items"]:
            since = one["since"]
            assert (since["cause"], since["from"], since["to"], since["why"]) == ("move", "qa", "test", "qa is down")
            assert since["who"]
            assert (one["count"], one["of"], one["first"]["step"] > 5) == (1, 5, True)
        places = {one["environment"]: one["open"] for one in found["places"]}
        assert places == {"qa": 0, "test": 4}
        _, board = await server.page("/_gateway/")
        assert "4 findings" in board
        everything = json.dumps(found) + board
        assert "CANARY" not in everything
        shown = await gateway(tmp_path, "drift", "--all", code=1)
        assert "CANARY" not in shown
        assert 'moved shop qa -> test ("qa is down")' in shown
        id = next(one["id"] for one in found["items"] if one["rule"] == "wrong-type")
        one = await json_of(server, f"drift/{id}")
        assert [seen["step"] for seen in one["exchanges"]] == [one["first"]["step"]]
        recording = one["first"]["recording"]
        for form, mark in (("mermaid", "#8800; contract"), ("svg", ">418 X ≠ contract"), ("svg", ">200 X ≠ contract")):
            await gateway(tmp_path, "export", recording, "--as", form, "-o", f"drawn.{form}")
            drawn = (tmp_path / f"drawn.{form}").read_text("utf-8")
            wanted = {"#8800; contract": 4, ">418 X ≠ contract": 1, ">200 X ≠ contract": 3}
            assert drawn.count(mark) == wanted[mark] and "getOrder" in drawn, "information is no mark"
        by_step = await json_of(server, f"recordings/{recording}/drift")
        assert [len(item["findings"]) for item in by_step["items"]] == [1] * 5
        for path in ("/_gateway/drift", f"/_gateway/drift/{id}"):
            status, page = await server.page(path)
            assert status == 200 and "/lines/*/parts/*/qty" in page and "CANARY" not in page
        items = (await json_of(server, "recordings?q=drift:wrong-type"))["items"]
        assert [item["id"] for item in items] == [recording]
        named = (await json_of(server, f"recordings/{recording}/exchanges?q=op:getorder"))["items"]
        assert {item["operation"]["label"] for item in named} == {"getOrder"}
        assert {item["operation"]["kind"] for item in named} == {"contract"}
        assert len((await json_of(server, f"recordings/{recording}/exchanges?q=has:drift"))["items"]) == 4


async def test_an_accepted_finding_is_quiet_until_its_contract_changes(tmp_path):
    async with backends(tmp_path), served(tmp_path) as server:
        await gateway(tmp_path, "move", "shop", "test")
        await calls(server, 3, 8)
        found = await until_judged(server, 2, "test")
        (one,) = found["items"]
        assert (one["count"], one["of"]) == (2, 2)
        await gateway(tmp_path, "drift", code=1)
        assert "say why" in await gateway(tmp_path, "drift", "accept", one["id"], code=2)
        await gateway(tmp_path, "drift", "accept", one["id"][:8], "--why", "mended in 2.1")
        await calls(server, 3)
        found = await until_judged(server, 3, "test")
        assert found["items"][0]["accepted"]["why"] == "mended in 2.1"
        assert [place["open"] for place in found["places"] if place["environment"] == "test"] == [0]
        assert "accepted 1: --all" in await gateway(tmp_path, "drift", "--env", "test")
        assert "accept" in await gateway(tmp_path, "audit", "accept")
        (tmp_path / "shop.yaml").write_text(SHOP.replace("title: Shop", "title: Shops"))
        async with asyncio.timeout(30):
            while (found := await json_of(server, "drift"))["items"][0]["accepted"] is not None:
                await asyncio.sleep(0.05)
        (one,) = found["items"]
        assert (one["count"], one["of"], one["since"]["cause"]) == (3, 3, "move"), "it did not begin with this contract"


async def test_a_finding_that_a_new_contract_brings_began_with_it(tmp_path):
    async with backends(tmp_path), served(tmp_path) as server:
        await calls(server, 1, 2, 3)
        assert (await until_judged(server, 3))["items"] == []
        (tmp_path / "shop.yaml").write_text(SHOP.replace("qty: {type: integer}", "qty: {type: string}"))
        async with asyncio.timeout(30):
            while not (found := await json_of(server, "drift"))["items"]:
                await asyncio.sleep(0.05)
        assert {(one["pointer"], one["count"], one["of"], one["since"]["cause"]) for one in found["items"]} == {
            ("/lines/*/qty", 3, 3, "contract"), ("/lines/*/parts/*/qty", 3, 3, "contract"),
        }  # fmt: skip


async def test_killed_under_load_every_exchange_is_checked_once(tmp_path):
    async with backends(tmp_path):
        async with served(tmp_path) as server:
            load = asyncio.gather(*(calls(server, *range(1, 41)) for _ in range(3)), return_exceptions=True)
            for _ in range(2):
                os.kill(await checker_of(server), signal.SIGKILL)
                await asyncio.sleep(0.3)
            await load
            server.process.send_signal(signal.SIGKILL)
            await server.process.wait()
        async with served(tmp_path) as server:
            await calls(server, 1, 2, 3)
            with closing(sqlite3.connect(f"file:{server.path}?mode=ro", uri=True)) as store:
                (count,) = store.execute("SELECT count(*) FROM exchanges WHERE state = 'done'").fetchone()
            await until_judged(server, count)
            await asyncio.sleep(0.5)
            found = await json_of(server, "drift")
            with closing(sqlite3.connect(f"file:{server.path}?mode=ro", uri=True)) as store:
                (count,) = store.execute("SELECT count(*) FROM exchanges WHERE state = 'done'").fetchone()
                of = store.execute("SELECT sum(count) FROM drift_operations").fetchone()[0]
            (place,) = [one for one in found["places"] if one["environment"] == "qa"]
            assert (place["judged"], of) == (count, count)


BROKEN = {
    "404": (None, "shop.yaml cannot be read: No such file"),
    "half-written": (SHOP[: len(SHOP) // 2 + 7], "shop.yaml:"),
    "33 MiB": (SHOP + "#" * (33 << 20), "larger than 32 MiB"),
    "a file outside": (SHOP.replace("'#/components/schemas/Line'", "'file:///etc/passwd'", 1), "is a URL: nothing is fetched"),
    "a URL": (SHOP.replace("'#/components/schemas/Line'", "'https://else.example/x.yaml'", 1), "is a URL: nothing is fetched"),
    "above the folder": (SHOP.replace("'#/components/schemas/Line'", "'../../etc/passwd'", 1), "out of the contract's folder"),
    "OpenAPI 2": ("swagger: '2.0'\npaths: {}\n", "convert it to 3.x"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_contract_that_cannot_be_read_is_told_with_file_and_line(tmp_path, case):
    text, said = BROKEN[case]
    file = tmp_path / "shop.yaml"
    if text is not None:
        file.write_text(text)
    source = ContractSource(ContractRules(str(file), "shop.yaml"), "qa")
    assert not source.look()
    assert source.state.judge is None and said in source.state.problem
    assert text is None or re.search(r"shop\.yaml:\d+:\d+: error: ", source.state.problem)
    file.write_text(SHOP)
    assert source.look() and source.state.problem == ""
    assert not source.look(), "nothing changed"


async def test_a_broken_contract_leaves_the_traffic_and_the_last_good_one_alone(tmp_path):
    async with backends(tmp_path):
        (tmp_path / "shop.yaml").write_text(BROKEN["half-written"][0])
        assert "warning: contract of shop@qa,test: shop.yaml:" in await gateway(tmp_path, "check")
        async with served(tmp_path) as server:
            await calls(server, 1, 2, 3)
            async with asyncio.timeout(30):
                while not (found := (await json_of(server, "contracts"))["items"]):
                    await asyncio.sleep(0.05)
            assert "shop.yaml:" in found[0]["problem"]
            await server.until_ready(200, "contract: shop: shop.yaml")
            (tmp_path / "shop.yaml").write_text(SHOP)
            assert (await until_judged(server, 3))["items"] == []
            assert "contract" not in (await server.page("/_gateway/readyz"))[1]
            (tmp_path / "shop.yaml").write_text("openapi: 3.1.0\n")
            await server.until_ready(200, "it has no `paths`")
            await calls(server, 4)
            found = await until_judged(server, 4)
            assert found["places"][0]["problem"], "the last good one is in force"
            _, board = await server.page("/_gateway/")
            assert "it has no `paths`" in board


class Documents(BaseHTTPRequestHandler):
    """A contract behind a token, at an address that redirects."""

    status = 200

    def do_GET(self):
        body = SHOP.encode() if self.headers.get("Authorization") == "Bearer t" else b""
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/shop.yaml")
            body = b""
        elif self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://localhost:1/shop.yaml")
            body = b""
        else:
            self.send_response(self.status if body else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


async def test_a_url_is_fetched_with_its_headers_and_the_last_good_one_outlives_a_restart(tmp_path):
    documents = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
    Thread(target=documents.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{documents.server_port}"
    try:
        async with backends(tmp_path):
            routes = tmp_path / "routes.yaml"
            form = f'{{source: "{url}/moved", refresh: 1s, headers: {{Authorization: "Bearer t"}}}}'
            routes.write_text(routes.read_text().replace("contract: shop.yaml", f"contract: {form}"))
            async with served(tmp_path) as server:
                await calls(server, 1)
                await until_judged(server, 1)
                Documents.status = 503
                await server.until_ready(200, "503")
            assert "503" in await gateway(tmp_path, "drift", code=4)
            async with served(tmp_path) as server:
                await calls(server, 2)
                await until_judged(server, 2)
                await server.until_ready(200, "503")
            Documents.status = 200
            routes.write_text(routes.read_text().replace("/moved", "/elsewhere"))
            assert "redirects to another host" in await gateway(tmp_path, "drift", "@last", code=4)
    finally:
        Documents.status = 200
        documents.shutdown()
        documents.server_close()


async def test_without_a_contract_no_process_runs_and_with_one_it_ends_with_the_gateway(tmp_path):
    async with backends(tmp_path):
        routes = tmp_path / "routes.yaml"
        text = routes.read_text()
        routes.write_text(text.replace("    contract: shop.yaml\n", ""))
        async with served(tmp_path) as server:
            await calls(server, 1)
            assert checkers(server) == []
            assert (await json_of(server, "drift"))["items"] == []
            routes.write_text(text)
            pid = await checker_of(server)
            server.process.send_signal(signal.SIGKILL)
            await server.process.wait()
            async with asyncio.timeout(30):
                while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
                    await asyncio.sleep(0.05)


async def recorded(tmp_path):
    """A store with five drifting exchanges; the routes of its folder have no contract."""
    routes = tmp_path / "routes.yaml"
    async with backends(tmp_path):
        routes.write_text(
            routes.read_text().replace("    contract: shop.yaml\n", "").replace("environment: qa", "environment: test")
        )
        async with served(tmp_path) as server:
            await calls(server, *range(5))


async def test_a_new_contract_names_the_recorded_steps_that_it_breaks(tmp_path):
    await recorded(tmp_path)
    (tmp_path / "new.yaml").write_text(
        SHOP.replace("id: {type: integer, readOnly: true}", "id: {type: string, readOnly: true}")
    )
    assert "no exchange belongs to a cluster with a contract" in await gateway(tmp_path, "drift", "@last", code=5)
    routes = tmp_path / "routes.yaml"
    routes.write_text(routes.read_text().replace("environment: test", "environment: test\n    contract: shop.yaml"))
    found = json.loads(await gateway(tmp_path, "drift", "--contract", "new.yaml", "cluster:shop", "--json", code=1))
    (place,) = found["items"]
    (one,) = place["findings"]
    assert (one["rule"], one["pointer"], one["since"]["cause"]) == ("wrong-type", "/id", None)
    assert [step.rpartition("/")[2] for step in sorted(one["steps"])] == ["3", "4", "5"]
    assert "/id is an integer, the contract says string" in await gateway(
        tmp_path, "drift", "--contract", "new.yaml", "@last", code=1
    )
    await gateway(tmp_path, "drift", "nothing:here", code=2)
    await gateway(tmp_path, "drift", "path:/nowhere", code=5)
    (tmp_path / "new.yaml").write_text("openapi: 3")
    await gateway(tmp_path, "drift", "--contract", "new.yaml", "@last", code=3)


async def test_reports_for_machines_name_file_and_line(tmp_path):
    await recorded(tmp_path)
    out = ("--junit", "j.xml", "--sarif", "s.json", "--markdown", "m.md", "--coverage", "--all")
    shown = await gateway(tmp_path, "drift", "--contract", "shop.yaml", "@last", *out, code=1)
    assert "operations: 1 of 7 seen" in shown and "  never: POST /orders" in shown
    (suite,) = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert (suite.get("name"), suite.get("failures"), len(suite.findall("testcase/failure"))) == ("shop@test", "3", 3)
    sarif = json.loads((tmp_path / "s.json").read_text())
    (run,) = sarif["runs"]
    assert sarif["version"] == "2.1.0" and len(run["results"]) == 5
    lines = SHOP.splitlines()
    for result in run["results"]:
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "shop.yaml"
        assert 1 < place["region"]["startLine"] <= len(lines)
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        if result["ruleId"] == "wrong-type":
            assert "qty: {type: integer}" in lines[place["region"]["startLine"] - 1]
    text = (tmp_path / "m.md").read_text()
    assert "| error | GET /orders/\\{id\\} 200 |" in text
    for file in ("j.xml", "s.json", "m.md"):
        assert "CANARY" not in (tmp_path / file).read_text()
    await gateway(tmp_path, "drift", "--contract", "shop.yaml", "path:/orders/2", "--fail-on", "warning")


@pytest.mark.parametrize(
    ("rule", "rules"),
    [
        ("undocumented-status 418", {"undocumented-type", "wrong-type", "missing-member"}),
        ("undocumented-status 4XX", {"undocumented-type", "wrong-type", "missing-member"}),
        ("wrong-type /lines/*", {"undocumented-status", "undocumented-type", "missing-member"}),
        ("* GET /orders/*", set()),
        ("* POST /orders/*", {"undocumented-status", "undocumented-type", "wrong-type", "missing-member"}),
        ("missing-member", {"undocumented-status", "undocumented-type", "wrong-type"}),
    ],
)  # fmt: skip
def test_what_is_ignored_is_no_finding(rule, rules):
    keeper = TallyKeeper(judge_of(), DriftTally("shop", "qa", "shop.yaml", "0"), Scope(), read_rules([rule]))
    drifting = Backend(drifts=True)
    for number in range(5):
        status, kind, body = drifting.answer(f"/v3/orders/{number}")
        keeper.take(
            an_exchange(path=f"/v3/orders/{number}", body=body, status=status, headers=(("Content-Type", kind),))
        )
    assert {one.rule for one in keeper.tally.all() if one.severity != "info"} == rules


def test_one_undocumented_status_of_many_operations_is_one_line():
    keeper = TallyKeeper(judge_of(SHOP.replace("'404': {description: none}", "'410': {description: none}")),
                         DriftTally("shop", "qa", "shop.yaml", "0"), Scope(), ())  # fmt: skip
    for method, path in (
        ("GET", "/orders/7"),
        ("DELETE", "/orders/7"),
        ("GET", "/files/a.json"),
        ("GET", "/orders/mine"),
    ):
        keeper.take(an_exchange(method, f"/v3{path}", status=404))
    found = keeper.tally.all()
    assert (len(found), open_count(found)) == (4, 1)
    assert [operations for _, operations in lines_of(found)] == [4]


async def test_routes_with_a_wrong_contract_key_are_told_with_the_nearest_word(tmp_path):
    async with backends(tmp_path):
        routes = tmp_path / "routes.yaml"
        form = 'contract: {source: "ftp://x", base: v3, ignore: ["wrong-tipe"], environments: {qaa: x.yaml}, chek: all}'
        routes.write_text(routes.read_text().replace("contract: shop.yaml", form))
        text = await gateway(tmp_path, "check", code=3)
        for said in (
            "'ftp:' is not fetched",
            "'v3' is no path",
            "did you mean 'wrong-type'",
            "did you mean 'qa'",
            "chek",
        ):
            assert said in text
