"""Jupyter Server: sign-in by form, a notebook, a kernel over WebSocket, a checkpoint. Client: requests, websocket-client."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator

import requests
import websocket
from common import check, main


def ok(response: requests.Response, *codes: int) -> requests.Response:
    check(
        response.status_code in (codes or (200, 201, 204)), response.request.method, response.url, response.text[:200]
    )
    return response


def login(base: str, session: str = "") -> requests.Session:
    s = requests.Session()
    if session:
        s.headers["Gateway-Session"] = session
    found = re.search(r'name="_xsrf" value="([^"]+)"', ok(s.get(f"{base}/login")).text)
    check(found, "no _xsrf on the page")
    ok(s.post(f"{base}/login", data={"_xsrf": found and found[1], "password": "lovelace"}, allow_redirects=False), 302)
    s.headers["X-XSRFToken"] = s.cookies.get("_xsrf") or ""
    return s


def seed(base: str) -> None:
    s = login(base)
    body = {"type": "file", "format": "text", "content": "precious"}
    ok(s.put(f"{base}/api/contents/Untitled.ipynb", json=body | {"content": json.dumps(notebook("own"))}))
    ok(s.put(f"{base}/api/contents/notes.txt", json=body))


def notebook(source: str) -> dict[str, object]:
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, "id": "c1"}
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def flow(base: str, session: str) -> None:
    s = login(base, session)
    made = ok(s.post(f"{base}/api/contents/", json={"type": "notebook"})).json()
    path = made["path"]
    ok(s.put(f"{base}/api/contents/{path}", json={"type": "notebook", "content": notebook("6*7")}))
    point = ok(s.post(f"{base}/api/contents/{path}/checkpoints")).json()
    kernel = {"path": path, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    opened = ok(s.post(f"{base}/api/sessions", json=kernel)).json()
    check(run(base, session, s, opened["kernel"]["id"]) == "42", "6*7 is 42")
    ok(s.get(f"{base}/api/kernels/{opened['kernel']['id']}"))
    ok(s.patch(f"{base}/api/sessions/{opened['id']}", json={"path": "renamed.ipynb"}))
    ok(s.patch(f"{base}/api/contents/{path}", json={"path": "renamed.ipynb"}))
    ok(s.post(f"{base}/api/contents/renamed.ipynb/checkpoints/{point['id']}"))
    check(len(ok(s.get(f"{base}/api/contents/renamed.ipynb")).json()["content"]["cells"]) == 1, "one cell")
    ok(s.delete(f"{base}/api/sessions/{opened['id']}"), 204)
    ok(s.get(f"{base}/api/kernels/{opened['kernel']['id']}"), 404)


def run(base: str, session: str, s: requests.Session, kernel: str) -> str:
    """What the kernel says that 6*7 is."""
    own, message = uuid.uuid4().hex, uuid.uuid4().hex
    url = f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels?session_id={own}"
    cookie = "; ".join(f"{one.name}={one.value}" for one in s.cookies)
    socket = websocket.create_connection(url, cookie=cookie, header={"Gateway-Session": session}, timeout=30)
    head = {
        "msg_id": message,
        "username": "u",
        "session": own,
        "msg_type": "execute_request",
        "version": "5.3",
        "date": "",
    }
    content = {"code": "6*7", "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
               "stop_on_error": True}  # fmt: skip
    wanted = {"header": head, "parent_header": {}, "metadata": {}, "channel": "shell", "content": content}
    socket.send(json.dumps(wanted))
    result, done = "", False
    while not (result and done):
        said = json.loads(socket.recv())
        if said.get("parent_header", {}).get("msg_id") == message:
            if said["msg_type"] == "execute_result":
                result = said["content"]["data"]["text/plain"]
            done = done or said["msg_type"] == "execute_reply"
    socket.close()
    return result


def state(base: str) -> Iterator[str]:
    s = login(base)
    for one in s.get(f"{base}/api/contents/").json()["content"]:
        whole = s.get(f"{base}/api/contents/{one['path']}", params={"content": 1}).json()["content"]
        yield f"file {one['path']}: {[each['source'] for each in whole['cells']] if one['type'] == 'notebook' else whole}"
    yield from (f"kernel {one['name']}" for one in s.get(f"{base}/api/kernels").json())


main(seed, flow, state)
