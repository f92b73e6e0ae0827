"""`gateway docs`: documents about recordings as a site or for another tool, and which of them are stale. I/O."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ... import __version__
from ...errors import NotFoundError, UsageError, did_you_mean
from ...export import FORMATS, Beside, Recordings
from ...export.documents import staleness
from ...export.documents.publish import TARGETS, DocumentPage, book, published
from ...export.documents.site import Templates, site
from ...model.text import counted
from ...protocols import Store
from ...services.export import Wish, beside, gathered
from .export import routing_now, write_folder
from .masked_store import masked_store
from .recordings import NAMED

MOST = 1 << 20  # bytes of a template


def docs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", nargs="*", metavar="REC", help=f"{NAMED}; with --check none are needed")


def docs(args: argparse.Namespace) -> int:
    """Write the documents, or check them; the first file to open of a site is its index."""
    if args.check:
        return _check(args)
    if not args.recording:
        raise UsageError("name a recording", hint="gateway docs @last -o site")
    target = getattr(args, "for")
    if target and target not in TARGETS:
        raise UsageError(f"there is no tool '{target}'{did_you_mean(target, TARGETS)}", hint=", ".join(TARGETS))
    if target and args.template:
        raise UsageError("--template is for our own site, not for --for", hint="leave one of them out")
    templates = _templates(args.template) if args.template else None
    store = masked_store(args)
    wish = Wish(FORMATS["html"], args.recording, variants=not args.without_variants)
    recordings = gathered(store, wish)
    near = beside(store, routing_now(args))
    whole = book(recordings, version=__version__, beside=near)
    if target:
        found = published(whole, target)
    else:
        found = site(recordings, version=__version__, beside=near, templates=templates)
    facts = [_facts(page, recordings, near) for page in whole.pages]
    found[staleness.FILE] = staleness.written(facts, target=target or "site", version=__version__)
    write_folder(args.output, found)
    print(f"{args.output / next(iter(found))}: the first of {counted(len(found), 'file')}", file=sys.stderr)
    return 0


def _facts(page: DocumentPage, recordings: Recordings, near: Beside) -> staleness.Facts:
    exchanges = next(exchanges for one, exchanges in recordings if one.id == page.recording.id)
    what_ifs = [one for one, _ in recordings if one.parent == page.recording.id]
    return staleness.facts_of(page, exchanges, what_ifs, near, datetime.now(UTC).isoformat())


def _check(args: argparse.Namespace) -> int:
    """Exit code 1 where a page is stale."""
    file = args.output / staleness.FILE
    if not file.is_file():
        raise NotFoundError(
            "there are no documents of gateway docs", where=str(args.output), hint="gateway docs REC -o"
        )
    then, _ = staleness.read(_text(file), str(file))
    store, stale = masked_store(args), 0
    near = beside(store, routing_now(args))
    for one in then:
        if args.recording and one.recording not in {store.recording(ref).id for ref in args.recording}:
            continue
        now = _now(store, one, near, args)
        why = list(staleness.reasons(one, now, _last_replay(store, one.recording) if now else None))
        if not why and staleness.otherwise(one, now):
            why = ["it would be written otherwise now"]
        stale += bool(why)
        print(f"{one.page}: {'; '.join(why) if why else 'up to date'}")
    return 1 if stale else 0


def _now(store: Store, then: staleness.Facts, near: Beside, args: argparse.Namespace) -> staleness.Facts | None:
    try:
        wish = Wish(FORMATS["html"], [then.recording], variants=not args.without_variants)
        recordings = gathered(store, wish)
    except NotFoundError:
        return None
    (page, *_) = book(recordings, version=__version__, beside=near).pages
    return replace(_facts(page, recordings, near), page=then.page)


def _last_replay(store: Store, recording: str) -> dict[int, int | None] | None:
    """The statuses of the newest replay, by step; None where it was never replayed."""
    found = store.recordings(f"kind:replay parent:{recording}", limit=1).items
    if not found:
        return None
    return {one.step: one.status for one in store.exchanges(found[0].id).items}


def _templates(path: Path) -> Templates:
    """A file that every document is written by, or a folder with document.* and perhaps index.*."""
    if not path.exists():
        raise NotFoundError("there is no such template", where=str(path))
    if path.is_file():
        return Templates({path.name: _text(path)}, (path.name,))
    texts = {file.name: _text(file) for file in sorted(path.iterdir()) if file.is_file()}
    documents = tuple(name for name in texts if name.startswith("document."))
    if not documents:
        raise UsageError("has no document.html or document.md", where=str(path), hint="docs/formats.md shows one")
    return Templates(texts, documents, next((name for name in texts if name.startswith("index.")), ""))


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST:
            raise UsageError(f"a template of more than {MOST} bytes", where=str(file))
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageError("is not UTF-8 text", where=str(file)) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(file)) from None
