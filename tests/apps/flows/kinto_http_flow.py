"""Kinto: buckets, collections and records with entity tags. Client: kinto-http."""

from __future__ import annotations

from collections.abc import Iterator

from common import TAG, check, main
from kinto_http import Client


def client(base: str, session: str = "") -> Client:
    headers = {"Gateway-Session": session} if session else {}
    return Client(server_url=f"{base}/v1", auth=("ann", "lovelace"), headers=headers)


def seed(base: str) -> None:
    c = client(base)
    c.create_bucket(id="own")
    c.create_collection(id="notes", bucket="own")
    c.create_record(data={"title": "own"}, bucket="own", collection="notes")


def flow(base: str, session: str) -> None:
    c = client(base, session)
    bucket = f"shop-{TAG}"
    c.create_bucket(id=bucket)
    collection = c.create_collection(id="books", bucket=bucket, data={"name": "books"})["data"]["id"]
    one = c.create_record(bucket=bucket, collection=collection, data={"title": "Emma", "stock": 1})["data"]
    two = c.create_record(bucket=bucket, collection=collection, data={"title": "Faust", "stock": 2})["data"]
    one = c.get_record(id=one["id"], bucket=bucket, collection=collection)["data"]
    c.update_record(
        id=one["id"], bucket=bucket, collection=collection, data={"title": "Emma", "stock": 5, "sequel": two["id"]},
        if_match=one["last_modified"],
    )  # fmt: skip
    c.patch_record(id=two["id"], bucket=bucket, collection=collection, data={"stock": 3})
    c.create_group(id="team", bucket=bucket, data={"members": ["bob"], "of": collection})
    check(len(c.get_records(bucket=bucket, collection=collection)) == 2, "two records")
    c.delete_record(id=two["id"], bucket=bucket, collection=collection)


def state(base: str) -> Iterator[str]:
    c = client(base)
    for bucket in c.get_buckets():
        for collection in c.get_collections(bucket=bucket["id"]):
            for one in c.get_records(bucket=bucket["id"], collection=collection["id"]):
                yield f"record {bucket['id']}/{collection.get('name')}: {one['title']} {one.get('stock')}"
        for group in c.get_groups(bucket=bucket["id"]):
            of = next(
                (one.get("name") for one in c.get_collections(bucket=bucket["id"]) if one["id"] == group["of"]), "?"
            )
            yield f"group in {bucket['id']} {group['members']} of {of}"


main(seed, flow, state)
