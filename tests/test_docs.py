"""The docs say what the program does: every command, setting, key, format and error; and every example parses."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import gateway.errors
from gateway.cli import main as frame
from gateway.errors import GatewayError
from gateway.export import FORMATS
from gateway.model.exchange import FAILURE_KINDS
from gateway.settings import SETTINGS, from_environment

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TOOLS = {
    "pip",
    "python",
    "python3",
    "make",
    "cd",
    "source",
    "docker",
    "createdb",
    "helm",
    "kubectl",
    "curl",
    "venv/bin/pip",
    ".venv/bin/python",
}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def headings(text: str) -> set[str]:
    return {line.lstrip("#").strip().strip("`") for line in text.splitlines() if line.startswith("#")}


def rows(text: str) -> set[str]:
    """Every code word in the first cell of a table row."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_the_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", frame.COMMANDS)
def test_every_command_has_a_heading_and_an_example(command: str) -> None:
    section = re.search(rf"\n### {command}\n(.*?)(?=\n##|\Z)", page("commands.md"), re.DOTALL)
    assert section
    assert re.search(rf"```sh\n(?:.*\n)*?.*gateway {command}\b", section[1])


def test_every_setting_has_a_row() -> None:
    text = page("settings.md")
    for setting in SETTINGS:
        for command in setting.commands:
            assert f"`{setting.variable(command)}`" in text


def test_every_variable_of_the_settings_page_is_read() -> None:
    for command, name in re.findall(r"`GATEWAY_([A-Z]+)_([A-Z_]+)`", page("settings.md")):
        if command.lower() in frame.COMMANDS:
            known = {setting.name for setting in SETTINGS if command.lower() in setting.commands}
            assert name.lower() in known


def keys_of(schema: dict[str, Any]) -> Iterator[str]:
    """Every key that a JSON Schema allows, at any depth."""
    for name, below in schema.get("properties", {}).items():
        yield name
        yield from keys_of(below)
    for word in ("items", "additionalProperties", "$defs", "anyOf", "oneOf", "allOf", "patternProperties"):
        below = schema.get(word)
        if isinstance(below, dict):
            for part in below.values() if word in ("$defs", "patternProperties") else [below]:
                yield from keys_of(part)
        elif isinstance(below, list):
            for part in below:
                yield from keys_of(part)


def test_every_key_of_routes_yaml_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main(["schema"]) == 0
    keys = set(keys_of(json.loads(capsys.readouterr().out)))
    text = page("routes.md")
    named = {part for word in rows(text) | headings(text) for part in re.split(r"[.\s:`,]+", word)}
    assert {"clusters", "environments", "upstreams"} <= keys
    assert keys - named == set()


def test_every_export_format_is_explained() -> None:
    text = page("formats.md")
    assert FORMATS
    assert FORMATS.keys() - (headings(text) | rows(text)) == set()


