"""Programs that check or read our files find nothing wrong with the bookshop's recording and its what-ifs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from nasty import NASTY
from nasty_recording import ID, nasty_recording

from gateway.export import FORMATS, files
from gateway.model.text import clean, visible

LIMIT = 120
HAR_SCHEMA = """
const Ajv = require('ajv'), schemas = require('har-schema');
const ajv = new Ajv({ allErrors: true, schemaId: 'auto' });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-06.json'));
for (const name of Object.keys(schemas)) ajv.addSchema(schemas[name]);
const ok = ajv.validate('har.json#', JSON.parse(require('fs').readFileSync(process.argv[1])));
if (!ok) { console.error(JSON.stringify(ajv.errors.slice(0, 5), null, 1)); process.exit(1); }
"""


@pytest.fixture
def written(purchase, tmp_path):
    """Writes a format's files into a folder of their own; the folder."""

    def write(name, *, variants=True):
        recordings, beside = purchase
        found = files(FORMATS[name], recordings if variants else recordings[:1], version="1", beside=beside)
        for file, text in found.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(text, "utf-8")
        return tmp_path / name

    return write


def run(*words, **more):
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=LIMIT, check=False, **more
    )


def test_openapi_spec_validator_accepts_every_description(tools, written):
    for file in written("openapi").iterdir():
        done = run(tools.python("openapi-spec-validator"), file)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["openapi", "arazzo"])
