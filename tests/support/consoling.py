"""A small gateway around the console: real aiohttp, real pages, a real routes.yaml that a move edits."""

import sqlite3
from concurrent.futures import Future
from contextlib import closing
from dataclasses import fields, replace
from itertools import count

from aiohttp import web

from gateway.console import MIDDLEWARES, setup
from gateway.correlation import Decisions, read_declared
from gateway.errors import NotFoundError, UsageError
from gateway.live_events import LiveEvents
from gateway.model.audit import audit_json
from gateway.model.exchange import Exchange, Failure, Timing
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Page, Recording, Relative, Revision, in_tree
from gateway.paths import templates_dir
from gateway.protocols import Health, LiveSession, Options, Pin, RecorderStatus, Services
from gateway.routes.edit import move
from gateway.routes.history import changes
from gateway.routes.parse import parse
from gateway.routes.table import compile_table
from gateway.store.sqlite.schema import migrate
from gateway.store.sqlite.statistics import Statistics

ROUTES = """\
version: 1
environments: [dev, test, qa]
clusters:
  orders:
    path: /api/orders
    environment: qa
    upstreams: {test: "http://127.0.0.1:9000/orders-test", qa: "http://127.0.0.1:9000/orders-qa"}
  payments:
    path: /api/payments
    environment: test
    fault: {delay: 200ms, status: 503, rate: 0.1}
    upstreams:
      test: http://127.0.0.1:9000/payments-test
      qa: {url: "https://127.0.0.1:9443", tls: {verify: false}}
"""


def done(value=None):
    future = Future()
    future.set_result(value)
    return future


