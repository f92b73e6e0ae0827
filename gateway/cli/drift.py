"""`gateway drift`: where exchanges differ from the contracts of their clusters, since when, and why. I/O."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from .. import __version__
from ..contracts.batches import DriftQuery
from ..contracts.findings import Accepted, Finding, coverage
from ..contracts.ignore import RULES
from ..contracts.reports import PlaceReport, at_or_above, junit_report, markdown_report, sarif_report, text_report
from ..errors import NotFoundError, UpstreamError, UsageError
from ..model.filter import quoted
from ..model.units import read_duration
from ..routes import load
from ..services.contract_sources import ContractSource
from ..services.drift import DriftCheck, failure_of, no_contracts, wanted_exchanges, without_known
from ..store import open_recorder
from ..store.sqlite import drift as drift_tables
from .client import find_writer
from .recordings.masked_store import masked_store

if TYPE_CHECKING:
    from ..routes.table import RouteTable
    from ..store import StoreReader

WRITERS: Final = ("junit", "sarif", "markdown")


def drift_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="REC|FILTER",
        help="a recording or a filter: check those exchanges now; without it, what the gateway found while it ran; "
        "accept ID and forget ID live with a finding, or not any more",
    )  # fmt: skip


def drift(args: argparse.Namespace) -> int:
    """Tell what differs; 0 nothing at or above --fail-on, 1 something, 4 a contract cannot be fetched, 5 nothing."""
    if args.words[:1] in (["accept"], ["forget"]):
        return _decide(args)
    severity = args.fail_on
    store = masked_store(args)
    table = load_table(args.routes)
    find = _checked_now if args.words or args.contract else _found_by_gateway
    places = find(args, store, table)
    _write(args, places)
    if args.json:
        print(json.dumps({"items": [one.json() for one in places]}, indent=2, ensure_ascii=False))
    else:
        print("\n".join(text_report(places, everything=args.all)))
    return 1 if any(at_or_above(place.findings, severity) for place in places) else 0


def load_table(file: Path) -> RouteTable | None:
    """The table of routes.yaml; None without the file. ConfigError when it is invalid."""
    import os

    from ..errors import ConfigError

    loaded = load(file, environ=os.environ, name=str(file))
    if loaded.table is None and not any(problem.code == "absent" for problem in loaded.problems):
        raise ConfigError(loaded.problems)
    return loaded.table


# -- checked now


def _checked_now(args: argparse.Namespace, store: StoreReader, table: RouteTable | None) -> list[PlaceReport]:
    recording, query = _wanted(args, store)
    check = DriftCheck(table, args.contract)
    old = DriftCheck(table) if args.contract and not args.all else None
    count = 0
    for exchange in wanted_exchanges(store, recording, query):
        count += 1
        check.take(exchange)
        if old is not None:
            old.take(exchange)
    if not count:
        raise NotFoundError("no exchange matches", hint="gateway recordings")
    if not check.taken:
        raise no_contracts()
    places = check.reports(covered=args.coverage)
    return without_known(places, old.reports()) if old is not None else places


def _wanted(args: argparse.Namespace, store: StoreReader) -> tuple[str, str]:
    """(a recording's id or "", a filter)."""
    terms = [f"cluster:{quoted(args.cluster, bare=True)}"] if args.cluster else []
    terms += [f"env:{quoted(args.env, bare=True)}"] if args.env else []
    if args.since:
        terms.append(f"after:-{args.since}")
    words = list(args.words)
    if len(words) == 1 and ":" not in words[0]:
        try:
            return store.recording(words[0]).id, " ".join(terms)
        except NotFoundError:
            if words[0].startswith("@"):
                raise
    return "", " ".join([*words, *terms])


# -- found by the gateway


def _found_by_gateway(args: argparse.Namespace, store: StoreReader, table: RouteTable | None) -> list[PlaceReport]:
    since = time.time() - read_duration(args.since) if args.since else 0.0
    found = store.reading(lambda c: drift_tables.findings(c, DriftQuery(args.cluster, args.env, "", "", since)))
    reports = []
    for place in store.reading(drift_tables.places):
        if args.cluster not in ("", place.cluster) or args.env not in ("", place.environment):
            continue
        mine = tuple(one for one in found if (one.cluster, one.environment) == place.key)
        shown, problem = _coverage(args, store, table, place.cluster, place.environment)
        reports.append(
            PlaceReport(
                place.cluster, place.environment, place.source, place.title, place.judged, dict(place.unjudged), mine,
                tuple(place.operations), problem, {}, shown, place.dropped,
            )
        )  # fmt: skip
    if not reports:
        hint = "gateway drift REC, or clusters.NAME.contract: FILE in routes.yaml and a gateway that runs"
        raise NotFoundError("no gateway has compared anything with a contract here", hint=hint)
    return reports


def _coverage(
    args: argparse.Namespace, store: StoreReader, table: RouteTable | None, cluster: str, environment: str
) -> tuple[dict[str, Any] | None, str]:
    """What was seen of the contract, when that is asked for; and why the contract cannot be read now."""
    known = table.clusters.get(cluster) if table else None
    if known is None or known.contract is None:
        return None, ""
    source = ContractSource(known.contract, environment)
    source.look()
    state = source.state
    if state.problem_code == "unreachable":
        raise UpstreamError(state.problem, where=state.shown, hint="what was found before may not hold any more")
    if state.judge is None:
        raise failure_of(state)
    if not args.coverage:
        return None, state.problem
    return coverage(state.judge, store.reading(lambda c: drift_tables.seen(c, cluster, environment))), state.problem


# -- deciding


def _decide(args: argparse.Namespace) -> int:
    action, *ids = args.words
    if len(ids) != 1:
        raise UsageError(f"{action} takes one ID", hint=f"gateway drift {action} 3f2a9c1b")
    if action == "accept" and not args.why.strip():
        raise UsageError("say why", hint=f'gateway drift accept {ids[0]} --why "known, mended in 2.1"')
    server = find_writer(args.recordings, args.url, args.token)
    if server is not None:
        body = {"accepted": action == "accept"} | ({"why": args.why} if args.why else {})
        found = server.call("PATCH", f"/_gateway/api/v1/drift/{quote(ids[0], safe='')}", body)
    else:
        found = asyncio.run(_decide_here(args.recordings, ids[0], action, args.why)).json()
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(f"{found['id']} is {'accepted until its contract changes' if found['accepted'] else 'not accepted'}")
    return 0


async def _decide_here(recordings: Path, id: str, action: str, why: str) -> Finding:
    """Without a gateway the command line is the one that writes."""
    recorder = open_recorder(recordings, seal=None)
    await recorder.start()
    try:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        accepted = Accepted(why, getpass.getuser(), now) if action == "accept" else None
        return await asyncio.wrap_future(recorder.accept_finding(id, accepted))
    finally:
        await recorder.stop()


# -- files


def _write(args: argparse.Namespace, places: Sequence[PlaceReport]) -> None:
    made = {
        "junit": lambda: junit_report(places, least=args.fail_on),
        "sarif": lambda: sarif_report(places, version=__version__),
        "markdown": lambda: markdown_report(places),
    }
    for name in WRITERS:
        file: Path | None = getattr(args, name)
        if file is not None:
            file.write_text(made[name](), "utf-8")
            print(f"wrote {file}", file=sys.stderr)


__all__ = ["RULES", "drift", "drift_arguments"]
