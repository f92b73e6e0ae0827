"""Azurite, an emulator of Azure's storage: containers, blobs, leases, entity tags. Client: azure-storage-blob."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azure.core import MatchConditions
from azure.storage.blob import BlobServiceClient
from common import TAG, check, main

ACCOUNT = "devstoreaccount1"
# The key that the emulator's documentation gives to everybody.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def client(base: str, session: str = "") -> Any:
    text = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={base}/{ACCOUNT};"
    return BlobServiceClient.from_connection_string(
        text, retry_total=0, raw_request_hook=lambda one: one.http_request.headers.update({"Gateway-Session": session})
    )


def seed(base: str) -> None:
    c = client(base)
    own = c.create_container("own")
    own.upload_blob("own.txt", b"own")


def flow(base: str, session: str) -> None:
    c = client(base, session)
    box = c.create_container(f"shop-{TAG}")
    box.upload_blob("a.txt", b"one")
    blob = box.get_blob_client("a.txt")
    tag = blob.get_blob_properties().etag
    blob.set_blob_metadata({"kind": "note"}, etag=tag, match_condition=MatchConditions.IfNotModified)
    lease = blob.acquire_lease(15)
    blob.upload_blob(b"two", overwrite=True, lease=lease)
    lease.release()
    box.upload_blob("b.txt", b"three")
    check([one.name for one in box.list_blobs()] == ["a.txt", "b.txt"], "two blobs")
    check(blob.download_blob().readall() == b"two", "its bytes")
    box.delete_blob("b.txt")


def state(base: str) -> Iterator[str]:
    c = client(base)
    for box in c.list_containers():
        inner = c.get_container_client(box.name)
        for one in inner.list_blobs(include=["metadata"]):
            yield f"blob {box.name}/{one.name} {inner.download_blob(one.name).readall()!r} {one.metadata}"


main(seed, flow, state)
