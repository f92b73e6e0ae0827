"""What is shipped: the wheel, the locks, the image, the versions that everything rests on."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import aiohttp
import aiohttp.http_parser
import pytest
import yaml

from gateway.cli.main import COMMANDS, arguments

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, timeout=120)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_all_code_templates_and_static_files(wheel: zipfile.ZipFile) -> None:
    shipped = set(wheel.namelist())
    code = {str(file.relative_to(ROOT)) for file in ROOT.glob("gateway/**/*") if file.is_file() and is_source(file)}
    pages = {
        f"gateway/_templates/{file.relative_to(ROOT / 'templates')}"
        for file in ROOT.glob("templates/**/*")
        if file.is_file() and is_source(file)
    }
    docs = {f"gateway/_docs/{file.name}" for file in ROOT.glob("docs/*.md")}
    assert code - shipped == set()
    assert docs - shipped == set()
    assert "gateway/_docs/generate.py" not in shipped
    assert pages - shipped == set()
    assert "gateway/_templates/layout.html" in shipped
    assert not [name for name in shipped if not name.startswith(("gateway/", "whatif_gateway-"))]


def is_source(file: Path) -> bool:
    return "__pycache__" not in file.parts and file.suffix != ".pyc"


def test_the_wheel_needs_no_extra_of_aiohttp(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
    needed = [line for line in wheel.read(name).decode().splitlines() if line.startswith("Requires-Dist: aiohttp>")]
    assert needed == ["Requires-Dist: aiohttp>=3.14.5"]


def test_versions_and_parsers_that_security_rests_on() -> None:
    """Faults fixed in 3.14.4, and a parser in C: the pure Python one is slower and laxer."""
    assert tuple(int(part) for part in aiohttp.__version__.split(".")[:3]) >= (3, 14, 4)
    assert aiohttp.http_parser.HttpRequestParser is not aiohttp.http_parser.HttpRequestParserPy
    assert find_spec("aiodns") is None


def pins(lock: str) -> dict[str, str]:
    """Name -> version of every pin of a lock."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / "requirements" / lock).read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_every_line_of_a_lock_is_pinned_and_hashed(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text("utf-8")
    assert "://" not in text
    assert not [line for line in text.splitlines() if line.startswith("-")]
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        if not requirement.startswith("#"):
            assert re.match(r"[a-z0-9.-]+==\S+(?: ; [^\n]+)? \\\n +--hash=sha256:[0-9a-f]{64}", requirement), (
                requirement[:80]
            )


def test_the_locks_hold_what_the_project_asks_for_and_agree() -> None:
    run, dev = pins("run.txt"), pins("dev.txt")
    asked = {re.split(r"[<>=\[; ]", line)[0] for line in PROJECT["dependencies"]}
    tools = {re.split(r"[<>=\[; ]", line)[0] for line in PROJECT["optional-dependencies"]["dev"]}
    assert asked <= run.keys()
    assert tools <= dev.keys()
    assert {name: dev.get(name) for name in run} == run


def test_the_tests_run_on_what_is_locked() -> None:
    locked = pins("run.txt")
    assert version("aiohttp") == locked["aiohttp"]
    assert version("httptools") == locked["httptools"]


def test_the_supported_pythons_are_said_once_and_alike() -> None:
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", line)]
    assert named == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["requires-python"] == ">=3.11,<3.15"
    assert "3.11 to 3.14" in (ROOT / "README.md").read_text("utf-8")


DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize(
    "line",
    [
        r"FROM python:3\.\d+-slim AS build\n(.*\n)+FROM python:3\.\d+-slim\n",  # two stages, the last one slim
        r"\nUSER 65532:65532\n",  # a number: runAsNonRoot can check it
        r"\nVOLUME \[\"/data\"\]\n",
        r"\nWORKDIR /config\n",
        r"\nEXPOSE 8080\n",
        r"\nHEALTHCHECK .*CMD \[\"gateway\", \"healthcheck\"\]\n",
        r"\nENTRYPOINT \[\"gateway\"\]\n",
        r"--require-hashes -r requirements/run\.txt -r requirements/postgres\.txt\n",
        r"chmod 0700 /data\n",
    ],
)
def test_the_image(line: str) -> None:
    assert re.search(line, DOCKERFILE)


def test_the_image_holds_no_secret_and_ends_as_nobody() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert not re.search(r"(?i)token|password|secret|ARG |\.env", DOCKERFILE)
    assert not re.search(r"\n(RUN|COPY|ADD) ", final.partition("\nUSER ")[2])
    assert (ROOT / ".dockerignore").read_text("utf-8").splitlines()[0] == "*"


def test_what_the_image_copies_is_let_through() -> None:
    through = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    lines = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    assert {source for line in lines for source in line} == through


def test_compose_gives_it_little() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["gateway"]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert {volume.split(":")[1] for volume in service["volumes"]} == {"/config", "/data"}
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_two_gateways_in_compose_share_database_key_and_routes_and_nothing_else() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]
    gateways = [services[name] for name in ("gateway-1", "gateway-2")]
    own = [{volume for volume in one["volumes"] if volume.endswith(":/data")} for one in gateways]
    assert not own[0] & own[1]
    for one in gateways:
        assert (one["read_only"], one["cap_drop"], one["working_dir"]) == (True, ["ALL"], "/data")
        assert "../config:/config" in one["volumes"]
        assert "password" not in one["environment"]["GATEWAY_RECORDINGS"]
        name, *words = one["command"]
        arguments(name, import_module(COMMANDS[name].module), words, one["environment"])
    assert services["nginx"]["ports"] == ["127.0.0.1:8080:8080"]


def test_the_nginx_of_compose_is_that_of_the_documentation() -> None:
    block = re.search(r"```nginx\n(.*?)```", (ROOT / "docs" / "scale.md").read_text("utf-8"), re.DOTALL)
    assert block
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    assert text.partition("\n")[2] == block[1].replace("gw-", "gateway-").replace(".example", "")


def test_the_lock_of_the_database_driver_is_that_of_development() -> None:
    lines = (ROOT / "requirements" / "postgres.txt").read_text("utf-8").splitlines()[1:]
    assert [line.split("==")[0] for line in lines if "==" in line] == ["psycopg", "psycopg-binary"]
    assert "\n".join(lines) in (ROOT / "requirements" / "dev.txt").read_text("utf-8")


def test_the_first_commands_of_the_readme_are_targets() -> None:
    done = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    targets = [line.split()[0] for line in done.stdout.splitlines()]
    assert {"demo", "test", "check", "bench", "docs", "lock"} <= set(targets)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")
