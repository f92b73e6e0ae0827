"""Log lines: one line each, no control characters, and JSON that parses line by line."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from gateway.logs import CONTROL, JsonFormatter, OneLine, TextFormatter

HOSTILE = "GET /\x1b[31m\r\n\x85\u2028\u202e\x7f"


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("gateway.proxy", logging.WARNING, "relay.py", 1, message, args, info)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_what_a_client_sent_cannot_break_or_colour_a_line(formatter: logging.Formatter) -> None:
    line = formatter.format(record("refused %s", HOSTILE))
    assert not CONTROL.search(line)
    assert "\\u001b" in line


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_a_traceback_is_inert_as_well(formatter: logging.Formatter) -> None:
    text = formatter.format(record("failed", error=ValueError(HOSTILE)))
    assert not CONTROL.search(text.replace("\n", ""))
    assert "\r" not in text


def test_a_json_line_says_when_how_bad_and_who() -> None:
    line = json.loads(JsonFormatter().format(record("orders@qa: %s", "connection_refused", error=ValueError("no"))))
    assert line["at"].endswith("+00:00")
    assert {name: line[name] for name in ("level", "logger", "message")} == {
        "level": "warning",
        "logger": "gateway.proxy",
        "message": "orders@qa: connection_refused",
    }
    assert line["traceback"] == "ValueError: no"


def test_a_malformed_request_is_one_line_that_says_why() -> None:
    malformed = record("Error handling request", error=BadHttpMessage("Too many headers received"))
    assert OneLine().filter(malformed)
    assert malformed.getMessage() == "Error handling request: 400, message: Too many headers received"
    assert (malformed.exc_info, malformed.levelname) == (None, "INFO")


def test_every_line_of_a_server_with_json_logs_parses(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(
        "version: 1\nenvironments: [dev]\nclusters:\n"
        "  a: {path: /a, environment: dev, upstreams: {dev: 'http://127.0.0.1:9'}, health: /}\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "-p", "0", "--log-format", "json"],
        cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout.readline().startswith("gateway: http://")
        process.send_signal(signal.SIGTERM)
        _, talk = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    messages = [json.loads(line)["message"] for line in talk.splitlines()]
    assert "routes.yaml in force: 1 cluster" in messages
    assert "stopping; a second signal stops at once" in messages