def test_redocly_lint_finds_no_error(name, tools, written):
    files_ = sorted(written(name).iterdir())
    done = run(tools.node("redocly"), "lint", "--format", "json", *files_, env=quiet())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_spectral_finds_no_error(tools, written, tmp_path):
    rules = tmp_path / "spectral.yaml"
    rules.write_text('extends: ["spectral:oas"]\n')
    files_ = sorted(written("openapi").iterdir())
    done = run(tools.node("spectral"), "lint", "--ruleset", rules, "--fail-severity", "error", *files_)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def quiet():
    return {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def test_redocly_drift_finds_every_recorded_exchange_in_our_descriptions(tools, written, purchase):
    """Paths, parameters, statuses and schemas; only the what-if without a token is not as described, and got its 401."""
    (traffic,) = written("har").iterdir()
    out = traffic.with_name("drift.json")
    words = ["drift", traffic, "--api", written("openapi"), "--format", "json", "--output", out]
    done = run(tools.node("redocly"), *words, env=quiet())
    found = json.loads(out.read_text())
    count = sum(len(steps) for _, steps in purchase[0])
    assert (found["run"]["documentedExchanges"], found["run"]["totalExchanges"]) == (count, count), done.stderr
    assert [(one["status"], one["message"]) for one in found["problems"]] == [
        (401, "Request does not satisfy documented OpenAPI security requirements")
    ]


def test_har_schema_accepts_it(tools, written):
    (file,) = written("har").iterdir()
    done = run(tools.system("node"), "-e", HAR_SCHEMA, file, cwd=tools.package("har-schema"))
    assert done.returncode == 0, done.stderr[-3000:]


def test_mitmproxy_reads_the_har(tools, written, purchase):
    (file,) = written("har").iterdir()
    script = (
        "import sys; from mitmproxy import io\n"
        "flows = list(io.FlowReader(open(sys.argv[1], 'rb')).stream())\n"
        "print([flow.response.status_code for flow in flows])"
    )
    read = run(tools.python("python"), "-c", script, file)
    assert read.returncode == 0, read.stderr[-3000:]
    assert json.loads(read.stdout) == [one.status for _, steps in purchase[0] for one in steps]


def test_markdown_it_reads_the_page(tools, written):
    (file,) = written("markdown").iterdir()
    script = """
      const md = require('markdown-it')({ html: false });
      const text = require('fs').readFileSync(process.argv[1], 'utf8');
      const kinds = md.parse(text, {}).map(t => t.type + (t.info ? ' ' + t.info : ''));
      console.log(JSON.stringify({ tables: kinds.filter(k => k === 'table_open').length,
        fences: kinds.filter(k => k.startsWith('fence')), headings: kinds.filter(k => k === 'heading_open').length }));
    """
    done = run(tools.system("node"), "-e", script, file, cwd=tools.package("markdown-it"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "fence mermaid" in found["fences"] and found["tables"] >= 3 and found["headings"] >= 12


def test_markdown_it_finds_every_word_in_the_page(tools, tmp_path):
    """As a heading, in a note, in the bodies; what cannot be seen as the escape that stands for it."""
    pages = {}
    for name, word in NASTY.items():
        recording, steps = nasty_recording({name: word}, "text/plain; charset=utf-8")
        run_ = (replace(recording, title=word, notes=(word,)), steps)
        pages[name] = FORMATS["markdown"].dump([run_], version="1")
    (tmp_path / "pages.json").write_text(json.dumps(pages), "utf-8")
    script = """
      const md = require('markdown-it')({ html: false });
      const pages = JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'));
      const text = token => token.children ? token.children.map(text).join('') : token.type === 'softbreak' ? '\\n' : token.content;
      const read = page => { const all = md.parse(page, {}); return { title: text(all[1]),
        fences: all.filter(t => t.type === 'fence').map(t => t.content),
        links: all.flatMap(t => t.children || []).filter(t => t.type === 'link_open').map(t => t.attrGet('href')) }; };
      console.log(JSON.stringify(Object.fromEntries(Object.entries(pages).map(([name, page]) => [name, read(page)]))));
    """
    done = run(tools.system("node"), "-e", script, tmp_path / "pages.json", cwd=tools.package("markdown-it"))
    assert done.returncode == 0, done.stderr
    for name, found in json.loads(done.stdout).items():
        word = NASTY[name]
        assert " ".join(found["title"].split()) == (" ".join(clean(word).split()) or f"Recording {ID}"), name
        assert not [link for link in found["links"] if re.match("(?i)javascript|data|vbscript", link)], name
        if not re.search("[\0\ud800-\udfff]", word) and "long" not in name:
            forms = {visible(each, lines=True).strip() for each in (word, word.replace("\r\n", "\n"))}
            assert sum(any(form in fence for form in forms) for fence in found["fences"]) >= 2, (name, found["fences"])


@contextlib.contextmanager
def wiremock(tools, folder):
    """A WireMock with these mappings; its URL."""
    (jar,) = Path(tools.package("wiremock")).glob("build/wiremock-standalone-*.jar")
    words = [
        tools.system("java"),
        "-jar",
        str(jar),
        "--port",
        "0",
        "--bind-address",
        "127.0.0.1",
        "--root-dir",
        str(folder),
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        port = ""
        deadline = time.monotonic() + LIMIT
        while not port and time.monotonic() < deadline and (line := process.stdout.readline()):
            port = line.split()[1] if line.startswith("port:") else ""
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_wiremock_answers_404_then_200_and_200_again(tools, written, purchase, tmp_path):
    (file,) = written("wiremock", variants=False).iterdir()
    (tmp_path / "root" / "mappings").mkdir(parents=True)
    (tmp_path / "root" / "mappings" / "bookshop.json").write_text(file.read_text())
    steps = purchase[0][0][1]
    receipts = [one for one in steps if one.path.endswith("/receipt")]
    with wiremock(tools, tmp_path / "root") as url:
        found = [asked(f"{url}{receipts[0].path}") for _ in range(3)]
        login = asked(f"{url}/api/users/login", b'{"user": "ada", "password": "whatever"}')
    assert [one.status for one in receipts] == [404, 200]
    assert [status for status, _ in found] == [404, 200, 200]
    assert json.loads(found[1][1])["payment"]["status"] == "paid"
    assert login[0] == 200


def asked(url, body=None):
    headers = {"Content-Type": "application/json", "Authorization": "Bearer x"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
