"""No map, cache or table of the server grows without bound by what strangers send: ten times each limit, at the seam.

Every attribute that holds a map, set or list is named here: with its limit and a way to fill it, or why it needs none.
`make hostile` sends a million of each to a whole gateway.

Covers: model/caches.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from captures import a_capture
from cryptography.fernet import Fernet

import gateway
from gateway.access import authentication, logins
from gateway.correlation import information, names, urls
from gateway.demos import session_memory
from gateway.keys import Keys
from gateway.live_events import LiveEvents
from gateway.model import addresses, forwarding, singular
from gateway.model.caches import LONGEST_NAME, LONGEST_TEXT
from gateway.proxy import cors, head_lines, header_rules, request, response
from gateway.redact import Sealer, echoes, placeholders, sealer
from gateway.redact import cache as pairs
from gateway.redact import names as secret_names
from gateway.replay.playback import playback
from gateway.replay.playback.recording_index import Tape
from gateway.routes import lookup
from gateway.services import seen_sessions, stepwise_replay
from gateway.sessions import identity
from gateway.store import batch
from gateway.store.sqlite import write_connection

PACKAGE = Path(gateway.__file__).parent
KEYS = Keys.of([Fernet.generate_key().decode()])
NOT_SERVING = ("cli", "console", "contracts", "correlation", "diagrams", "export", "samples")  # made for one call each

# Classes whose objects live for one request, exchange, connection, message, replay, page, file or load of a file.
OF_ONE = {
    "demos.authoring.arazzo_steps._WorkflowReader", "demos.authoring.contract_steps._Maker", "demos.authoring.scaffold.Made", "services.contract_checker.Causes", "demos.authoring.scaffold.Session", "demos.definition.expression_limits.Budget",
    "demos.definition.parse_parts.DeclaredNames", "demos.definition.yaml.Report", "model.capture.Capture",
    "model.frames.EventReader", "model.soap._Reading", "proxy.body_rewrite.RewriteFlow", "proxy.client.ClientConnection",
    "proxy.fault.FaultFlow", "proxy.flow.Flow", "proxy.playback.PlaybackFlow", "proxy.request.RequestHead",
    "proxy.request_sender.Outgoing", "proxy.response.ResponseHead", "redact.cache.Side", "redact.sealer._Work",
    "redact.echoes.Echoes", "redact.streams.FrameSealer", "replay.differences.markup_difference._Pieces",
    "replay.differences.noise.Drift", "replay.json_edit.JsonSpan", "replay.plan.PlanRun", "replay.playback.matching.MatchView",
    "replay.playback.message_echo.MessageEcho", "replay.runner.Driver", "routes.files.Loading", "routes.parse.Reader",
    "routes.table._Likeness", "routes.yaml.YamlNode", "routes.yaml._Builder", "services.imports.Folder",
    "services.replay_run.ReplayRun", "services.stepwise_replay.Stepping", "services.variants.VariantReasons", "services.family_tree._Reasons",
    "store.batch.Batch", "store.sqlite.search.Finder",
}  # fmt: skip
# As many as routes.yaml, a demo, a recording or the code has.
OF_FILES = {
    "demos.code_modules.CodeModules", "demos.session_memory.SessionMemory", "https.server.HttpsServer", "keys.Keyring", "metrics.Metrics._failures",
    "metrics.Metrics._elsewhere", "workers.fleet.Fleet._workers", "workers.fleet.WorkerHandle", "workers.records.TokenBoard",
    "metrics.Metrics._tallies", "metrics.Metrics.refused", "model.forwarding.TrustedProxies._networks",
    "protocols.LiveSession", "proxy.listeners.Listeners", "proxy.server.Relay._pools", "proxy.server.Relay._mounted",
    "proxy.server.Relay._logged", "replay.playback.playback.Playback._played", "replay.playback.recording_index.Tape",
    "routes.addresses.Addresses", "services.contract_checker.Checker", "services.contract_sources.ContractSource", "routes.health.HealthPoller", "routes.watcher.RoutesKeeper", "web.static.StaticFile",
    "store.sqlite.full_text.TextSearch", "store.sqlite.journal.writers", "model.caches._of_process",
}  # fmt: skip
# As many as there are open connections, which the system limits, or what waits for the store, which BACKLOG limits.
OF_CONNECTIONS = {
    "workers.channel.Channel", "workers.fleet.Fleet._tasks", "workers.process.Worker", "workers.records.Intake",
    "live_events.LiveEvents._open", "proxy.pool.Pool", "proxy.server.Relay.clients", "proxy.server.Relay.flows",
    "store.recorder.SqliteRecorder._streams", "store.sqlite.write_connection.SqliteTables._open", "store.writer.GroupWriter",
}  # fmt: skip
# What only operators make, a few at a time.
OF_OPERATORS = {
    "access.authentication.Access._links", "services.changes.Moves._last", "services.recheck.Rechecks",
    "services.stepwise_replay.Steppers",
}  # fmt: skip
ELSEWHERE = {  # tested in the module of that name
    "sessions.cookieless.CookielessClient": "sessions/test_bounds.py", "sessions.cookieless.CookielessClients": "sessions/test_bounds.py",
    "sessions.registry.LiveSessions": "sessions/test_bounds.py", "sessions.sharing.SessionSharing": "sessions/test_bounds.py",
    "workers.sessions.HomeSessions": "workers/test_sessions.py",
    "workers.records.RowSender": "workers/test_records.py", "workers.records.Unlearned": "workers/test_records.py",
}  # fmt: skip

LONG = b"x" * 60_000  # a name that a head has room for


def capture(number: int, **facts: Any) -> Any:
    return a_capture(id=f"c{number}", recording=f"r{number}", step=1, **facts)


def sealed_tokens(number: int) -> bytes:
    return b"Tok%015dabcdefghijk" % number


def fill_attempts(n: int) -> int:
    attempts = authentication.Attempts()
    for number in range(n):
        attempts.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    return len(attempts._each)


def fill_logins(n: int) -> int:
    found = logins.Logins(None, lambda: 0.0)
    for number in range(n):
        found.add(f"n{number}", "viewer", address="10.0.0.1", agent="a")
    return len(found._kept)


def fill_hosts(n: int) -> int:
    hosts = addresses.AllowedHosts()
    for number in range(n):
        hosts.has(b"h%d.example" % number)
    hosts.has(LONG)
    assert LONG not in hosts._known
    return len(hosts._known)


def fill_proxies(n: int) -> int:
    proxies = forwarding.TrustedProxies()
    for number in range(n):
        assert f"10.0.{number >> 8 & 255}.{number & 255}%{number}" not in proxies
    return len(proxies._known)


def fill_fates(n: int) -> int:
    fates = header_rules.Fates({b"host": 1})
    for number in range(n):
        fates[b"x-%d" % number]
    fates[LONG]
    assert LONG not in fates
    return len(fates)


def fill_field_kinds(n: int) -> int:
    kinds = identity.FieldKinds()
    for number in range(n):
        kinds[b"x-%d" % number]
    kinds[LONG]
    assert LONG not in kinds
    return len(kinds)


def fill_lines(n: int) -> int:
    for number in range(n):
        head_lines.parsed_head(b"X-Some-%d: 1\r\n\r\n" % number, 0)
    head_lines.parsed_head(b"X: " + LONG + b"\r\n\r\n", 0)
    head_lines.parsed_head(LONG + b": 1\r\n\r\n", 0)
    assert b"X: " + LONG not in head_lines._known and LONG not in head_lines._values
    assert (
        len(head_lines._values) <= head_lines.MOST_SPELLINGS and len(head_lines._varying) <= head_lines.MOST_SPELLINGS
    )
    return len(head_lines._known)


def known_head(text: bytes) -> head_lines.ParsedHead:
    """All of whose lines came before."""
    head_lines.parsed_head(text, 0)
    parsed = head_lines.parsed_head(text, 0)
    assert parsed is not None and parsed.places is not None
    return parsed


def fill_response_shapes(n: int) -> int:
    shapes = response.ResponseShapes()
    for number in range(n):
        head = known_head(
            b"X-Kind: %d\r\n\r\n" % number
            if number
            else b"".join(b"X-%d: 123456789012345\r\n" % each for each in range(900)) + b"\r\n"
        )
        for _ in range(2):
            shapes.head(b"200", b"OK", head)
    assert all(len(key) < 500 for key in shapes._known), "a large head is not remembered"
    return len(shapes._known)


def fill_request_shapes(n: int) -> int:
    shapes = request.RequestShapes()
    for number in range(n):
        client: Any = SimpleNamespace(address=f"10.0.0.{number}", secure=False, headers=[])
        shapes.learn(client, known_head(b"X-Same: 1\r\n\r\n"), cast(Any, SimpleNamespace(traced=False)))
    return len(shapes._known)


def fill_origins(n: int) -> int:
    origins = cors.RefusedOrigins()
    for number in range(n):
        origins.note(b"http://o%d.example" % number, cluster="a", method=b"GET", path=b"/", at=0.0)
    return len(origins.all())


def fill_targets(n: int) -> int:
    from relaying import orders_at, table_of

    found = lookup.Destinations(table_of(orders_at("http://127.0.0.1:1")))
    for number in range(n):
        assert found.find(b"/api/orders/%d" % number)
    return len(found._known)


@cache
def filled_sealer(n: int) -> Sealer:
    made = Sealer(KEYS)
    for number in range(n):
        stream = capture(number, stream="sse")
        made.seal_chunk(stream, b'data: {"token": "' + sealed_tokens(number) + b'"}\n\ndata: x', last=False)
    return made


def fill_rules(attribute: str) -> Callable[[int], int]:
    def fill(n: int) -> int:
        from gateway.routes.table import RedactRules

        made = Sealer(KEYS)
        for number in range(n):
            made(capture(number, redact=RedactRules(frozenset({f"x-{number}"}))))
        return len(getattr(made, attribute))

    return fill


def fill_tokens(n: int) -> int:
    tokens = echoes.RecordingTokens()
    for number in range(n):
        tokens.add(sealed_tokens(number))
    assert len(tokens._words) <= echoes.MOST_WORDS + 100
    return len(tokens._tokens)


def fill_vault(n: int) -> int:
    vault = placeholders.Vault(KEYS)
    for number in range(n):
        vault.seal(b"s%d" % number, "r")
    vault.seal(LONG, "r")
    assert (LONG, "r") not in vault._known
    return len(vault._known)


@cache
def filled_cache(n: int) -> pairs.Cache:
    made = pairs.Cache(secret_names.SecretNames(), placeholders.Vault(KEYS))
    for number in range(0, n, 50):
        headers = [(b"X-%d" % each, b"%d" % each) for each in range(number, number + 50)]
        made.changes(capture(number, request_headers=headers), echoes.RecordingTokens())
    made.changes(capture(n, request_headers=[(LONG, b"1")]), echoes.RecordingTokens())
    assert LONG not in made._kinds
    return made


@cache
def filled_names(n: int) -> secret_names.SecretNames:
    made = secret_names.SecretNames()
    for number in range(n):
        made.header(b"x-%d" % number)
        made.is_secret(b"key%d" % number)
        made.remember_clean(b"%d" % number)
        made.remember_clean_pair((b"x", b"%d" % number))
        made.hint(b"text %d" % number)
    made.header(LONG)
    made.is_secret(LONG)
    made.remember_clean(LONG)
    return made


def of(filled: Callable[[int], object], attribute: str) -> Callable[[int], int]:
    return lambda n: len(getattr(filled(n), attribute))


def fill_meant(n: int) -> int:
    made = playback.Playback(Tape("r", "t", ()))
    for number in range(n):
        made._mean({f'"today-{number}"': '"recorded"'})
    assert f'"today-{n - 1}"' in made._meant, "the latest stays"
    return len(made._meant)


def fill_heard(n: int) -> int:
    from gateway.model.message import Body, Response

    made = playback.Playback(Tape("r", "t", ()))
    for number in range(n):
        text = b"x" * (playback.LONGEST + 10 if number == n - 1 else 10)
        made.heard(Response("1.1", (("Content-Type", "text/plain"),), Body(len(text), text), status=200))
    assert max(map(len, made._heard)) < playback.LONGEST + 100
    return len(made._heard)


def fill_memories(n: int) -> int:
    made = session_memory.Memories()
    for number in range(n):
        made.of(f"s{number}")
    return len(made._sessions)


def fill_links(n: int) -> int:
    from gateway.protocols import LiveSession

    made = seen_sessions.SessionLinks()
    for _ in range(n):
        made.make(LiveSession(id="s", recording="r"))
    return len(made._links)


def fill_events(n: int) -> int:
    async def run() -> int:
        live = LiveEvents(history=100)
        async with live.subscribe():
            for number in range(n):
                live.publish("exchange", {"n": number})
            return len(live._history)

    return asyncio.run(run())


def fill_stored(attribute: str) -> Callable[[int], int]:
    def fill(n: int) -> int:
        made = batch.Stored()
        for first in range(0, n, 500):
            some = batch.Batch(lambda one: one, None, batch.Stored())
            some.keys = {b"%d" % number: b"k" for number in range(first, first + 500)}
            some.secrets = {("r", f"{number}"): b"" for number in range(first, first + 500)}
            made.remember(some)
        return len(getattr(made, attribute))

    return fill


def fill_known(n: int) -> int:
    known: dict[Any, None] = {}
    for number in range(n):
        write_connection._remember(known, [number])
    return len(known)


TABLES: dict[str, tuple[int, Callable[[int], int]]] = {
    "access.authentication.Attempts._each": (authentication.MOST, fill_attempts),
    "access.logins.Logins._kept": (logins.MOST, fill_logins),
    "demos.session_memory.Memories._sessions": (session_memory.SESSIONS, fill_memories),
    "live_events.LiveEvents._history": (100, fill_events),
    "model.addresses.AllowedHosts._known": (addresses.MOST, fill_hosts),
    "model.forwarding.TrustedProxies._known": (forwarding.MOST, fill_proxies),
    "proxy.cors.RefusedOrigins._seen": (cors.MOST, fill_origins),
    "proxy.head_lines._known": (head_lines.MOST, fill_lines),
    "proxy.request.RequestShapes._known": (request.MOST_SHAPES, fill_request_shapes),
    "proxy.response.ResponseShapes._known": (response.MOST_SHAPES, fill_response_shapes),
    "proxy.header_rules.Fates": (header_rules.MOST_NAMES, fill_fates),
    "redact.cache.Cache._kinds": (pairs.MOST, of(filled_cache, "_kinds")),
    "redact.cache.Cache._pairs": (pairs.MOST, of(filled_cache, "_pairs")),
    "redact.echoes.RecordingTokens._tokens": (echoes.MOST_TOKENS, fill_tokens),
    "redact.names.SecretNames._kinds": (secret_names.MOST, of(filled_names, "_kinds")),
    "redact.names.SecretNames._secret": (secret_names.MOST, of(filled_names, "_secret")),
    "redact.names.SecretNames.clean": (secret_names.MOST, of(filled_names, "clean")),
    "redact.names.SecretNames.clean_pairs": (secret_names.MOST, of(filled_names, "clean_pairs")),
    "redact.names.SecretNames.harmless": (secret_names.MOST_LONG, of(filled_names, "harmless")),
    "redact.placeholders.Vault._known": (placeholders.MOST, fill_vault),
    "redact.sealer.Sealer._caches": (sealer.MOST_RULES, fill_rules("_caches")),
    "redact.sealer.Sealer._pieces": (sealer.MOST_OPEN, of(filled_sealer, "_pieces")),
    "redact.sealer.Sealer._rules": (sealer.MOST_RULES, fill_rules("_rules")),
    "redact.sealer.Sealer._said": (sealer.MOST_OPEN, of(filled_sealer, "_said")),
    "redact.sealer.Sealer._sides": (sealer.MOST_OPEN, of(filled_sealer, "_sides")),
    "redact.sealer.Sealer._tokens": (sealer.MOST_OPEN, of(filled_sealer, "_tokens")),
    "replay.playback.playback.Playback._heard": (playback.HEARD, fill_heard),
    "replay.playback.playback.Playback._meant": (playback.MOST_MEANT, fill_meant),
    "routes.lookup.Destinations._known": (lookup.MOST, fill_targets),
    "services.seen_sessions.SessionLinks._links": (seen_sessions.MOST_LINKS, fill_links),
    "sessions.identity.FieldKinds": (identity.MOST_NAMES, fill_field_kinds),
    "store.batch.Stored.bodies": (batch.KNOWN + batch.SPARE, fill_stored("bodies")),
    "store.batch.Stored.secrets": (batch.KNOWN + batch.SPARE, fill_stored("secrets")),
    "store.sqlite.write_connection.SqliteTables._begun": (write_connection.KNOWN + 1, fill_known),
}  # fmt: skip
# One function keeps all of these, or their limit is tried with the table before.
WITH = {
    "store.postgres.tables.PostgresTables._begun": "KNOWN, the oldest are forgotten",
    "store.postgres.tables.PostgresTables._deleted": "one of each deletion of an operator",
    "store.postgres.tables.PostgresTables._suspects": "SOME bodies at a time",
    "store.postgres.reader.PostgresStore._idle": "IDLE connections",
    "proxy.head_lines._values": "tried with _known", "proxy.head_lines._varying": "tried with _known",
    "access.authentication.Access._known": "only right credentials are kept, of which there are as many as files name",
    "demos.session_memory.Memories._results": "RESULTS, in the same way as _sessions",
    "redact.echoes.RecordingTokens._words": "tried with _tokens",
    "services.stepwise_replay.StoppedReplays": "KEPT replays, which operators start",
    "store.sqlite.write_connection.SqliteTables._uses": "_remember", "store.sqlite.write_connection.SqliteTables._deleted": "_remember",
    "store.sqlite.write_connection.SqliteTables._cut": "_remember",
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_ten_times_the_limit_stays_within_it(table: str) -> None:
    limit, fill = TABLES[table]
    assert fill(10) > 0
    assert fill(10 * limit) <= limit


@pytest.mark.parametrize(
    "function",
    [
        information.bits_of, names.words, names.role_of, names.one_of, names.entity_of, names.segment_entity, urls.pieces,
        urls.collection_of, singular.singular,
    ],
    ids=lambda function: function.__name__,
)  # fmt: skip
def test_a_long_text_is_not_remembered(function: Any) -> None:
    function("a" * LONGEST_TEXT)
    before = function.cache_info().currsize
    long = function("a" * (LONGEST_TEXT + 1))
    assert function.cache_info().currsize == before
    assert long == function("a" * (LONGEST_TEXT + 1))
    assert LONGEST_NAME < LONGEST_TEXT and stepwise_replay.KEPT < 100


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def holders() -> list[str]:
    """Every attribute of a class, and every name of a module, that holds a map, set or list."""
    found = []
    for path, tree in trees().items():
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in NOT_SERVING:
            continue
        module = ".".join(parts)
        for kind in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            for node in ast.walk(kind):
                if (
                    isinstance(node, ast.AnnAssign)
                    and isinstance(node.target, ast.Attribute)
                    and holds(node.annotation)
                ):
                    found += [f"{module}.{kind.name}.{node.target.attr}"]
        found += [
            f"{module}.{node.target.id}"
            for node in tree.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and holds(node.annotation)
            and not node.target.id.isupper()
        ]  # fmt: skip
    return found


def holds(annotation: ast.expr) -> bool:
    kind = ast.unparse(annotation).partition("[")[0]
    return kind in {"dict", "set", "list", "deque", "OrderedDict", "Counter", "defaultdict", "BoundedCache"}


def test_every_table_of_the_server_is_named_here() -> None:
    known = {*TABLES, *WITH, *OF_ONE, *OF_FILES, *OF_CONNECTIONS, *OF_OPERATORS, *ELSEWHERE}
    unknown = [one for one in holders() if one not in known and one.rpartition(".")[0] not in known]
    assert unknown == []


def test_every_cache_of_a_function_has_a_limit() -> None:
    bad = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or not (node.args.args or node.args.kwonlyargs):
                continue
            words = [ast.unparse(each) for each in node.decorator_list]
            bad += [f"{path}: {node.name}" for word in words if word in ("cache", "functools.cache", "lru_cache(None)")]
    assert bad == []
