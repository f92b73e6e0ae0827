"""`gateway audit`: who moved, deleted or unmasked what. I/O."""

from __future__ import annotations

import argparse
import json
import sys

from ..model.audit import AuditEntry, audit_json
from ..store import open_store
from .recordings.text import cut, moment, table

HEAD = ("when (UTC)", "what", "by", "from")


def audit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="WORDS", help="words that stand in an entry, such as delete, orders or an address"
    )


def audit(args: argparse.Namespace) -> int:
    """List the audit, newest first."""
    page = open_store(args.recordings).audit(" ".join(args.words), limit=args.limit)
    if args.json:
        print(json.dumps({"items": [audit_json(entry) for entry in page.items], "next": page.next}, indent=2))
    elif page.items:
        print(table(HEAD, [_row(entry) for entry in page.items]))
        if page.next:
            print(f"... and more: --limit {args.limit * 10}", file=sys.stderr)
    else:
        nothing = "nothing matches" if args.words else "nothing was moved, deleted or unmasked yet"
        print(nothing, file=sys.stderr)
    return 0


def _row(entry: AuditEntry) -> tuple[str, ...]:
    who = entry.who
    what = " ".join(filter(None, (entry.action, entry.subject, entry.detail)))
    origin = " ".join(filter(None, (entry.source, who.address)))
    return (moment(entry.at), cut(what, 80), cut(" ".join(filter(None, (who.role, who.login))), 40), cut(origin, 60))
