"""The public test suites of requests, httpx and urllib3, with and without a gateway before their servers.

`python tests/clients/run.py FOLDER [SUITE ...]` (make clients) installs the suites into FOLDER, runs each one directly,
through a cluster mounted at `/` and through one at a prefix; it prints every test whose result differs and exits with
1 when a difference is not one of EXPECTED.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
PREFIX = "/at/a/prefix"
TOOLS = [
    "pytest==9.2.0", "pytest-httpbin==2.1.0", "pytest-mock", "pytest-timeout", "httpbin", "trustme", "PySocks", "uvicorn",
    "trio", "anyio", "chardet", "rich", "click", "brotli", "zstandard", "h2", "hypercorn", "quart", "quart-trio", "pyopenssl",
    "hatchling", "hatch-vcs", "hatch-fancy-pypi-readme", "setuptools", "setuptools-scm", "wheel",
]  # fmt: skip


@dataclass(frozen=True)
class Suite:
    """A released source archive whose tests build their URLs from a server's address."""

    package: str
    version: str
    tests: tuple[str, ...]
    plugins: tuple[str, ...]
    options: tuple[str, ...] = ()


TLS = ("TLS", "SSL", "https", "proxy", "ClientCert", "ALPN", "SNI", "socket_close", "socket_shutdown")  # test names
SUITES = {
    "requests": Suite("requests", "2.34.2", ("tests",), ("pytest_mock",)),
    "httpx": Suite("httpx", "0.28.1", ("tests",), ("anyio.pytest_plugin",)),
    "urllib3": Suite(
        "urllib3", "2.8.0",
        tuple(f"test/with_dummyserver/test_{n}.py" for n in ("chunked_transfer", "connectionpool", "connection", "poolmanager", "socketlevel")),
        ("pytest_timeout",), options=("--timeout", "30", "-k", f"not ({' or '.join(TLS)})"),
    ),
}  # fmt: skip

# Test name -> why a gateway rightly changes its result.
EXPECTED = {
    r"test_use_proxy_from_environment|TestTestServer": "the test's server plays a proxy, or is itself what is tested",
    r"test_chunked_encoding_error|test_conflicting_content_lengths|TestBrokenHeaders|test_bad_statusline|test_unknown_protocol"
    r"|test_retry_weird_http_version|test_response_headers_are_returned_in|test_release_conn_param_is_respected_after_timeout"
    r"|test_chunked_size_line_too_long": "a response that is no HTTP, or none at all, is answered with 502 or cut short",
    r"test_chunked_(not_)?specified|test_framing_set_via_headers|test_headers_are_sent_with_the_original_case"
    r"|test_httplib_headers_case_insensitive|test_ua_header_can_be_overridden": "the server looks at all bytes of the"
    " request, and the gateway adds fields",
    r"test_multi_redirect_history|test_retry_redirect_history|test_fragment_update_on_redirect": "Location names the public prefix",
    r"test_multi_setcookie|test_obsolete_line_folding_is_unfolded": "the response has the fields that the gateway adds",
    r"test_closing_response_actually_closes|test_ignore_broken_pipe": "the upstream's connection is the gateway's own",
    r"test_chunked_upload_(uses_only_specified|doesnt_skip)_host_header": "Host names the upstream",
    r"test_preserve_transfer_encoding_header": "an unknown transfer coding is refused with 501",
    r"test_preserve_chunked_on_(redirect|broken_connection)": "the client marks its connections with bytes that are no HTTP",
    r"test_preserves_path_dot_segments": "dot segments are refused",
    r"test_headers_http_|test_merge_headers_with_pool": "the server sees the fields that the gateway adds",
    r"test_logging_redirect_chain": "the port in the log is the gateway's",
    r"test_DIGEST_|test_digestauth_401_count_reset_on_redirect": "Digest authentication signs the path, and the upstream sees it without its prefix",
    r"test_(connect|write|total)_timeout|test_total_timeout_connect": "depends on an unreachable network and on time",
}


def prepare(folder: Path, suites: list[Suite]) -> Path:
    """A virtual environment with the tools and this project, and the suites' sources. The environment's python."""
    python = folder / "venv" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not python.exists():
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([*pip, *TOOLS, *(f"{s.package}=={s.version}" for s in SUITES.values())], check=True)
        subprocess.run([*pip, "-e", str(PROJECT)], check=True)
    for suite in suites:
        if not (folder / f"{suite.package}-{suite.version}").exists():
            fetch = [
                "download",
                "--no-deps",
                "--no-binary",
                ":all:",
                "--no-build-isolation",
                "--quiet",
                "-d",
                str(folder),
            ]
            subprocess.run([str(python), "-m", "pip", *fetch, f"{suite.package}=={suite.version}"], check=True)
            with tarfile.open(folder / f"{suite.package}-{suite.version}.tar.gz") as archive:
                archive.extractall(folder, filter="data")
    return python


def results(python: Path, folder: Path, suite: Suite, *, prefix: str | None) -> dict[str, str]:
    """Test -> "" when it passed, else the first words of why not. `prefix` None runs without a gateway."""
    report = folder / "report.xml"
    front = ["-p", "pytest_httpbin.plugin"] if prefix is None else ["-p", "through_gateway"]
    plugins = [word for name in suite.plugins for word in ("-p", name)]
    words = [
        str(python),
        "-m",
        "pytest",
        "-q",
        *front,
        *plugins,
        "--junitxml",
        str(report),
        *suite.options,
        *suite.tests,
    ]
    environ = {
        **os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": f".:{HERE}", "GATEWAY_PREFIX": prefix or "/",
    }  # fmt: skip
    report.unlink(missing_ok=True)
    subprocess.run(
        words, cwd=folder / f"{suite.package}-{suite.version}", env=environ, stdout=subprocess.DEVNULL, check=False
    )
    found = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        bad = [part for part in case if part.tag in ("failure", "error")]
        found[f"{case.get('classname')}::{case.get('name')}"] = (bad[0].get("message") or "failed")[:100] if bad else ""
    return found


def compare(name: str, direct: dict[str, str], through: dict[str, str]) -> int:
    """Print what differs; the number of differences that nobody expects."""
    unexpected = 0
    passed = sum(not why for why in through.values())
    print(
        f"{name}: {passed} of {len(through)} pass; directly {sum(not why for why in direct.values())} of {len(direct)}"
    )
    for test in sorted(direct.keys() | through.keys()):
        if bool(direct.get(test, "missing")) == bool(through.get(test, "missing")):
            continue
        reason = next((why for pattern, why in EXPECTED.items() if re.search(pattern, test)), "")
        unexpected += not reason
        print(f"  {'expected' if reason else 'DIFFERS'}: {test}: {reason or through.get(test) or direct.get(test)}")
    return unexpected


def main() -> int:
    folder, names = Path(sys.argv[1]).resolve(), sys.argv[2:] or list(SUITES)
    folder.mkdir(parents=True, exist_ok=True)
    suites = [SUITES[name] for name in names]
    python = prepare(folder, suites)
    unexpected = 0
    for suite in suites:
        direct = results(python, folder, suite, prefix=None)
        unexpected += compare(f"{suite.package} through /", direct, results(python, folder, suite, prefix="/"))
        through = results(python, folder, suite, prefix=PREFIX)
        unexpected += compare(f"{suite.package} through {PREFIX}", direct, through)
    print(f"{unexpected} unexpected differences")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
