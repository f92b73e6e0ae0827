"""Programs that run our files send the chain to fresh backends with other counters: all steps pass.

With one cluster down they fail exactly there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from purchases import a_fresh_shop

from gateway.export import FORMATS, files
from gateway.export.scenario.templated_text import shell_name

NOBODY = "http://127.0.0.1:9"
CLUSTERS = ("users", "catalogue", "orders", "payments")
Steps = list[tuple[int, bool]]  # (number, passed) in the order in which they ran


@dataclass(frozen=True)
class Runner:
    """`command(tools, file, urls)` gives arguments; `read(output, folder)` what came of each step."""

    format: str
    command: Callable[..., list[str]]
    read: Callable[[str, Path], Steps]
    ends_early: bool = False  # a failed step ends its workflow


PASSWORD = {"password": "lovelace"}


def variables(urls, secrets):
    """What a file is given: "orders_url=http://...", "password=..."."""
    return [f"{name}={value}" for name, value in (secrets | {f"{one}_url": url for one, url in urls.items()}).items()]


def newman(tools, folder, urls, secrets=PASSWORD):
    given = variables(urls, secrets)
    (file,) = folder.glob("*.json")
    words = [word for one in given for word in ("--env-var", one)]
    return [
        tools.node("newman"),
        "run",
        str(file),
        *words,
        "--reporters",
        "json",
        "--reporter-json-export",
        str(folder / "out"),
    ]


def newman_read(_, folder):
    runs = json.loads((folder / "out").read_text())["run"]["executions"]
    return [
        (int(one["item"]["name"].split()[0]), all("error" not in check for check in one["assertions"])) for one in runs
    ]


def bru(tools, folder, urls, secrets=PASSWORD):
    given = variables(urls, secrets)
    words = [word for one in given for word in ("--env-var", one)]
    return [tools.node("bru"), "run", "-r", "--reporter-json", str(folder / "out"), *words]


def bru_read(_, folder):
    (run,) = json.loads((folder / "out").read_text())
    return [
        (int(one["name"].split()[0]), [check["status"] for check in one["assertionResults"]] == ["pass"])
        for one in run["results"]
    ]


def httpyac(tools, folder, urls, secrets=PASSWORD):
    (file,) = folder.glob("*.http")
    given = variables(urls, secrets)
    return [tools.node("httpyac"), "send", str(file), "--all", "--json", "--var", *given]


def httpyac_read(output, _):
    runs = json.loads(output)["requests"]
    return [
        (int(found[1]), all(check["status"] == "SUCCESS" for check in one["testResults"]))
        for one in runs
        if (found := re.match(r"step(\d+)", one["name"]))  # skipped ones have the name of their title
    ]


def respect(tools, folder, urls, secrets=PASSWORD):
    (file,) = folder.glob("*.arazzo.yaml")
    words = [word for name, url in urls.items() for word in ("--server", f"{name}={url}")]
    words += ["--input", json.dumps(secrets)] if secrets else []
    out = ["--json-output", str(folder / "out.json")]
    return [tools.node("redocly"), "respect", str(file), *words, *out]


def respect_read(_, folder):
    (found,) = json.loads((folder / "out.json").read_text())["files"].values()
    return [
        (int(step["stepId"].rpartition("_")[2]), all(check["passed"] for check in step["checks"]))
        for workflow in found["executedWorkflows"]
        for step in workflow["executedSteps"]
    ]


def python(tools, folder, urls, secrets=PASSWORD):
    (file,) = folder.glob("*.py")
    return [sys.executable, "-W", "error", str(file)]


def bash(tools, folder, urls, secrets=PASSWORD):
    (file,) = folder.glob("*.sh")
    return [tools.system("bash"), str(file)]


def hurl(tools, folder, urls, secrets=PASSWORD):
    """The command that stands in the file, with our values in it."""
    (file,) = folder.glob("*.hurl")
    (command,) = re.findall(r"^#   hurl --test (.*) THIS_FILE$", file.read_text("utf-8"), re.MULTILINE)
    ours = secrets | {f"{name}_url": url for name, url in urls.items()}
    given = [f"{name}={ours.get(name, rest)}" if rest else name for name, _, rest in split_words(command)]
    report = ["--continue-on-error", "--report-json", str(folder / "report")]
    return [tools.debian("hurl"), "--test", *report, *given, str(file)]


def split_words(command):
    return [word.partition("=") for word in shlex.split(command)]


def hurl_read(_, folder):
    """An entry is known by the line where it stands, and that by the title above it."""
    (file,) = folder.glob("*.hurl")
    (run,) = json.loads((folder / "report" / "report.json").read_text())
    lines = file.read_text("utf-8").splitlines()
    return [
        (
            next(int(found[1]) for line in lines[one["line"] - 1 :: -1] if (found := re.match(r"# (\d+)\. ", line))),
            all(check["success"] for check in one["asserts"]) and bool(one["asserts"]),
        )
        for one in run["entries"]
    ]


def lines_read(output, _):
    return [(int(found[2]), found[1] == "ok") for found in re.finditer(r"^(ok|FAIL) +step (\d+)", output, re.MULTILINE)]


RUNNERS = {
    "newman": Runner("postman", newman, newman_read),
    "bru": Runner("bruno", bru, bru_read),
    "httpyac": Runner("http", httpyac, httpyac_read),
    "respect": Runner("arazzo", respect, respect_read, ends_early=True),
    "hurl": Runner("hurl", hurl, hurl_read),
    "python": Runner("python", python, lines_read),
    "bash": Runner("curl", bash, lines_read),
}


async def run(runner, tools, folder, purchase, *, dead="", away=""):
    """What came of every step. `dead`: a cluster that is down behind the gateway; `away`: one whose URL is nobody's."""
    recordings, beside = purchase
    for name, text in files(FORMATS[runner.format], recordings, version="1", beside=beside).items():
        (folder / "file" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "file" / name).write_text(text, "utf-8")
    async with a_fresh_shop(folder / "shop", dead=dead) as url:
        urls = {name: f"{NOBODY if name == away else url}/api/{name}" for name in CLUSTERS}
        words = runner.command(tools, folder / "file", urls)
        code, output = await asyncio.to_thread(ran, words, folder, environment(urls))
    try:
        return runner.read(output, folder / "file")
    except (OSError, ValueError, LookupError):
        errors = (folder / "errors").read_text("utf-8", "replace")
        pytest.fail(f"{words[0]} ended with {code}:\n{output[-3000:]}\n{errors[-3000:]}")


