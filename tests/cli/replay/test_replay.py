"""gateway replay, branch, compare, diff: with the gateway that runs, and with one for the time being.

Covers: cli/replay/progress, cli/replay/text.
"""

from __future__ import annotations

import asyncio
import io
import json
import xml.etree.ElementTree as ET
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.app import running
from gateway.cli.main import main
from gateway.cli.replay.progress import bar
from gateway.protocols import Options
from gateway.samples import running_samples


@asynccontextmanager
async def recorded(folder):
    """The sample shop, and the id of two recorded steps: sign in, find a book."""
    async with running_samples() as samples:
        (folder / "routes.yaml").write_text(samples.routes_yaml(), encoding="utf-8")
        options = Options(folder / "routes.yaml", folder / "gateway.db", port=0, health_interval=0)
        async with (
            running(options) as gateway,
            aiohttp.ClientSession(gateway.url, headers={"Gateway-Session": "ada"}) as client,
        ):
            await client.post("/api/users/login", json={"user": "ada", "password": "lovelace"})
            await client.get("/api/catalogue/books/978-1")
            yield gateway.services.store.recording("@last").id


@pytest.fixture
def gateway(tmp_path, capsys):
    """Run a command on the recordings of this test: (exit code, stdout, stderr)."""

    async def run(*words):
        where = ["-r", str(tmp_path / "gateway.db")]
        if words[0] != "diff":
            where += ["-c", str(tmp_path / "routes.yaml")]
        code = await asyncio.to_thread(main, [*words, *where])
        out, err = capsys.readouterr()
        return code, out, err

    return run


async def test_replay_as_json_has_the_contracts_shape(tmp_path, gateway):
    async with recorded(tmp_path) as id:
        code, out, _ = await gateway("replay", id, "--yes", "--json", "--junit", str(tmp_path / "out.xml"))
        found = json.loads(out)
        assert code == 0 and found["of"] == id and found["outcome"] == "expected" and found["recording"]
        step = found["steps"][0]
        assert (step["step"], step["status"], step["recorded_status"], step["outcome"]) == (1, 200, 200, "expected")
        assert {"where", "pointer", "recorded", "replayed", "severity", "cause"} <= step["differences"][0].keys()
        assert len(ET.parse(tmp_path / "out.xml").findall(".//testcase")) == 2


async def test_without_yes_and_without_a_terminal_nothing_is_sent(tmp_path, gateway):
    async with recorded(tmp_path) as id:
        code, out, _ = await gateway("replay", id)
        assert code == 1 and "--yes lets it" in out and "nothing was sent" in out


async def test_a_step_that_only_reads_needs_no_yes(tmp_path, gateway):
    async with recorded(tmp_path) as id:
        code, out, _ = await gateway("replay", id, "--from", "2")
        assert code == 0 and "the same" in out


async def test_another_environment_differs_and_says_why(tmp_path, gateway):
    async with recorded(tmp_path) as id:
        code, out, _ = await gateway("replay", id, "--from", "2", "--to", "catalogue=test")
        assert code == 1
        assert "404 only on catalogue@test: the same request answers 200 on catalogue@qa" in out
        code, out, err = await gateway("compare", id, "--yes", "--env", "catalogue=test,qa")
        assert code == 1 and "x 404" in out and "= 200" in out and "catalogue=test" in err


async def test_branch_makes_a_variant_and_diff_finds_its_step(tmp_path, gateway):
    async with recorded(tmp_path) as id:
        code, out, _ = await gateway("branch", id, "2", "--set", "path:4=978-9", "--yes", "--json")
        variant = json.loads(out)
        assert code == 0 and variant["steps"][1]["card"]["rows"] == [
            {"place": "path", "failing": "/api/catalogue/books/978-9", "succeeding": "/api/catalogue/books/978-1"}
        ]
        code, out, _ = await gateway("diff", id, variant["recording"])
        assert code == 1 and "first at step 2" in out and "status: 200 -> 404" in out
        code, out, _ = await gateway("diff", id, variant["recording"], "--as", "mermaid")
        assert code == 1 and "-->>P0: 200 OK -#62; 404 Not Found" in out
        code, _, _ = await gateway("diff", id, variant["recording"], "--as", "svg", "-o", str(tmp_path / "diff.svg"))
        assert code == 1 and 'class="step client-error changed"' in (tmp_path / "diff.svg").read_text("utf-8")
        code, _, err = await gateway("diff", id, variant["recording"], "--as", "sgv")
        assert code == 2 and "'sgv' is no diagram; did you mean 'svg'?" in err
        code, out, _ = await gateway("diff", f"{id}/2", f"{id}/2", "--json")
        assert code == 0 and json.loads(out)["outcome"] == "same"


