"""What newman sends of a Postman collection is what the import stores: method, target, headers, body."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import Any

import pytest
from postman_kinds import COLLECTIONS, FILES, GOLDEN, as_json, kind, stored
from wire_echo import Echo, normalized

# What Postman adds to every request by itself.
OWN = {"postman-token", "cache-control", "connection", "content-length", "accept-encoding"}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_what_newman_sends_is_what_is_stored(name, tools, tmp_path):
    for file, data in FILES.items():
        (tmp_path / file).write_bytes(data)
    with Echo() as echo:
        threading.Thread(target=echo.serve_forever, args=(0.05,), daemon=True).start()
        text = json.dumps(COLLECTIONS[name]).replace("HOST", echo.host).replace("PORT", echo.host.partition(":")[2])
        (tmp_path / "collection.json").write_text(text, "utf-8")
        words = [tools.node("newman"), "run", "collection.json", "--color", "off"]
        subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=120, check=False)
        arrived = {kind(one[1]): sent(*one, echo.host) for one in echo.seen}
        echo.shutdown()
    if os.environ.get("REFRESH_GOLDEN"):
        told = json.loads(GOLDEN.read_text("utf-8")) if GOLDEN.exists() else {}
        told[name] = {key: as_json(one) for key, one in arrived.items()}
        GOLDEN.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert stored(text) == {key: as_json(one) for key, one in arrived.items()}
    assert json.loads(GOLDEN.read_text("utf-8"))[name] == stored(text)


def sent(method: str, target: str, _: str, headers: list[tuple[str, bytes]], body: bytes, host: str) -> tuple[Any, ...]:
    named = [
        (key, value.decode("utf-8", "surrogateescape"))
        for key, value in headers
        if key.lower() not in OWN
        and (key.lower(), value.decode("latin-1")) not in (("host", host), ("accept", "*/*"))
        and not (key.lower() == "user-agent" and value.startswith(b"PostmanRuntime"))
    ]
    return normalized(method, target, "1.1", named, body)
