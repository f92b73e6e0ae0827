"""Google Cloud Storage's emulator: buckets, objects with generations, a copy, a resumable upload. Client: google-cloud-storage."""

from __future__ import annotations

import io
from collections.abc import Iterator

from common import TAG, check, main
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage


def client(base: str, session: str = "") -> storage.Client:
    """The endpoint is a root: paths of uploads and downloads begin there."""
    c = storage.Client(
        project="shop",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": base},
        use_auth_w_custom_endpoint=False,
    )
    if session:
        c._http.headers["Gateway-Session"] = session
    return c


def seed(base: str) -> None:
    c = client(base)
    c.create_bucket("own").blob("own.txt").upload_from_string("own")


def flow(base: str, session: str) -> None:
    c = client(base, session)
    bucket = c.create_bucket(f"orders-{TAG}")
    first = bucket.blob("a.txt")
    first.upload_from_string("first")
    check(first.generation, "a generation")
    first.upload_from_string("second", if_generation_match=first.generation)
    check(first.download_as_bytes() == b"second", "the second content")
    large = bucket.blob("folder/b.bin", chunk_size=256 * 1024)
    large.upload_from_file(io.BytesIO(bytes(range(256)) * 1600), size=256 * 1600)
    copied = bucket.copy_blob(large, bucket, "folder/c.bin")
    check(copied.size == 256 * 1600, "the copy is whole")
    large.metadata = {"colour": "teal"}
    large.patch()
    check([one.name for one in c.list_blobs(bucket.name)] == ["a.txt", "folder/b.bin", "folder/c.bin"], "three objects")
    bucket.blob("a.txt", generation=None).delete()


def state(base: str) -> Iterator[str]:
    c = client(base)
    for bucket in c.list_buckets():
        for one in c.list_blobs(bucket.name):
            yield f"{bucket.name}/{one.name}: {one.size} {one.metadata or {}} {one.md5_hash}"


main(seed, flow, state)
