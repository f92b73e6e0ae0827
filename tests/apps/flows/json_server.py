"""json-server: authors, posts and comments that refer to each other. Client: requests."""

from __future__ import annotations

from collections.abc import Iterator

import requests
from common import check, main


def ok(response: requests.Response, *codes: int) -> requests.Response:
    check(response.status_code in (codes or (200, 201)), response.request.method, response.url, response.text[:200])
    return response


def seed(base: str) -> None:
    for table, record in (
        ("authors", {"id": 24, "name": "own"}), ("posts", {"id": 48, "title": "own", "authorId": 24}),
        ("posts", {"id": 49, "title": "own too", "authorId": 24}), ("comments", {"id": 7, "postId": 48, "body": "own"}),
    ):  # fmt: skip
        ok(requests.post(f"{base}/{table}", json=record))


def flow(base: str, session: str) -> None:
    s = requests.Session()
    s.headers["Gateway-Session"] = session
    ada = ok(s.post(f"{base}/authors", json={"name": "ada"})).json()
    bob = ok(s.post(f"{base}/authors", json={"name": "bob"})).json()
    first = ok(s.post(f"{base}/posts", json={"title": "engines", "authorId": ada["id"]})).json()
    second = ok(s.post(f"{base}/posts", json={"title": "kernels", "authorId": bob["id"]})).json()
    ok(s.get(f"{base}/posts/{first['id']}", params={"_expand": "author"}))
    kept = ok(s.post(f"{base}/comments", json={"postId": first["id"], "body": "nice"})).json()
    gone = ok(s.post(f"{base}/posts/{second['id']}/comments", json={"body": "hmm"})).json()
    ok(s.patch(f"{base}/posts/{first['id']}", json={"title": "engines 2"}))
    ok(s.put(f"{base}/comments/{kept['id']}", json={"postId": second["id"], "body": "moved"}))
    ok(s.get(f"{base}/comments", params={"postId": second["id"]}))
    ok(s.get(f"{base}/authors/{ada['id']}/posts"))
    ok(s.delete(f"{base}/comments/{gone['id']}"))
    ok(s.get(f"{base}/comments/{gone['id']}"), 404)
    page = ok(s.get(f"{base}/posts", params={"_page": 1, "_limit": 1}))
    ok(s.get(page.links["next"]["url"]))
    ok(s.get(f"{base}/comments/{kept['id']}"))


def state(base: str) -> Iterator[str]:
    authors = {one["id"]: one["name"] for one in requests.get(f"{base}/authors").json()}
    posts = {one["id"]: one for one in requests.get(f"{base}/posts").json()}
    yield from (f"author {name}" for name in authors.values())
    yield from (f"post {one['title']} of {authors.get(one['authorId'])}" for one in posts.values())
    for one in requests.get(f"{base}/comments").json():
        yield f"comment {one['body']} on {posts.get(one['postId'], {}).get('title')}"


main(seed, flow, state)
