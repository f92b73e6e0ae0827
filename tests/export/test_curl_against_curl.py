"""What a real curl sends is what the import stores: method, target, headers in their order, body, byte for byte.

Covers: export/readers/curl/command, export/readers/curl/globs, export/readers/curl/options,
export/readers/curl/shell, export/readers/curl/windows.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading

import pytest
from curl_commands import COMMANDS, FILES, WINDOWS
from wire_echo import Echo, normalized

from gateway.errors import UsageError
from gateway.export.readers.curl import load
from gateway.export.readers.curl.options import LETTERS, OPTIONS
from gateway.export.readers.imported_recording import nowhere

CURL = shutil.which("curl")
needs_curl = pytest.mark.skipif(CURL is None or shutil.which("bash") is None, reason="no curl on this machine")
# What every curl adds by itself, or what belongs to one connection.
OWN = {"content-length", "expect", "connection", "upgrade", "http2-settings", "transfer-encoding", "te"}


@pytest.fixture(scope="module")
def echo():
    with Echo() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("curl")
    for name, data in FILES.items():
        (path / name).write_bytes(data)
    return path


def sent(text, echo, folder):
    """What arrived, with the boundary of forms called BOUNDARY."""
    echo.seen.clear()
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "CURL_HOME": str(folder), "LC_ALL": "C.UTF-8"}
    subprocess.run(
        ["bash", "-c", text.replace("HOST", echo.host)], cwd=folder, env=environ, check=False, timeout=20,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    return [as_seen(*one, host=echo.host) for one in echo.seen]


def as_seen(method, target, version, headers, body, host):
    named = [
        (name.lower(), value.decode("utf-8", "surrogateescape"))
        for name, value in headers
        if name.lower() not in OWN
        and (name.lower(), value.decode("latin-1")) not in (("host", host), ("accept", "*/*"))
        and not (name.lower() == "user-agent" and value.startswith(b"curl/"))
        and not (name.lower() == "accept-encoding" and value.startswith(b"deflate, gzip"))
    ]
    # curl 7.88 sends letters beyond ASCII in a query as they are; their percent-encoding is the same URL (RFC 3987 3.1).
    target = "".join(char if char <= "~" else f"%{ord(char):02x}" for char in target)
    return normalized(method, target, version.removeprefix("HTTP/"), named, body)


def stored(text, host, folder):
    (one,), _ = load(text.replace("HOST", host), nowhere, lambda name: (folder / name).read_bytes())
    return [
        normalized(
            step.request.method, step.request.target, step.request.http_version,
            [(name.lower(), value) for name, value in step.request.headers if (name.lower(), value) != ("accept", "*/*")],
            step.request.body.data,
        )
        for step in one.exchanges
    ]  # fmt: skip


@needs_curl
@pytest.mark.parametrize("text", COMMANDS)
def test_what_curl_sends_is_what_is_stored(text, echo, folder):
    arrived = sent(text, echo, folder)
    assert arrived, "curl sent nothing"
    assert stored(text, echo.host, folder) == arrived


@needs_curl
@pytest.mark.parametrize(("windows", "bash"), WINDOWS)
def test_what_curl_sends_from_windows(windows, bash, echo, folder):
    assert stored(windows, echo.host, folder) == sent(bash, echo, folder)


@needs_curl
def test_every_option_of_the_curl_of_this_machine_is_known_with_its_arity():
    text = subprocess.run([CURL, "--help", "all"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^ (?:-(.), |    )--(\S+)( [<\[]\S.*?[>\]])?", text, re.MULTILINE)
    assert len(rows) > 200
    for letter, name, value in rows:
        assert name in OPTIONS, f"--{name}"
        assert OPTIONS[name].takes_value == bool(value), f"--{name}"
        if letter:
            assert LETTERS[letter] in (name, "show-headers"), f"-{letter}"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("curl --frobnicate http://h/", "--frobnicate is no option of curl that is known here"),
        ("curl --hedaer x http://h/", "did you mean 'header'"),
        ("curl --data=a=1 http://h/", "--data=...: curl takes a value after a space"),
        ("curl -sW http://h/", "-W (in -sW) is no option"),
        ("curl -X", "-X lacks its value"),
        ("curl -d", "-d lacks its value"),
        ("curl -K options http://h/", "--config: options in another file are not read"),
        ("curl -d @- http://h/", "the data comes from another program"),
        ("jq . x | curl -d @- http://h/", "the data comes from another program"),
        ("curl -F a=@x,y http://h/", "several files in one part"),
        ("curl -F '=(;type=multipart/mixed' http://h/", "parts in parts"),
        ("curl -I -d a=1 http://h/", "--head together with data"),
        ("curl -F a=1 -d b=2 http://h/", "--form together with --data"),
        ("curl -z yesterday http://h/", "is no date"),
        ("curl --variable '%HOME' http://h/", "the environment is not read"),
        ("curl -X 'A B' http://h/", "is no method"),
        ("curl ftp://h/", "only http and https are imported"),
        ("curl", "the command has no URL"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(command, words):
    with pytest.raises(UsageError) as caught:
        load(command, nowhere, lambda name: b"")
    assert words in f"{caught.value}"
