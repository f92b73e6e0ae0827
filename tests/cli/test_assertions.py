"""Assertions kept beside a recording, and run by replay: exit code, report, JUnit XML.

Covers: services/assertions.
"""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET

import aiohttp
import pytest
from bookshop import a_shop

from gateway.cli.main import main


@pytest.fixture
def gateway(tmp_path, capsys):
    async def run(*words, routes=False):
        where = ["-r", str(tmp_path / "r" / "gateway.db"), *(["-c", str(tmp_path / "routes.yaml")] if routes else [])]
        code = await asyncio.to_thread(main, [*words, *where])
        out, err = capsys.readouterr()
        return code, out, err

    return run


async def test_they_are_kept_run_and_reported(tmp_path, gateway):
    async with a_shop(tmp_path) as shop:
        id = shop.recording
        about = ("--assert", "2:$.price=12.5", "--assert", "3:schema", "--assert", "5:took<60s", "--assert", "status")
        code, out, _ = await gateway("annotate", id, *about)
        assert code == 0 and "asserted 2:$.price=12.5" in out
        code, out, _ = await gateway("show", id, "--assertions")
        assert code == 0 and out.count("holds ") == 9 and "fails" not in out
        code, out, _ = await gateway("replay", id, "--yes", "--json", routes=True)
        steps = json.loads(out)["steps"]
        assert code == 0 and [len(step["assertions"]) for step in steps] == [1, 2, 2, 1, 2, 1]
        assert all(one["passed"] for step in steps for one in step["assertions"])
        report = tmp_path / "junit.xml"
        elsewhere = ("replay", id, "--yes", "--to", "catalogue=test", "--junit", str(report))
        code, out, _ = await gateway(*elsewhere, routes=True)
        assert code == 1 and "step 2: $.price=12.5 does not hold: $.price is not there" in out
        failed = ET.parse(report).findall(".//failure")
        assert len(failed) == 1 and "status=200 does not hold: the status is 404" in failed[0].text


async def test_they_alone_may_decide(tmp_path, gateway):
    async with a_shop(tmp_path) as shop:
        await gateway("annotate", shop.recording, "--assert", "2:status<500")
        words = ("replay", shop.recording, "--from", "2", "--until", "2", "--to", "catalogue=test")
        assert (await gateway(*words, routes=True))[0] == 1
        code, out, _ = await gateway(*words, "--only-assertions", routes=True)
        assert code == 0 and "status: 200 -> 404" in out
        assert (await gateway("annotate", shop.recording, "--unassert", "2:status"))[0] == 0
        assert "nothing is asserted" in (await gateway("show", shop.recording, "--assertions"))[1]


async def test_without_a_server_they_are_written_here(tmp_path, gateway):
    async with a_shop(tmp_path):
        pass
    file = tmp_path / "book.json"
    file.write_text('{"required": ["isbn"]}')
    code, _, _ = await gateway("annotate", "@last", "--assert", f"2:schema=@{file}")
    assert code == 0 and "holds" in (await gateway("show", "@last", "--assertions"))[1]
    for words, told in (
        ("9:status=200", "no step 9"),
        ("2:nonsense", "compares nothing"),
        ("4:schema=@nothing.json", ""),
    ):
        code, _, err = await gateway("annotate", "@last", "--assert", words)
        assert code != 0 and told in err
    code, _, err = await gateway("annotate", "@last", "--unassert", "3:status=1")
    assert code == 2 and "not asserted" in err


async def test_the_api_keeps_and_takes_them_back(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        path = f"/_gateway/api/v1/recordings/{shop.recording}/assertions"
        async with client.patch(path, json={"add": ["3:status=200"]}) as answer:
            found = (await answer.json())["items"]
        assert [(one["step"], one["passed"], one["message"]) for one in found] == [(3, False, "the status is 201")]
        async with client.patch(path, json={"remove": ["3:status=200"]}) as answer:
            assert (await answer.json())["items"] == []
        for body in ({}, {"add": ["x"]}, {"remove": ["3:status=200"]}):
            assert (await client.patch(path, json=body)).status == 400
