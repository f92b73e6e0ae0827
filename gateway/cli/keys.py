"""`gateway keys`: lists the keys by short names, puts a new one before them, or takes the old ones away. I/O."""

from __future__ import annotations

import argparse
import json
import os
import sys
from functools import partial
from typing import Any

from ..errors import UsageError, did_you_mean
from ..keys import Keyring
from ..store import SqliteRecorder
from ..store.key_rotation import FIRST, Place, Renewed
from .client import find_server
from .recordings.sealing import audit, with_sealer

VERBS = {
    "rotate": "a new key for everything; what is sealed is brought under it, sessions begin new recordings",
    "renew": "what is sealed is brought under the newest key",
    "retire": "the same, and then the older keys go",
}


def keys_arguments(parser: argparse.ArgumentParser) -> None:
    told = "; ".join(f"{verb}: {does}" for verb, does in VERBS.items())
    parser.add_argument("verb", nargs="?", default="", metavar="rotate|renew|retire", help=told)


def keys(args: argparse.Namespace) -> int:
    """List the keys, or change them."""
    if args.verb and args.verb not in VERBS:
        raise UsageError(f"there is no 'keys {args.verb}'{did_you_mean(args.verb, VERBS)}", hint="gateway keys --help")
    if not args.verb:
        return _listed(Keyring(args.recordings.parent, os.environ).names(), as_json=args.json)
    server = find_server(args.recordings, args.url, args.token)
    done = server.call("POST", f"/_gateway/api/v1/keys/{args.verb}", {}) if server is not None else _changed(args)
    if args.json:
        print(json.dumps(done, indent=2))
        return 0
    print(f"newest key: {done['keys'][0]} ({len(done['keys'])} in all); {done['renewed']} secrets are under it")
    if done["lost"]:
        print(f"{done['lost']} secrets are opened by no key that is here: they stay as they are", file=sys.stderr)
    return 0


def _listed(names: list[str], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"items": [{"name": name, "newest": not at} for at, name in enumerate(names)], "next": None}))
    else:
        print("\n".join(f"{name}{'' if at else '  newest: locks'}" for at, name in enumerate(names)))
    return 0


def _changed(args: argparse.Namespace) -> dict[str, Any]:
    """Without a gateway: in the files."""
    ring = Keyring(args.recordings.parent, os.environ)
    if args.verb == "rotate":
        ring.rotate()
    done: dict[str, Any] = {"renewed": 0, "lost": 0, "retired": 0}
    if args.recordings.exists():
        done |= _renewed(args, ring)
    if args.verb == "retire":
        done["retired"] = ring.retire()
    done["keys"] = ring.names()
    if args.recordings.exists():
        audit(args.recordings, "keys", args.verb, f"newest {done['keys'][0]}, {done['renewed']} secrets renewed")
    return done


def _renewed(args: argparse.Namespace, ring: Keyring) -> dict[str, int]:
    place: Place | None = FIRST
    renewed = lost = 0
    while place is not None:
        some: Renewed = with_sealer(
            args.recordings, partial(SqliteRecorder.renew_secrets, renew=ring.renewed, after=place)
        )
        renewed, lost, place = renewed + some.renewed, lost + some.lost, some.next
    if args.verb == "rotate":
        with_sealer(args.recordings, lambda recorder: recorder.begin_anew())
    return {"renewed": renewed, "lost": lost}
