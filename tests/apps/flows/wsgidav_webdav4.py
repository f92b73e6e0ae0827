"""WsgiDAV: folders, files with entity tags, locks, moves and copies. Client: webdav4."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
from common import TAG, check, main
from webdav4.client import Client

LOCK = (
    '<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>'
    "</D:locktype><D:owner>ann</D:owner></D:lockinfo>"
)


def client(base: str, session: str = "") -> Client:
    return Client(base, headers={"Gateway-Session": session} if session else {})


def seed(base: str) -> None:
    client(base).upload_fileobj(io.BytesIO(b"own"), "own.txt")


def flow(base: str, session: str) -> None:
    c = client(base, session)
    folder = f"reports-{TAG}"
    c.mkdir(folder)
    c.upload_fileobj(io.BytesIO(b"draft"), f"{folder}/may.txt")
    tag = c.etag(f"{folder}/may.txt")
    check(tag, "an entity tag")
    headers = {"Gateway-Session": session}
    with httpx.Client(headers=headers) as http:
        locked = http.request(
            "LOCK",
            f"{base}/{folder}/may.txt",
            content=LOCK,
            headers={"Content-Type": "text/xml", "Timeout": "Second-600"},
        )
        check(locked.status_code in (200, 201), "locked", locked.text)
        token = locked.headers["Lock-Token"]
        put = http.put(f"{base}/{folder}/may.txt", content=b"final version", headers={"If": f"({token})"})
        check(put.status_code in (200, 204), "written with the lock", put.status_code)
        check(
            http.request("UNLOCK", f"{base}/{folder}/may.txt", headers={"Lock-Token": token}).status_code == 204,
            "unlocked",
        )
    check(c.etag(f"{folder}/may.txt") != tag, "another entity tag")
    c.copy(f"{folder}/may.txt", f"{folder}/june.txt")
    c.move(f"{folder}/june.txt", f"{folder}/july.txt")
    check(sorted(c.ls(folder, detail=False)) == [f"{folder}/july.txt", f"{folder}/may.txt"], "two files")
    c.remove(f"{folder}/july.txt")
    with c.open(f"{folder}/may.txt", mode="rb") as file:
        check(file.read() == b"final version", "the content")


def state(base: str) -> Iterator[str]:
    c = client(base)
    left = [""]
    while left:
        for one in c.ls(left.pop(), detail=True):
            if one["type"] == "directory":
                left.append(one["name"])
                yield f"folder {one['name']}"
            else:
                into = io.BytesIO()
                c.download_fileobj(one["name"], into)
                yield f"file {one['name']}: {into.getvalue()!r}"


main(seed, flow, state)
