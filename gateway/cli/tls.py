"""`gateway tls`: the local authority of `serve --tls auto`, its certificate, and how to trust it. I/O."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import NotFoundError
from .recordings.text import table

if TYPE_CHECKING:
    from ..https import Authority

ACTIONS: Final = ("status", "renew", "trust")


def tls_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=ACTIONS, nargs="?", default="status",
        help="status: whom it speaks for, and until when; renew: another certificate; trust: what to do on each system",
    )  # fmt: skip


def tls(args: argparse.Namespace) -> int:
    """Everything lies in files beside the recordings; a running gateway takes a renewed certificate within a second."""
    from ..https import FOLDER, Authority, local_names, names_of

    authority = Authority(args.recordings.parent / FOLDER)
    if not authority.exists:
        hint = "gateway serve --tls auto makes one"
        raise NotFoundError("there is no local authority here", where=str(authority.folder), hint=hint)
    if args.action == "renew":
        leaf = authority.leaf
        before = names_of(leaf) if leaf is not None else None
        names = local_names([*before.dns, *map(str, before.addresses)] if before else [])
        if args.authority:
            authority.make(names)
        authority.renew(names)
    if args.action == "trust":
        _print_steps(authority)
    elif args.json:
        print(json.dumps(_state(authority), indent=2))
    else:
        print(
            table(
                ("what", "is"), [(name.replace("_", " "), _words(value)) for name, value in _state(authority).items()]
            )
        )
        if args.action == "renew" and args.authority:
            print("the authority is another one: trust it anew, gateway tls trust", file=sys.stderr)
    return 0


def _state(authority: Authority) -> dict[str, Any]:
    from ..https import names_of

    certificate, leaf = authority.certificate, authority.leaf
    names = names_of(leaf) if leaf is not None else None
    return {
        "authority": str(authority.file.absolute()),
        "fingerprint": authority.fingerprint,
        "authority_until": certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
        "names": [*names.dns, *map(str, names.addresses)] if names else [],
        "until": leaf.not_valid_after_utc.isoformat().replace("+00:00", "Z") if leaf is not None else None,
    }


def _print_steps(authority: Authority) -> None:
    from ..https import steps_for

    print(f"SHA-256 fingerprint {authority.fingerprint}\n")
    for one in steps_for(str(Path(authority.file).absolute()), "the gateway's page /_gateway/tls"):
        print(f"{one.system}")
        for number, step in enumerate(one.steps, 1):
            print(f"  {number}. {step}" if len(one.steps) > 1 else f"  {step}")
        if one.command:
            print(f"    {one.command}")
        print()
    print("Nothing was changed: each of these is for you to run.")


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
