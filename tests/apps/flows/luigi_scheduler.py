"""luigid, the scheduler of Luigi: workers ask for work, run it and tell its state. Client: luigi."""

from __future__ import annotations

from collections.abc import Iterator

from common import TAG, check, main
from luigi.rpc import RemoteScheduler


def client(base: str, session: str = "") -> RemoteScheduler:
    found = RemoteScheduler(base)
    if session:
        found._fetcher.session.headers["Gateway-Session"] = session
    return found


def seed(base: str) -> None:
    c = client(base)
    c.add_worker("own", [("host", "h")])
    c.add_task(task_id="Own_1", worker="own", status="DONE", family="Own", params={})


def flow(base: str, session: str) -> None:
    c = client(base, session)
    load, total, worker = f"Load_{TAG}", f"Sum_{TAG}", f"worker-{TAG}"
    c.add_worker(worker, [("host", "h"), ("workers", 1)])
    c.add_task(task_id=load, worker=worker, family="Load", params={"day": "monday"}, priority=2)
    c.add_task(task_id=total, worker=worker, deps=[load], family="Sum", params={"day": "monday"})
    work = c.get_work(worker=worker, host="h")
    check(work["task_id"] == load, work)
    c.set_task_progress_percentage(task_id=load, progress_percentage=50)
    c.add_task(task_id=load, worker=worker, status="DONE", family="Load", params={"day": "monday"})
    work = c.get_work(worker=worker, host="h")
    check(work["task_id"] == total, work)
    c.add_task(task_id=total, worker=worker, status="FAILED", expl="no rows", family="Sum", params={"day": "monday"})
    check(c.count_pending(worker=worker) is not None, "a count")


def state(base: str) -> Iterator[str]:
    c = client(base)
    for status in ("DONE", "FAILED", "PENDING", "RUNNING"):
        for name in c.task_list(status, ""):
            yield f"{status} {name}"


main(seed, flow, state)
