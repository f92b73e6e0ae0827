"""A tus server: uploads that can be resumed, at addresses that the server names. Client: tuspy."""

from __future__ import annotations

import io
from collections.abc import Iterator

import requests
from common import check, main
from tusclient.client import TusClient


def client(base: str, session: str = "") -> TusClient:
    return TusClient(f"{base}/files", headers={"Gateway-Session": session} if session else {})


def seed(base: str) -> None:
    client(base).uploader(file_stream=io.BytesIO(b"own"), metadata={"filename": "own.txt"}).upload()


def flow(base: str, session: str) -> None:
    c = client(base, session)
    up = c.uploader(file_stream=io.BytesIO(b"0123456789"), chunk_size=4, metadata={"filename": "a.txt"})
    up.upload_chunk()
    up.upload_chunk()
    check(up.get_offset() == 8, "eight bytes")
    up.upload()
    other = c.uploader(file_stream=io.BytesIO(b"gone"), metadata={"filename": "b.txt"})
    other.upload()
    headers = {"Gateway-Session": session, "Tus-Resumable": "1.0.0"}
    check(requests.head(str(up.url), headers=headers).headers["Upload-Offset"] == "10", "ten bytes")
    check(requests.delete(str(other.url), headers=headers).status_code == 204, "deleted")


def state(base: str) -> Iterator[str]:
    yield from requests.get(f"{base}/everything").json()


main(seed, flow, state)