def ran(words, folder, environment):
    """Into a file: some runners leave before a pipe has taken everything."""
    with (folder / "output").open("w") as output, (folder / "errors").open("w") as errors:
        done = subprocess.run(
            words, cwd=folder / "file", env=environment, stdout=output, stderr=errors, timeout=120, check=False
        )
    return done.returncode, (folder / "output").read_text("utf-8")


def environment(urls, secrets=PASSWORD):
    """No proxies, no telemetry; the scripts' own variables."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true", "no_proxy": "*"}
    given = secrets | {f"{name}_url": url for name, url in urls.items()}
    return {**kept, **quiet, **{shell_name(name): value for name, value in given.items()}}


def expected(purchase, *, dead="", ends_early=False):
    """Every step of every recording; one whose cluster is down fails, and may be its workflow's last."""
    found = []
    for _, exchanges in purchase[0]:
        for one in exchanges:
            found.append((one.step, one.cluster != dead))
            if ends_early and one.cluster == dead:
                break
    return found


@pytest.mark.parametrize("name", RUNNERS)
async def test_every_step_passes_on_fresh_backends_with_other_counters(name, tools, purchase, tmp_path):
    found = await run(RUNNERS[name], tools, tmp_path, purchase)
    assert found == expected(purchase)
    assert len(found) == 27


@pytest.mark.parametrize("name", RUNNERS)
async def test_with_one_cluster_down_it_fails_exactly_there(name, tools, purchase, tmp_path):
    runner = RUNNERS[name]
    found = await run(runner, tools, tmp_path, purchase, dead="catalogue")
    assert found == expected(purchase, dead="catalogue", ends_early=runner.ends_early)


@pytest.mark.parametrize("name", RUNNERS)
async def test_with_one_cluster_pointed_at_a_dead_port_it_fails_exactly_there(name, tools, purchase, tmp_path):
    runner = RUNNERS[name]
    found = await run(runner, tools, tmp_path, purchase, away="catalogue")
    assert found == expected(purchase, dead="catalogue", ends_early=runner.ends_early)
