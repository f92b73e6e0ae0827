"""Commands on recordings: list, show, annotate, delete. I/O.

Reading goes to the file directly; changes go through the gateway that runs, so that one process writes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ...errors import NotFoundError, UsageError
from ...model.audit import AuditEntry, Who
from ...model.json_shapes import exchange_json, recording_json
from ...model.recording import all_items
from ...model.text import visible
from ...replay.message_values import with_messages
from ...services.assertions import assertions_json, changes
from ...services.variants import variants
from ...store import open_recorder, open_store
from ..client import RunningGateway, find_writer
from .correlations import decide, print_correlations, print_decisions, verdicts_of
from .masked_store import masked_store
from .text import cut, exchange_text, recording_text, recordings_text, table

if TYPE_CHECKING:
    from ...model.exchange import Exchange
    from ...model.recording import Recording
    from ...store import SqliteRecorder, StoreReader
    from ..client import RunningGateway


PATIENT: Final = 60.0  # seconds of looking: a user at a terminal waits, and can stop it
NAMED: Final = "id, unique prefix of it, title, session, @last, @last~1 or @last-run"


def recordings_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "filter", nargs="*", metavar="FILTER",
        help="words and terms such as status:404 status:>=400 cluster:orders env:qa method:POST path:/x took:>200ms "
        "size:>1MiB after:-2h before:2026-11-22 has:error|failure|note|stream|body body:word op:name session:x "
        "tag:x kind:live; a minus negates a term: -method:GET; before a word it needs --: -- -receipt",
    )  # fmt: skip


def recordings(args: argparse.Namespace) -> int:
    """List recordings, newest first."""
    page = open_store(args.recordings).recordings(" ".join(args.filter), limit=args.limit, patience=PATIENT)
    if args.json:
        print(json.dumps({"items": [recording_json(item) for item in page.items], "next": page.next}, indent=2))
    elif page.items:
        print(recordings_text(page.items))
        if page.next:
            print(f"... and more: --limit {args.limit * 10}", file=sys.stderr)
    else:
        print("no recording matches" if args.filter else "nothing is recorded yet", file=sys.stderr)
    return 0


def show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC[/STEP]", help=f"{NAMED}; with /3 its third step")


def show(args: argparse.Namespace) -> int:
    """Show a recording, or one of its steps."""
    store = masked_store(args)
    recording, step = find(store, args.recording)
    if args.tree:
        print_tree(store, recording.id, as_json=args.json)
        return 0
    if args.assertions:
        print_assertions(store, recording.id, as_json=args.json)
        return 0
    if args.correlations and args.yaml:
        print_decisions(recording.title, heard_steps(store, recording), store.decisions(recording.id))
        return 0
    if args.correlations:
        print_correlations(heard_steps(store, recording), store.decisions(recording.id), step=step, as_json=args.json)
        return 0
    if step is not None:
        exchange = store.step(recording.id, step)
        print(json.dumps(exchange_json(exchange), indent=2) if args.json else exchange_text(exchange))
        return 0
    exchanges = steps(store, recording)
    if args.json:
        shown = recording_json(recording) | {"exchanges": [exchange_json(exchange) for exchange in exchanges]}
        print(json.dumps(shown, indent=2))
    else:
        print(recording_text(recording, exchanges))
    return 0


def find(store: StoreReader, ref: str) -> tuple[Recording, int | None]:
    """REC or REC/STEP. A title may hold a slash: the whole is tried first."""
    before, slash, number = ref.rpartition("/")
    if not (slash and number.isascii() and number.isdigit()):
        return store.recording(ref), None
    try:
        return store.recording(ref), None
    except NotFoundError:
        return store.recording(before), int(number)


def steps(store: StoreReader, recording: Recording) -> list[Exchange]:
    """All exchanges of a recording."""
    return list(all_items(lambda cursor: store.exchanges(recording.id, cursor=cursor)))


def heard_steps(store: StoreReader, recording: Recording) -> list[Exchange]:
    """The same, streams with what their server said as the body of their response: values come from there, too."""
    return [with_messages(each, store.chunks) for each in steps(store, recording)]


def annotate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC[/STEP]", help=f"{NAMED}; with /3 its third step")


def annotate(args: argparse.Namespace) -> int:
    """Give a recording or a step notes and tags; a recording a title and verdicts on its correlations, too."""
    if args.pin and args.unpin:
        raise UsageError("--pin and --unpin contradict each other")
    pinned = True if args.pin else False if args.unpin else None
    changes = {"title": args.title, "note": args.note, "tags": list(args.tag) or None, "pinned": pinned}
    given = {name: value for name, value in changes.items() if value is not None}
    verdicts = verdicts_of(args)
    add, remove = getattr(args, "assert"), args.unassert
    if not given and verdicts is None and not (add or remove):
        raise UsageError("nothing to add", hint="--title TEXT, --note TEXT, --tag TAG, --pin, --accept ID, --assert")
    store = open_store(args.recordings)
    server = find_writer(args.recordings, args.url, args.token)
    id, step = known(store, args.recording, server)
    if add or remove:
        said = assert_about(
            store, id, add, remove, server=server,
            write=lambda new, gone: change(args.recordings, lambda to: to.decide(id, asserted=new, forget=gone)),
        )  # fmt: skip
        print(f"{visible(id)}: {said}")
    if verdicts is not None:
        said = decide(
            verdicts, id, server=server, exchanges=lambda ref: heard_steps(store, store.recording(ref)),
            decisions=lambda: store.decisions(id),
            write=lambda words: change(args.recordings, lambda recorder: recorder.decide(id, **words)),
        )  # fmt: skip
        print(f"{visible(id)}: {said}")
    if not given:
        return 0
    if server is not None:
        server.call("PATCH", API + quote(id, safe=""), given | ({} if step is None else {"step": step}))
    else:
        change(args.recordings, lambda recorder: recorder.annotate(id, step=step, **given))
    print(f"{visible(id)}{'' if step is None else f'/{step}'}: {', '.join(given)}")
    return 0


def delete_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)


def delete(args: argparse.Namespace) -> int:
    """Delete a recording with its exchanges, notes and tags."""
    store = open_store(args.recordings)
    server = find_writer(args.recordings, args.url, args.token)
    id, step = known(store, args.recording, server)
    if step is not None:
        raise UsageError("a step of a recording cannot be deleted", hint="a recording is never edited; delete it whole")
    if not args.yes and not agreed(id):
        print("kept", file=sys.stderr)
        return 1
    if server is not None:
        server.call("DELETE", API + quote(id, safe=""))
    else:
        change(args.recordings, partial(delete_noted, id=id))
    print(f"{visible(id)}: deleted")
    return 0


def delete_noted(recorder: SqliteRecorder, id: str) -> Future[None]:
    """Delete a recording, and say so in the audit."""
    done = recorder.delete(id)
    recorder.add_audit(AuditEntry("delete", id, "", "command line", Who("command line")))
    return done


def known(store: StoreReader, ref: str, server: RunningGateway | None) -> tuple[str, int | None]:
    """The full id, from the file; a gateway elsewhere, whose file is not here, is asked with the name as it is."""
    try:
        recording, step = find(store, ref)
    except NotFoundError:
        if server is None or store.path.exists():
            raise
        before, slash, number = ref.rpartition("/")
        return (before, int(number)) if slash and number.isdigit() else (ref, None)
    return recording.id, step


def agreed(id: str) -> bool:
    """Ask the user at the terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is here to be asked", hint="--yes deletes without asking")
    print(f"Delete recording {visible(id)} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def change(path: Path, what: Callable[[SqliteRecorder], Future[Any]]) -> None:
    """Take the file for a moment; StoreError when a gateway has it that could not be found."""

    async def once() -> None:
        recorder = open_recorder(path, seal=None)
        try:
            await recorder.start()
            await asyncio.wrap_future(what(recorder))
        finally:
            await recorder.stop()

    asyncio.run(once())


MOST: Final = 100  # recordings that are shown; --json shows all


def print_tree(store: StoreReader, recording: str, *, as_json: bool) -> None:
    """The family of a recording."""
    found = variants(store, recording, limit=1_000_000 if as_json else MOST)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    print("\n".join(tree_lines(found["items"], recording)))
    if found["next"]:
        print(f"... and {found['total'] - MOST} more: --json shows all")


def tree_lines(items: Sequence[Mapping[str, Any]], recording: str) -> Iterator[str]:
    """A line for each, its card below."""
    for at, one in enumerate(items):
        lead, below = _branches(items, at)
        branched = f" at step {one['branched_at']}: {_or(one['status'])}" if one["branched_at"] else ""
        mark = " *" if one["id"] == recording else ""
        yield f"{lead}{one['id']}  {cut(one['title'], 70)}  ({one['kind']}{branched}){mark}"
        if one["card"]:
            yield f"{below}    {visible(one['card']['sentence'])}"


def _branches(items: Sequence[Mapping[str, Any]], at: int) -> tuple[str, str]:
    """(what stands before its line, what before the lines below it)."""
    depth = items[at]["depth"]
    more = [_goes_on(items, at, level) for level in range(1, depth + 1)]
    bars = "".join("│  " if one else "   " for one in more[:-1])
    own = _goes_on(items, at + 1, depth + 1) if at + 1 < len(items) and items[at + 1]["depth"] == depth + 1 else False
    hanging = "│" if own or (at + 1 < len(items) and items[at + 1]["depth"] > depth) else " "
    if not depth:
        return "", hanging
    return bars + ("├─ " if more[-1] else "└─ "), bars + ("│  " if more[-1] else "   ") + hanging


def _goes_on(items: Sequence[Mapping[str, Any]], at: int, level: int) -> bool:
    """Whether another one of this level follows before the tree goes up again."""
    following = (one["depth"] for one in items[at + 1 :])
    return next((depth == level for depth in following if depth <= level), False)


def _or(value: int | None) -> str:
    return "not sent" if value is None else str(value)


API = "/_gateway/api/v1/recordings/"


def print_assertions(store: StoreReader, recording: str, *, as_json: bool) -> None:
    """What the steps must answer, and whether they did when they were recorded."""
    found = assertions_json(store, recording)
    print(json.dumps(found, indent=2) if as_json else assertions_text(found["items"]))


def assertions_text(items: Sequence[dict[str, Any]]) -> str:
    """A line for each."""
    if not items:
        return "nothing is asserted: gateway annotate REC --assert 3:status=201"
    rows = [("holds" if one["passed"] else "fails", cut(one["assertion"], 100), one["message"] or "") for one in items]
    return table(("recorded", "assertion", "what came"), rows)


def assert_about(
    store: StoreReader, id: str, add: Sequence[str], remove: Sequence[str], *, server: RunningGateway | None,
    write: Callable[[Sequence[str], Sequence[str]], None],
) -> str:  # fmt: skip
    """Ask the gateway that runs, or check and write here; what was done, in words."""
    add = [_with_file(text) for text in add]
    if server is not None:
        body = {"add": add, "remove": list(remove)}
        server.call("PATCH", f"{API}{quote(id, safe='')}/assertions", body)
    else:
        _, told, gone = changes(store, id, add, remove)
        write(told, gone)
    words = [f"asserted {cut(', '.join(add), 200)}"] if add else []
    return "; ".join([*words, *([f"no longer {cut(', '.join(remove), 200)}"] if remove else [])])


def _with_file(text: str) -> str:
    """3:schema=@file.json: the schema that the file holds."""
    before, mark, name = text.partition("schema=@")
    if not mark:
        return text
    try:
        return f"{before}schema={json.dumps(json.loads(Path(name).read_text('utf-8')))}"
    except ValueError as error:
        raise UsageError(f"is not JSON: {error}", where=name) from None
