"""What hurl, httpyac and bru send of a file of requests is what the import stores: method, target, headers, body."""

from __future__ import annotations

import subprocess
import threading

import pytest
from request_files import BRUNO_FOLDER, FILES
from wire_echo import Echo

from gateway.export.readers.import_file import read
from tests.export.readers.test_request_files import packed

# What the tools add to every request by themselves.
OWN = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "request-start-time"}
# Requests that need what an earlier response gives, or that the tool reads otherwise than the editor whose file it is.
ONLY_THERE = {"VS Code REST Client": {"/me", "/private", "/graphql"}}


def sent(seen):
    return sorted(
        (method, target, body.replace(b"\r\n", b"\n").rstrip(b"\n"), sorted(said(headers)))
        for method, target, _, headers, body in seen
    )


def said(headers):
    for name, value in headers:
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if name.lower() not in OWN:
            kind = name.lower() == "content-type" and "boundary=" in text
            yield name.lower(), text.partition("boundary=")[0] if kind else text.replace("; charset=utf-8", "")


def stored(found, origin):
    for one in found.recordings[0].exchanges:
        assert one.url.startswith(origin), one.url
        yield one.method, one.request.target, "", one.request.headers, one.request.body.data


def without_boundary(rows):
    return [
        (method, target, b"" if any("multipart" in value for _, value in headers) else body, headers)
        for method, target, body, headers in rows
    ]


def run(tools, name, folder, host):
    file = FILES[name]
    text = file.text.replace("https://shop.example", f"http://{host}").replace("https://api.example", f"http://{host}")
    text = text.replace("http://localhost:5118", f"http://{host}").replace("HTTP 302", "HTTP 200")
    suffix = {"http": "http", "hurl": "hurl", "bruno": "bru"}[file.format]
    (folder / f"requests.{suffix}").write_text(text)
    words = {
        "http": [tools.node("httpyac"), "send", "requests.http", "--all"],
        "hurl": [tools.debian("hurl"), "--continue-on-error", "requests.hurl"],
    }[file.format]
    subprocess.run(words, cwd=folder, capture_output=True, timeout=120, check=False, env=None)
    return text


@pytest.mark.parametrize("name", ["VS Code REST Client", "JetBrains HTTP Client", "httpyac", "Visual Studio", "Hurl"])
def test_what_the_tool_sends_is_what_is_stored(name, tools, tmp_path):
    with Echo() as echo:
        threading.Thread(target=echo.serve_forever, args=(0.05,), daemon=True).start()
        text = run(tools, name, tmp_path, echo.host)
        echo.shutdown()
    left = ONLY_THERE.get(name, set())
    arrived = [one for one in sent(echo.seen) if one[1] not in left]
    kept = [one for one in sent(stored(read(text.encode()), f"http://{echo.host}")) if one[1] not in left]
    assert without_boundary(kept) == without_boundary(arrived)


def test_what_bru_sends_of_a_folder_is_what_is_stored(tools, tmp_path):
    with Echo() as echo:
        threading.Thread(target=echo.serve_forever, args=(0.05,), daemon=True).start()
        files = {
            path: text.replace("https://shop.example", f"http://{echo.host}") for path, text in BRUNO_FOLDER.items()
        }
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        subprocess.run(
            [tools.node("bru"), "run", "-r", "--env", "local"],
            cwd=tmp_path / "shop",
            capture_output=True,
            timeout=120,
            check=False,
        )
        echo.shutdown()
    found = read(packed(files))
    assert without_boundary(sent(stored(found, f"http://{echo.host}"))) == without_boundary(sent(echo.seen))
