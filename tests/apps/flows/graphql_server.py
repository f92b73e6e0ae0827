"""json-graphql-server: posts, users and comments by mutations with small ids. Client: requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from common import check, main


def ask(base: str, session: str, query: str, **variables: Any) -> dict[str, Any]:
    headers = {"Gateway-Session": session} if session else {}
    response = requests.post(base, json={"query": query, "variables": variables}, headers=headers)
    check(response.status_code == 200 and "errors" not in response.json(), response.text[:200])
    found: dict[str, Any] = response.json()["data"]
    return found


def seed(base: str) -> None:
    for name in ("own 1", "own 2", "own 3"):
        ask(base, "", "mutation($name: String!) { createUser(name: $name) { id } }", name=name)
    query = "mutation($t: String!, $u: ID!, $v: Int!) { createPost(title: $t, user_id: $u, views: $v) { id } }"
    ask(base, "", query, t="own", u="1", v=1)


def flow(base: str, session: str) -> None:
    user = "mutation($name: String!) { createUser(name: $name) { id name } }"
    ada = ask(base, session, user, name="Ada")["createUser"]["id"]
    bob = ask(base, session, user, name="Bob")["createUser"]["id"]
    post = "mutation($t: String!, $u: ID!, $v: Int!) { createPost(title: $t, user_id: $u, views: $v) { id title } }"
    first = ask(base, session, post, t="engines", u=ada, v=1)["createPost"]["id"]
    second = ask(base, session, post, t="kernels", u=bob, v=2)["createPost"]["id"]
    change = "mutation($id: ID!, $title: String) { updatePost(id: $id, title: $title) { id title } }"
    ask(base, session, change, id=first, title="engines 2")
    remark = "mutation($p: ID!, $u: ID!, $b: String!) { createComment(post_id: $p, user_id: $u, body: $b, date: null) { id } }"
    note = ask(base, session, remark.replace(", date: null", ""), p=first, u=bob, b="nice")["createComment"]["id"]
    ask(base, session, "query($id: ID!) { Post(id: $id) { id title User { name } } }", id=first)
    ask(base, session, f'mutation {{ removeComment(id: "{note}") {{ id }} }}')
    ask(base, session, "mutation($id: ID!) { removePost(id: $id) { id } }", id=second)


def state(base: str) -> Iterator[str]:
    found = ask(base, "", "{ allPosts { title User { name } } allUsers { name } allComments { body } }")
    yield from (f"user {one['name']}" for one in found["allUsers"])
    yield from (f"post {one['title']} of {(one['User'] or {}).get('name')}" for one in found["allPosts"])
    yield from (f"comment {one['body']}" for one in found["allComments"])


main(seed, flow, state)
