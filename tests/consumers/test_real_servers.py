"""Five kinds of real servers, recorded with their own clients: every export is read by the programs of others.

What runs passes every step on a fresh server, whose ids and tokens are others.
"""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET

import pytest

from gateway.errors import UsageError
from gateway.export import FORMATS, dump
from gateway.export.readers.import_file import IMPORTS, detected
from gateway.export.scenario.scenario import scenario
from tests.consumers.real_servers import SERVERS, fresh_server, record
from tests.consumers.test_diagrams import COMPLAINTS
from tests.consumers.test_readers import HAR_SCHEMA, quiet, run
from tests.consumers.test_runners import RUNNERS, environment, ran

# Servers whose calls a format has no word for: their export is refused, and says so.
REFUSED = {("arazzo", "GraphQL")}
# Flows that need a step for which a format has no word; its file says so, in these words.
BROKEN = {
    ("arazzo", "Radicale"): "OpenAPI has no word for the method MKCALENDAR",
    ("arazzo", "Jupyter"): "Arazzo has no jar for cookies",
    ("arazzo", "moto"): "upload_id stays as recorded: Arazzo has no expression for",
}
# Steps that a format has no word for; its file names each of them.
UNSENT: dict[tuple[str, str], set[int]] = {}


@pytest.fixture(scope="session", params=SERVERS)
def real(request, tools, tmp_path_factory):
    installed = tools.folder / "apps"
    if not (installed / "python").exists():
        pytest.skip("the servers are not installed: make consumers")
    return record(SERVERS[request.param], installed, tmp_path_factory.mktemp("real") / "app")


@pytest.fixture
def written(real, tmp_path):
    def write(name):
        if (name, real.app.name) in REFUSED:
            with pytest.raises(UsageError, match="GraphQL"):
                real.written(name, tmp_path / name)
            pytest.skip(f"{name} has no word for the calls of {real.app.name}, and says so")
        return real.written(name, tmp_path / name)

    return write


@pytest.mark.parametrize("name", ["openapi", "arazzo"])
def test_redocly_lint_finds_no_error(name, tools, real, written):
    folder = written(name)
    rules = folder / "redocly.yaml"
    # A path that ends in a slash is what the server has: it cannot be written otherwise.
    rules.write_text("extends: [recommended]\nrules: {no-path-trailing-slash: off}\n")
    found = sorted(file for file in folder.iterdir() if file != rules)
    done = run(tools.node("redocly"), "lint", "--config", rules, "--format", "json", *found, env=quiet())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_spectral_and_openapi_spec_validator_find_no_error(tools, real, written, tmp_path):
    rules = tmp_path / "spectral.yaml"
    rules.write_text('extends: ["spectral:oas"]\n')
    found = sorted(written("openapi").iterdir())
    done = run(tools.node("spectral"), "lint", "--ruleset", rules, "--fail-severity", "error", *found)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for file in found:
        done = run(tools.python("openapi-spec-validator"), file)
        assert done.returncode == 0, done.stdout + done.stderr


def test_har_schema_and_mitmproxy_read_the_har(tools, real, written):
    (file,) = written("har").iterdir()
    done = run(tools.system("node"), "-e", HAR_SCHEMA, file, cwd=tools.package("har-schema"))
    assert done.returncode == 0, done.stderr[-3000:]
    script = (
        "import sys; from mitmproxy import io\n"
        "print([one.response.status_code for one in io.FlowReader(open(sys.argv[1], 'rb')).stream()])"
    )
    done = run(tools.python("python"), "-c", script, file)
    assert json.loads(done.stdout or "[]") == [one.status for one in real.recordings[0][1]], done.stderr[-2000:]


def test_mermaid_and_d2_read_the_diagram(tools, real, tmp_path):
    for package, script, format in (
        ("mermaid", "mermaid_parse.mjs", "mermaid"), ("@terrastruct/d2", "d2_compile.mjs", "d2"),
    ):  # fmt: skip
        texts = tmp_path / f"{format}.json"
        texts.write_text(json.dumps({real.app.name: dump(FORMATS[format], real.recordings, version="1")}))
        script_file = __file__.replace("test_real_servers.py", script)
        done = run(tools.system("node"), script_file, tools.package(package), texts)
        assert "accepted 1 of 1" in done.stdout, done.stdout + done.stderr


def test_plantuml_draws_the_diagram(tools, real, written):
    (file,) = written("plantuml").iterdir()
    done = run(*tools.plantuml(), "-tsvg", "-charset", "UTF-8", "-failfast2", file)
    assert done.returncode == 0, done.stdout + done.stderr
    (picture,) = file.parent.glob("*.svg")
    assert not COMPLAINTS.search("".join(ET.fromstring(picture.read_bytes()).itertext()))


def test_shellcheck_finds_nothing_in_the_script(tools, real, written):
    (file,) = written("curl").iterdir()
    done = run(tools.python("shellcheck"), file)
    assert done.returncode == 0, done.stdout[:3000]


def test_what_we_write_is_read_back_or_refused_by_its_name(real):
    for name, format in FORMATS.items():
        try:
            text = dump(format, real.recordings, version="1", beside=real.beside)
            assert detected(text) in IMPORTS
        except UsageError as error:
            assert str(error) and error.hint, name


@pytest.mark.parametrize("name", RUNNERS)
async def test_every_step_passes_on_a_fresh_server(name, tools, real, written, tmp_path):
    runner = RUNNERS[name]
    folder = written(runner.format)
    if why := BROKEN.get((runner.format, real.app.name)):
        assert any(why in file.read_text("utf-8") for file in folder.iterdir())
        pytest.skip(f"{runner.format}: {why}, and what follows needs it")
    with fresh_server(real.app, tools.folder / "apps", tmp_path / "server") as url:
        urls = {"app": url}
        words = runner.command(tools, folder, urls, real.secrets)
        (tmp_path / "file").symlink_to(folder)
        code, output = await asyncio.to_thread(ran, words, tmp_path, environment(urls, real.secrets))
    try:
        steps = runner.read(output, folder)
    except (OSError, ValueError, LookupError):
        errors = (tmp_path / "errors").read_text("utf-8", "replace")
        pytest.fail(f"{words[0]} ended with {code}:\n{output[-3000:]}\n{errors[-3000:]}")
    failed = [number for number, good in steps if not good]
    assert failed == [], output[-6000:]
    sendable = {step.number for step in scenario(*real.recordings[0]).steps if not step.obstacle}
    assert sendable - {number for number, _ in steps} == UNSENT.get((name, real.app.name), set())
