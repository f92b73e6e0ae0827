"""Commands on secrets: `redact` masks what older recordings hold, `reveal` shows what was sealed. I/O."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cryptography.fernet import InvalidToken

from ...errors import NotFoundError, UsageError
from ...keys import load_keys
from ...model.audit import Action, AuditEntry, Who
from ...model.text import visible
from ...redact import Sealer
from ...store import open_recorder, open_store
from ...store.redaction_preview import would_mask
from ..client import RunningGateway, find_writer
from .masked_store import PARTS, masked_store, rules_in, rules_of
from .recordings import API, NAMED, find, steps
from .text import table

if TYPE_CHECKING:
    from ...model.exchange import Exchange
    from ...redact.preview import RedactionFinding
    from ...routes.table import RedactRules
    from ...store import SqliteRecorder, StoreReader

HEAD = ("step", "where", "rule", "becomes")
EXCHANGES = "/_gateway/api/v1/exchanges/"


def redact_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)


def redact(args: argparse.Namespace) -> int:
    """Seal for good what a recording holds under the rules of today; or list it."""
    store = open_store(args.recordings)
    recording, step = find(store, args.recording)
    if step is not None:
        raise UsageError("a recording is masked as a whole", hint=f"gateway redact {recording.id}")
    rules = rules_in(args.rules) if args.rules else rules_of(args.routes)
    sealer = Sealer(load_keys(args.recordings.parent, os.environ))
    found = list(would_mask(store, steps(store, recording), rules, sealer))
    if args.dry_run:
        return _listed(recording.id, found, as_json=args.json)
    if not found:
        return _told(recording.id, 0, as_json=args.json)
    if not args.yes and not _agreed(recording.id, len(found)):
        print("left as it is", file=sys.stderr)
        return 1
    server = find_writer(args.recordings, args.url, args.token)
    if server is not None:
        changed = _at_server(server, recording.id, rules, given=args.rules is not None)
    else:
        changed = with_sealer(args.recordings, lambda recorder: recorder.reseal(recording.id, rules))
        audit(args.recordings, "seal", recording.id, f"{changed} of {recording.steps} steps")
    return _told(recording.id, changed, as_json=args.json)


def _listed(id: str, found: Sequence[tuple[int, RedactionFinding]], *, as_json: bool) -> int:
    if as_json:
        items = [
            {"recording": id, "step": step, "where": one.where, "rule": one.rule, "placeholder": one.placeholder}
            for step, one in found
        ]
        print(json.dumps({"items": items, "next": None}, indent=2))
    elif found:
        rows = [(str(step), visible(one.where), visible(one.rule), one.placeholder) for step, one in found]
        print(table(HEAD, rows))
    if not as_json:
        print(f"{_places(len(found))} would be masked; nothing was changed", file=sys.stderr)
    return 0


def _told(id: str, changed: int, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"recording": id, "changed": changed}))
    else:
        print(
            f"{visible(id)}: {changed} step{'s' * (changed != 1)} sealed"
            if changed
            else f"{visible(id)}: nothing to seal"
        )
    return 0


def _at_server(server: RunningGateway, id: str, rules: RedactRules | None, *, given: bool) -> int:
    if given and rules is not None and rules.clusters:
        hint = "leave out --rules: the gateway has those of its own routes.yaml"
        raise UsageError("a gateway that runs takes no rules of single clusters", hint=hint)
    body = {part: sorted(getattr(rules, part)) for part in PARTS} if given else {}
    return int(server.call("POST", f"{API}{quote(id, safe='')}/redact", body)["changed"])


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


def _agreed(id: str, places: int) -> bool:
    """Ask the user at the terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is here to be asked", hint="--yes seals without asking, --dry-run lists what")
    question = f"Seal {_places(places)} of recording {visible(id)} for good? [y/N] "
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def reveal_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC/STEP", help="a step, as in @last/2")
    parser.add_argument("names", nargs="*", metavar="PLACEHOLDER", help="which; without one, all of the step")


def reveal(args: argparse.Namespace) -> int:
    """Show the secrets of a step. The audit log gets its entry first: who, when, which, why."""
    if not args.why.strip():
        raise UsageError("a reason is missing", hint="--why 'what you need it for': the audit keeps it")
    store = masked_store(args)
    recording, step = find(store, args.recording)
    if step is None:
        raise UsageError("which step?", hint=f"gateway reveal {recording.id}/1 --why ...")
    one = store.step(recording.id, step)
    server = find_writer(args.recordings, args.url, args.token)
    if server is not None:
        body = {"why": args.why, "names": list(args.names)}
        secrets = server.call("POST", f"{EXCHANGES}{quote(one.id, safe='')}/reveal", body)["secrets"]
    else:
        secrets = _revealed(args, store, one)
    if args.json:
        print(json.dumps({"recording": recording.id, "step": step, "secrets": secrets}, indent=2))
    else:
        print("\n".join(f"{name}  {visible(secret)}" for name, secret in secrets.items()))
    return 0


def _revealed(args: argparse.Namespace, store: StoreReader, one: Exchange) -> dict[str, str]:
    there = _placeholders(store, one)
    if unknown := [name for name in args.names if name not in there]:
        raise NotFoundError(f"{unknown[0]!r} does not stand in this step", where=args.recording)
    sealer, secrets = Sealer(load_keys(args.recordings.parent, os.environ)), {}
    for name, sealed in store.secrets(one.recording).items():
        if name in (args.names or there):
            try:
                secrets[name] = sealer.unseal(name, sealed).decode("utf-8", "backslashreplace")
            except (InvalidToken, ValueError):
                continue
    if not secrets:
        hint = "the keys that sealed it are gone" if there else "it holds no sealed secret"
        raise NotFoundError("nothing in this step can be revealed", where=args.recording, hint=hint)
    audit(args.recordings, "reveal", f"{one.recording}/{one.step}", f"{', '.join(secrets)}: {args.why.strip()}")
    return secrets


def _placeholders(store: StoreReader, one: Exchange) -> set[str]:
    from ...services.sealing import placeholders

    return set(placeholders(one, store.chunks(one.id) if one.stream else ()))


def with_sealer(path: Path, what: Callable[[SqliteRecorder], Future[Any]]) -> Any:
    """Take the file for a moment, with the keys that lie beside it."""

    async def once() -> Any:
        sealer = Sealer(load_keys(path.parent, os.environ))
        recorder = open_recorder(path, seal=sealer.seal, seal_piece=sealer.seal_chunk)
        try:
            await recorder.start()
            return await asyncio.wrap_future(what(recorder))
        finally:
            await recorder.stop()

    return asyncio.run(once())


def audit(path: Path, action: Action, subject: str, detail: str) -> None:
    """A line of the audit for what was done without a gateway, by the user that the system names."""
    entry = AuditEntry(action, subject, detail, "command line", Who("command line", login=_login()))
    with_sealer(path, lambda recorder: recorder.add_audit(entry))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return str(os.getuid()) if hasattr(os, "getuid") else ""