class Book:
    """Recordings in memory: Store and Writing in one."""

    def __init__(self):
        self.kept, self.steps, self.pieces, self.accepted = {}, {}, {}, []
        self.state, self.shelf = RecorderStatus(), {}
        self.decided, self.audited, self.asserted = {}, [], {}

    def reading(self, work):
        """Through a connection to a file that holds nothing."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            migrate(connection)
            return work(connection)

    def add(self, recording, *exchanges):
        self.kept[recording.id] = replace(recording, steps=len(exchanges))
        self.steps[recording.id] = [
            replace(one, recording=recording.id, step=number) for number, one in enumerate(exchanges, 1)
        ]

    def recordings(self, query="", *, limit=50, cursor=None):
        if query.startswith("parent:"):
            return Page(tuple(one for one in self.kept.values() if one.parent == query[7:]))
        if ":" in query:
            raise UsageError(f"{query!r} has no such key; did you mean 'status'?")
        found = [one for one in reversed(self.kept.values()) if query in one.title]
        start = int(cursor or 0)
        more = str(start + limit) if start + limit < len(found) else None
        return Page(tuple(found[start : start + limit]), more)

    def values(self, session):
        return self.shelf.get(session, {})

    def keep_values(self, session, values):
        kept = self.shelf.setdefault(session, {}) | values
        self.shelf[session] = {name: value for name, value in kept.items() if value is not None}
        return done()

    def statistics(self):
        counts = dict.fromkeys((one.name for one in fields(Statistics)), 0)
        held = {
            "recordings": len(self.kept),
            "exchanges": sum(map(len, self.steps.values())),
            "truncated": 1,
            "secrets": 2,
        }
        return Statistics(**counts | held)

    def recording(self, ref):
        for one in self.kept.values():
            if ref in (one.id, one.title) or one.id.startswith(ref):
                return one
        raise NotFoundError(f"there is no recording {ref!r}", hint="gateway recordings lists them")

    def exchanges(self, recording, *, limit=1000, cursor=None, query=""):
        start = int(cursor or 0)
        found = [one for one in self.steps[recording] if query in one.url]
        more = str(start + limit) if start + limit < len(found) else None
        return Page(tuple(found[start : start + limit]), more)

    def latest(self, *, limit=50, cursor=None, query=""):
        found = [one for steps in self.steps.values() for one in steps if query in one.url]
        newest = sorted(found, key=lambda one: one.started_at, reverse=True)
        return Page(tuple(newest[:limit]), None)

    def exchange(self, id):
        for steps in self.steps.values():
            for one in steps:
                if one.id == id:
                    return one
        raise NotFoundError(f"there is no exchange {id!r}")

    def step(self, recording, step):
        return self.steps[recording][step - 1]

    def family(self, recording):
        kept = (
            Relative(one.id, one.title, one.kind, one.parent, one.branched_at, steps=one.steps)
            for one in self.kept.values()
        )
        return in_tree(kept, recording)

    def outcomes(self, recordings, *, most):
        return {id: [(one.step, one.status, one.id) for one in self.steps[id][:most]] for id in recordings}

    def assertions(self, recording):
        return self.asserted.get(recording, ())

    def chunks(self, exchange):
        return self.pieces.get(exchange, ())

    def gateways(self):
        return ()

    def revisions(self, *, limit=100):
        return self.accepted[:limit]

    def audit(self, words="", *, limit=50, cursor=None):
        found = [one for one in self.audited if all(word in str(audit_json(one)) for word in words.split())]
        return Page(tuple(found[:limit]), None)

    def add_audit(self, entry):
        self.audited.insert(0, replace(entry, at="2026-11-22T06:00:00.000000Z"))
        return done()

    def status(self):
        return self.state

    def annotate(self, recording, *, step=None, title=None, note=None, tags=(), pinned=None):
        notes = (note,) if note else ()
        if step is not None:
            one = self.steps[recording][step - 1]
            self.steps[recording][step - 1] = replace(one, notes=one.notes + notes, tags=one.tags + tuple(tags))
            return done()
        one = self.kept[recording]
        self.kept[recording] = replace(
            one,
            title=one.title if title is None else title,
            notes=one.notes + notes,
            tags=one.tags + tuple(tags),
            pinned=one.pinned if pinned is None else pinned,
        )
        return done()

    def build(self, cluster, environment, moment):
        return ""

    def decisions(self, recording):
        return self.decided.get(recording, Decisions())

    def decide(self, recording, *, accept=(), reject=(), declare=(), forget=(), asserted=()):
        known = [each for each in self.asserted.get(recording, ()) if each not in forget]
        self.asserted[recording] = (*known, *asserted)
        said = self.decisions(recording)
        gone = {*accept, *reject, *forget}
        self.decided[recording] = Decisions(
            said.accepted - gone | set(accept),
            said.rejected - gone | set(reject),
            (*(each for each in said.declared if str(each) not in forget), *map(read_declared, declare)),
        )
        return done()

    def delete(self, recording):
        del self.kept[recording]
        return done()


class Routes:
    """The route table of a file that a move really edits; nothing polls it."""

    def __init__(self, file, book):
        self.file, self.problems, self.book, self.seen, self.table = file, (), book, [], None
        self.moved, self.name, self.text = [], file.name, ""
        file.write_text(ROUTES)
        self.load("start")

    def load(self, source):
        parsed = parse(self.file.read_bytes())
        assert not parsed.problems, parsed.problems
        before, self.table = self.table, compile_table(parsed.config, revision=parsed.revision)
        self.text = parsed.text
        at = f"2026-11-22T06:00:0{len(self.book.accepted)}.000000Z"
        revision = Revision(parsed.revision, at, source, changes(before, self.table), parsed.text)
        self.book.accepted.insert(0, revision)
        return revision

    async def move(self, cluster, environment, *, source):
        if environment not in self.table.clusters[cluster].upstreams:
            raise NotFoundError(f"{cluster} has no environment {environment!r}", hint="it has test, qa")
        self.moved.append((cluster, environment))
        self.file.write_bytes(move(self.file.read_bytes(), cluster, environment))
        revision = self.load(source)
        self.tell(revision)
        return revision

    def subscribe(self, seen):
        self.seen.append(seen)

    def tell(self, revision):
        for seen in self.seen:
            seen(revision, self.problems)


class Sessions:
    """One session per Gateway-Session header, "browser" without."""

    changes = 0

    def __init__(self):
        self.live = {}

    def get(self, id):
        return self.live.get(id)

    def confirmed(self, session):
        return session

    def of(self, request):
        name = request.headers.get("Gateway-Session", "browser")
        return self.live.setdefault(name, LiveSession(name, f"rec-{name}", named=name != "browser"))

    def all(self):
        return list(self.live.values())

    def pin(self, session, cluster, environment, *, ttl=0.0):
        session.pins[cluster] = Pin(environment, ttl and 4e9)

    def unpin(self, session, cluster):
        session.pins.pop(cluster, None)

    def keep(self, session):
        self.stored = session

    def start_recording(self, session, title=""):
        session.recording, session.steps, session.title = "fresh", 0, title
        return "fresh"


class Board:
    fallen = frozenset()
    checks = 0

    async def check(self):
        self.checks += 1

    def of(self, cluster, environment):
        is_up = environment == "qa" and (cluster, environment) not in self.fallen
        return Health("up" if is_up else "down", "connection refused", "2026.11", 1.0, 4.2)


RECORDING = "01KRECORDING00000000000001"
NUMBERS = count(1)


def an_exchange(number=None, **facts):
    """A POST that got a 404; `facts` are an Exchange's, or the message's: method, target, headers, sent, answer ..."""
    number = number or next(NUMBERS)
    request = Request(
        method=facts.pop("method", "POST"),
        target=facts.pop("target", "/api/orders/orders?x=1"),
        headers=facts.pop("headers", (("Host", "127.0.0.1:8080"), ("Content-Type", "application/json"))),
        body=Body(12, facts.pop("sent", b'{"qty": 1.0}')),
    )
    status = facts.pop("status", 404)
    answer = facts.pop("answer", b'{"error":"no such order"}')
    response = Response(
        status=status,
        reason=facts.pop("reason", "Not Found"),
        headers=facts.pop("answer_headers", (("Content-Type", "application/json"), ("X-Build", "7"))),
        body=Body(len(answer), answer),
    )
    base = Exchange(
        f"01KEXCHANGE{number:015}", "", 0, "ada", f"2026-11-22T06:00:{number % 60:02}.000000Z",
        "http://127.0.0.1:8080" + request.target, request, response, status, "orders", "qa",
        "http://127.0.0.1:9000/orders-qa/orders?x=1", "r1", timing=Timing(12.1, 0.3, 10.2, 11.0),
    )  # fmt: skip
    return replace(base, **facts)


def a_book():
    """One recording of three steps: 201, 404, 502."""
    book = Book()
    book.add(
        Recording(RECORDING, "Order a book", "ada", clusters=("orders@qa",), tags=("demo",)),
        an_exchange(1, status=201, reason="Created"),
        an_exchange(2),
        an_exchange(3, status=502, response=None, failure=Failure("connection_refused", "127.0.0.1:9000 refused")),
    )
    return book


def some_services(folder, book):
    return Services(
        options=Options(folder / "routes.yaml", folder / "gateway.db", hosts=("gateway.internal",)),
        routes=Routes(folder / "routes.yaml", book),
        store=book,
        recorder=book,
        sessions=Sessions(),
        health=Board(),
        live=LiveEvents(),
        metrics=lambda: "# TYPE gateway_up gauge\ngateway_up 1\n",
        url=lambda: "http://127.0.0.1:8080",
    )


def an_app(services):
    app = web.Application(middlewares=MIDDLEWARES)
    setup(app, services, session_of=services.sessions.of, templates=[templates_dir()])
    return app