def test_every_failure_kind_is_explained_with_its_status() -> None:
    said = dict(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", page("errors.md"), re.MULTILINE))
    assert said == {kind: str(status) for kind, (status, _) in FAILURE_KINDS.items()}


def test_every_exception_is_explained_with_its_exit_code_and_status() -> None:
    kinds = [
        kind for kind in vars(gateway.errors).values() if isinstance(kind, type) and issubclass(kind, GatewayError)
    ]
    said = re.findall(r"^\| `(\w+)` \| (\d) \| (\d{3}) \|", page("errors.md"), re.MULTILINE)
    assert set(said) == {(kind.__name__, str(kind.exit_code), str(kind.status)) for kind in kinds}


def test_no_exception_is_left_out_of_the_tree() -> None:
    """Every GatewayError is defined in gateway.errors, which the page follows."""
    for file in ROOT.glob("gateway/**/*.py"):
        if file.name != "errors.py":
            assert not re.search(
                r"^class \w+\((Gateway|Usage|Config|Upstream|NotFound|Store)Error", file.read_text("utf-8")
            )


def shell_lines(text: str) -> Iterator[str]:
    for block in re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            command = line.removeprefix("$ ").strip()
            if command and not command.startswith("#"):
                yield command


EXAMPLES = [
    pytest.param(line, id=f"{file.name}: {line}") for file in PAGES for line in shell_lines(file.read_text("utf-8"))
]


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_command_in_the_docs_exists(line: str) -> None:
    """`gateway` lines are parsed by the command's own parser, `make` lines name a target."""
    words = shlex.split(re.sub(r"source <\((.*)\)", r"\1", line), comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    name = words[0].removeprefix("venv/bin/").removeprefix(".venv/bin/")
    if name == "gateway":
        parse([word for word in words[1:] if not word.startswith("(")])
    elif name == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    else:
        assert words[0] in TOOLS or name in TOOLS


def parse(words: list[str]) -> None:
    before_pipe = words[: next((at for at, word in enumerate(words) if word in ("|", ">", "&&", "&")), len(words))]
    _, name, after = frame.split(before_pipe)
    module = import_module(frame.COMMANDS[name].module)
    frame.arguments(name, module, after, {})


ROUTES = [
    pytest.param(block, id=f"{file.name}-{number}")
    for file in PAGES
    for number, block in enumerate(re.findall(r"```yaml\n(version: 1\n.*?)```", file.read_text("utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("text", ROUTES)
def test_every_whole_routes_yaml_in_the_docs_is_valid(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in re.findall(r"\$\{(\w+)\}", text):
        monkeypatch.setenv(variable, "x")
    (tmp_path / "routes.yaml").write_text(text)
    code = frame.main(["check", str(tmp_path / "routes.yaml")])
    problems = [line for line in capsys.readouterr().out.splitlines() if ": error: " in line]
    assert [line for line in problems if not line.endswith(".pem: cannot be used: No such file or directory")] == []
    assert code == (3 if problems else 0)


def anchors(text: str) -> set[str]:
    """The anchors of headings, as code hosts make them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(text)}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_links_resolve(file: Path) -> None:
    text = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (file.parent / path).resolve() if path else file
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text("utf-8")), target


@pytest.mark.parametrize("name", frame.COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"`{name}" in (ROOT / "README.md").read_text("utf-8").split("## Commands")[1].split("##")[0]


def test_every_page_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [
        file.name for file in PAGES if file.name != "README.md" and f"({file.relative_to(ROOT)})" not in readme
    ] == []


def test_the_first_screen_of_the_readme() -> None:
    first = "\n".join((ROOT / "README.md").read_text("utf-8").splitlines()[:20])
    assert first.count("![") == 1
    assert "make demo" in first
    assert "make test" in first


def tracked() -> list[Path]:
    """The files that are published: those that git knows, or all of an unpacked archive."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    names = listed.stdout.split("\0") if listed.returncode == 0 else map(str, ROOT.glob("[!.]*/**/*"))
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


# Put together here so that this file does not name them either.
HOSTS = [
    "pypi" + ".org", "python" + "hosted.org", "npm" + "js.", "registry." + "yarnpkg", "docker" + ".io",
    "jsdelivr" + ".net", "unpkg" + ".com", "cdn" + "js.", "crates" + ".io",
]  # fmt: skip
PLACES = [rb"(?<![\w.])/" + place + rb"/[\w.]" for place in (b"work", b"root", b"home", b"Users")]


def test_no_published_file_names_a_registry_or_a_place_of_one_machine() -> None:
    wrong = []
    for file in tracked():
        data = file.read_bytes()
        vendored = "vendor" in file.parts
        wrong += [f"{file.relative_to(ROOT)}: {host}" for host in HOSTS if host.encode() in data and not vendored]
        wrong += [f"{file.relative_to(ROOT)}: {found}" for place in PLACES for found in re.findall(place, data)]
    assert wrong == []


def test_vendored_files_are_what_their_checksums_say() -> None:
    vendor = ROOT / "gateway" / "static" / "vendor"
    folders = [folder for folder in vendor.iterdir() if folder.is_dir()]
    assert folders
    for folder in folders:
        lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
        sums = {name.strip().lstrip("*./"): digest for digest, _, name in (line.partition(" ") for line in lines)}
        files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
        assert any(name.upper().startswith("LICENSE") for name in files), folder.name
        assert {name for name in files if name.endswith((".css", ".js", ".woff2"))} <= sums.keys()
        for name, digest in sums.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_the_variables_of_the_image_are_settings() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    variables = dict(re.findall(r"(GATEWAY_[A-Z_]+)=(\S+)", dockerfile))
    found = from_environment("serve", variables)
    assert found == {"routes": Path("/config/routes.yaml"), "recordings": Path("/data/gateway.db"), "host": "0.0.0.0"}
