"""ARA, records of Ansible runs: playbooks, plays, tasks and results, each table numbered from 1. Client: ara."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ara.clients.http import AraHttpClient
from common import check, main

WHEN = "2026-11-22T06:00:00.000000+00:00"


def client(base: str, session: str = "") -> Any:
    found = AraHttpClient(endpoint=base)
    if session:
        found.client.http.headers["Gateway-Session"] = session
    return found


def run(c: Any, name: str, hosts: tuple[str, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A playbook with a play, a task and a result for each host."""
    made = c.post("/api/v1/playbooks", ansible_version="2.19", python_version="3.11", status="running", path=f"/{name}.yml",
                  started=WHEN, controller="ci", user="ann", client_version="1", server_version="1", labels=[])  # fmt: skip
    check("id" in made, made)
    play = c.post("/api/v1/plays", playbook=made["id"], uuid="5c5f67b9-e63c-6297-80da-000000000001", name="all",
                  status="running", started=WHEN)  # fmt: skip
    file = c.post("/api/v1/files", playbook=made["id"], path=f"/{name}.yml", content=f"# {name}")
    task = c.post("/api/v1/tasks", playbook=made["id"], play=play["id"], file=file["id"], name="ping", action="ping",
                  lineno=4, status="running", started=WHEN, handler=False, tags=[])  # fmt: skip
    results = []
    for host in hosts:
        one = c.post("/api/v1/hosts", playbook=made["id"], name=host)
        results.append(
            c.post("/api/v1/results", playbook=made["id"], host=one["id"], play=play["id"], task=task["id"], status="ok",
                   started=WHEN, ended=WHEN, content={"ping": "pong", "changed": False}, ignore_errors=False)
        )  # fmt: skip
    c.patch(f"/api/v1/tasks/{task['id']}", status="completed", ended=WHEN)
    return made, results


def seed(base: str) -> None:
    c = client(base)
    for number in range(3):
        run(c, f"own{number}", ("h1", "h2"))


def flow(base: str, session: str) -> None:
    c = client(base, session)
    first, _ = run(c, "first", ("web1",))
    second, results = run(c, "second", ("web1", "web2"))
    c.patch(f"/api/v1/playbooks/{first['id']}", status="completed", ended=WHEN)
    c.patch(f"/api/v1/results/{results[1]['id']}", status="failed")
    check(c.get("/api/v1/results", playbook=second["id"])["count"] == 2, "two results")
    for one in c.get("/api/v1/hosts", playbook=second["id"])["results"]:
        check(c.get(f"/api/v1/hosts/{one['id']}")["name"] in ("web1", "web2"), one)
    c.delete(f"/api/v1/results/{results[0]['id']}")
    c.delete(f"/api/v1/playbooks/{first['id']}")


def state(base: str) -> Iterator[str]:
    c = client(base)
    paths = {one["id"]: one["path"] for one in c.get("/api/v1/playbooks", limit=1000)["results"]}
    hosts = {one["id"]: one for one in c.get("/api/v1/hosts", limit=1000)["results"]}
    yield from (f"playbook {path}" for path in paths.values())
    yield from (f"host {one['name']} of {paths.get(one['playbook'])}" for one in hosts.values())
    for one in c.get("/api/v1/results", limit=1000)["results"]:
        yield f"result {one['status']} of {hosts.get(one['host'], {}).get('name')} in {paths.get(one['playbook'])}"
    for one in c.get("/api/v1/tasks", limit=1000)["results"]:
        yield f"task {one['name']} {one['status']} in {paths.get(one['playbook'])}"


main(seed, flow, state)