async def test_without_a_running_gateway_one_is_started_for_the_time_of_the_replay(tmp_path, gateway):
    async with running_samples() as samples:
        options = Options(tmp_path / "routes.yaml", tmp_path / "gateway.db", port=0, health_interval=0)
        options.routes.write_text(samples.routes_yaml(), encoding="utf-8")
        async with running(options) as own, aiohttp.ClientSession(own.url) as client:
            await client.get("/api/catalogue/books/978-1")
        code, out, _ = await gateway("replay", "@last")
        assert (code, "recorded as" in out) == (0, True)
    code, _, err = await gateway("replay", "@last", "--url", "http://127.0.0.1:1")
    assert code == 4 and "no gateway answers" in err


async def test_upstreams_that_are_down_are_exit_code_4_and_offline_needs_none(tmp_path, gateway):
    async with running_samples() as samples:
        options = Options(tmp_path / "routes.yaml", tmp_path / "gateway.db", port=0, health_interval=0)
        options.routes.write_text(samples.routes_yaml(), encoding="utf-8")
        async with running(options) as own, aiohttp.ClientSession(own.url) as client:
            await client.get("/api/catalogue/books/978-1")
            id = own.services.store.recording("@last").id
    code, out, _ = await gateway("replay", id)
    assert code == 4 and "cannot be reached" in out
    code, out, _ = await gateway("replay", id, "--offline")
    assert code == 0 and "the same" in out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("replay", "nobody"), 5, "no recording"),
        (("compare", "@last"), 2, "no environment"),
        (("replay", "@last/2"), 2, "--from 2 --until 2"),
        (("replay", "@last", "--to", "x"), 2, "CLUSTER=ENVIRONMENT"),
        (("branch", "@last", "1"), 2, "nothing is changed"),
        (("branch", "@last", "9", "--header", "X: 1"), 2, "no step 9"),
    ],
)
async def test_what_is_off_is_said(tmp_path, gateway, words, code, told):
    async with recorded(tmp_path):
        found, _, err = await gateway(*words)
        assert (found, told in err) == (code, True)


async def test_stepwise_asks_before_every_step(tmp_path, gateway, monkeypatch):
    async with recorded(tmp_path) as id:
        monkeypatch.setattr("sys.stdin", io.StringIO("what?\n\ns\n"))
        code, out, err = await gateway("replay", id, "--yes", "--step", "--json")
        assert [step["outcome"] for step in json.loads(out)["steps"]] == ["expected", "skipped"]
        assert code == 0 and err.count("Enter sends it") == 4 and "every step is done" in err
        monkeypatch.setattr("sys.stdin", io.StringIO("q\n"))
        code, out, _ = await gateway("replay", id, "--yes", "--step", "--json")
        assert code == 1 and [step["outcome"] for step in json.loads(out)["steps"]] == ["stopped", "skipped"]
        monkeypatch.setattr("sys.stdin", io.StringIO("r\n"))
        code, _, err = await gateway("replay", id, "--yes", "--step")
        assert code == 0 and err.count("Enter sends it") == 1


async def test_ready_what_ifs_are_listed_as_commands(tmp_path, gateway):
    async with recorded(tmp_path) as id:
        code, out, _ = await gateway("branch", id, "2", "--list")
        assert code == 0 and f"gateway branch {id} 2 --set path:4=999-9" in out
        code, out, _ = await gateway("branch", id, "1", "--list", "--json")
        assert {"title": "without user", "kind": "missing", "body": {"unset": ["json:/user"]}} in json.loads(out)[
            "items"
        ]


def test_the_bar_fills_up_and_never_overflows():
    assert bar(0, 6) == "[------------------------] 0/6"
    assert bar(3, 6) == "[############------------] 3/6"
    assert bar(8, 6) == "[########################] 8/6"


async def test_who_steps_edits_tries_again_and_runs_up_to_a_step(tmp_path, gateway, monkeypatch):
    async with recorded(tmp_path) as id:
        words = "\ne nothing=1\ne path:4=978-9\nt\nr 9\n\n"
        monkeypatch.setattr("sys.stdin", io.StringIO(words))
        code, out, err = await gateway("replay", id, "--yes", "--step", "--json")
        steps = json.loads(out)["steps"]
        assert code == 1 and [step["status"] for step in steps] == [200, 404]
        assert "'nothing' is not in the request" in err, "and the question was asked again"
        assert err.count("GET /api/catalogue/books/978-1  differs 200 -> 404") == 2
