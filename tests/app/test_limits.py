"""H12: too many open files. New connections wait, nothing dies, and the log says so once."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def ready(file: Path, process: subprocess.Popen) -> str:
    end = time.monotonic() + 30
    while not file.exists():
        assert process.poll() is None and time.monotonic() < end, "the gateway did not start"
        time.sleep(0.05)
    return json.loads(file.read_text())["url"]


def test_a_flood_of_connections_is_survived_and_logged_once(tmp_path):
    (tmp_path / "routes.yaml").write_text(
        "version: 1\nenvironments: [qa]\nclusters:\n  orders:\n    path: /api/orders\n    environment: qa\n"
        "    upstreams: {qa: 'http://127.0.0.1:1'}\n"
    )
    words = [
        sys.executable,
        "-m",
        "gateway",
        "serve",
        "-c",
        "routes.yaml",
        "-r",
        "r/gateway.db",
        "-p",
        "0",
        "--no-health",
    ]
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=stderr, env={**os.environ, "PYTHONWARNINGS": ""},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        )  # fmt: skip
    try:
        url = ready(tmp_path / "r" / "gateway.run.json", process)
        port = int(url.rpartition(":")[2])
        flood = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(100)]
        time.sleep(2.5)
        for connection in flood:
            connection.close()
        end = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(url + "/_gateway/healthz", timeout=5) as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.2)
        text = log.read_text()
        assert text.count("new connections wait: too many open files") == 1, text
        assert text.count("\n") < 10, text
        assert "Traceback" not in text
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
