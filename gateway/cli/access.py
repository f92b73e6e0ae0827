"""`gateway access`: who may use the console of a gateway that others can reach. I/O."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ..access import FILE, Credential, hash_password, hash_token, new_token, read_credentials, write_credentials
from ..access.credentials import checked_name
from ..errors import NotFoundError, UsageError, did_you_mean
from ..model.text import visible
from .client import RunningGateway, find_server
from .recordings.text import cut, table

API: Final = "/_gateway/api/v1/access"


def access_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", default="list", metavar="WHAT",
        help="list, add NAME, remove NAME (the file beside the recordings); link, sessions, revoke HANDLE (the gateway "
        "that runs); hash (of a password, for --password)",
    )  # fmt: skip
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="of a token or password, or a handle")


def access(args: argparse.Namespace) -> int:
    """List, add and remove tokens; make links; list and end sign-ins."""
    if args.what not in VERBS:
        known = f"{', '.join(VERBS)}{did_you_mean(args.what, VERBS)}"
        raise UsageError(f"'{args.what}' is not one of {known}")
    if bool(args.name) != (args.what in NAMED):
        raise UsageError(f"{args.what} takes {'a name' if args.what in NAMED else 'no name'}", hint="gateway access -h")
    return VERBS[args.what](args)


def list_(args: argparse.Namespace) -> int:
    """Names and roles; what they sign in with is nowhere in clear."""
    found = read_credentials(_file(args))
    if args.json:
        items = [{"name": one.name, "role": one.role} for one in found]
        print(json.dumps({"items": items, "next": None}, indent=2))
    elif found:
        print(table(("name", "role"), [(one.name, one.role) for one in found]))
    else:
        print("nobody has a token or password: gateway access add NAME", file=sys.stderr)
    return 0


def add(args: argparse.Namespace) -> int:
    """A new token, shown once; with --ask, a password that somebody types."""
    file, name = _file(args), checked_name(args.name)
    before = read_credentials(file)
    if any(one.name == name for one in before):
        raise UsageError(f"{name} is there already", where=str(file), hint=f"gateway access remove {name}")
    role = "viewer" if args.role == "viewer" else "operator"
    token = "" if args.ask else new_token()
    kept = hash_token(token) if token else hash_password(asked_password())
    write_credentials(file, (*before, Credential(name, role, kept)))  # type: ignore[arg-type]
    if args.json:
        print(json.dumps({"name": name, "role": role, "token": token or None}, indent=2))
    else:
        print(token or f"{name}: {role}")
        if token:
            print(f"{name}, {role}: this token is shown only now; export GATEWAY_TOKEN=...", file=sys.stderr)
    return 0


def remove(args: argparse.Namespace) -> int:
    """It counts no longer from now on, and everybody who signed in with it is signed out."""
    file = _file(args)
    before = read_credentials(file)
    left = [one for one in before if one.name != args.name]
    if len(left) == len(before):
        names = [one.name for one in before]
        raise NotFoundError(f"nobody is called {args.name!r}{did_you_mean(args.name, names)}", hint="gateway access")
    write_credentials(file, left)
    print(f"{visible(args.name)}: removed")
    return 0


def hash_(args: argparse.Namespace) -> int:
    """What may stand in a file or variable instead of the password itself."""
    print(hash_password(asked_password()))
    return 0


def link(args: argparse.Namespace) -> int:
    made = _server(args).call("POST", f"{API}/links", {"role": args.role or "viewer"})
    print(json.dumps(made, indent=2) if args.json else made["url"])
    return 0


def sessions(args: argparse.Namespace) -> int:
    """Who is signed in, newest first."""
    found = _server(args).call("GET", f"{API}/sessions")
    if args.json:
        print(json.dumps(found, indent=2))
    elif found["items"]:
        print(table(("handle", "name", "role", "since (UTC)", "from"), [_row(one) for one in found["items"]]))
    else:
        print("nobody is signed in", file=sys.stderr)
    return 0


def revoke(args: argparse.Namespace) -> int:
    gone = _server(args).call("DELETE", f"{API}/sessions/{quote(args.name, safe='')}")
    print(f"{visible(gone['revoked'])}: signed out")
    return 0


VERBS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "list": list_, "add": add, "remove": remove, "link": link, "sessions": sessions, "revoke": revoke, "hash": hash_,
}  # fmt: skip
NAMED: Final = ("add", "remove", "revoke")


def asked_password() -> str:
    """Typed twice on a terminal, else the first line of what is piped in."""
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("Again: "):
            raise UsageError("the two are not the same")
    if len(password) < 8:
        raise UsageError("a password of less than 8 characters is soon guessed")
    return password


def _file(args: argparse.Namespace) -> Path:
    recordings: Path = args.recordings
    return recordings.parent / FILE


def _server(args: argparse.Namespace) -> RunningGateway:
    server = find_server(args.recordings, args.url, args.token)
    if server is None:
        raise UsageError("no gateway runs with these recordings", hint="--recordings FILE, or --url URL and --token")
    return server


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    since = f"{datetime.fromtimestamp(one['since'], UTC):%Y-%m-%d %H:%M:%S}"
    return (one["handle"], one["name"], one["role"], since, cut(f"{one['address']} {one['agent']}", 60))
