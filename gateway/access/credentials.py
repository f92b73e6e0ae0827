"""Who may sign in: names, roles and hashes in a file of its own beside the recordings. I/O."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from ..errors import ConfigError, Problem, UsageError, did_you_mean
from .hashing import is_hash

FILE: Final = "gateway.access"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
HEAD: Final = "# Written by gateway access: name, role, hash. A token is shown once, when it is made.\n"
SignInRole = Literal["operator", "viewer"]
ROLES: Final[tuple[SignInRole, ...]] = get_args(SignInRole)


@dataclass(frozen=True, slots=True)
class Credential:
    """`kept` is the hash of a token or a password."""

    name: str
    role: SignInRole
    kept: str


def checked_name(name: str) -> str:
    """The name; UsageError when nobody could sign in under it."""
    if not NAME.fullmatch(name):
        hint = "1 to 40 letters, digits, dots, hyphens and underscores"
        raise UsageError(f"{name!r} is no name of somebody who signs in", hint=hint)
    return name


def read_credentials(file: Path) -> tuple[Credential, ...]:
    """None when there is no file; ConfigError lists every line that is wrong."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(file), 1, 1, "", f"cannot be read: {error}")]) from None
    found: list[Credential] = []
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if why := _wrong(words, {one.name for one in found}):
            problems.append(Problem(str(file), number, 1, "", why))
        else:
            found.append(Credential(words[0], "viewer" if words[1] == "viewer" else "operator", words[2]))
    if problems:
        raise ConfigError(problems, hint="mend the line, or make it anew: gateway access add NAME")
    return tuple(found)


def write_credentials(file: Path, credentials: Sequence[Credential]) -> None:
    """The whole file anew, for its owner only; a gateway that runs sees either the old or the new one."""
    text = HEAD + "".join(f"{one.name} {one.role} {one.kept}\n" for one in credentials)
    write_private(file, text)


def identity_of(file: Path) -> tuple[int, ...] | None:
    """What tells a file from the one that it was: another program may replace it at any time."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def write_private(file: Path, text: str) -> None:
    """Replace a file by one that nobody else can read, not even for a moment."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    beside.replace(file)


def _wrong(words: list[str], taken: set[str]) -> str:
    if len(words) != 3:
        return "not: name role hash"
    name, role, kept = words
    if not NAME.fullmatch(name):
        return f"{name!r} is no name"
    if name in taken:
        return f"{name} is there twice"
    if role not in ROLES:
        return f"{role!r} is not one of {', '.join(ROLES)}{did_you_mean(role, ROLES)}"
    return "" if is_hash(kept) else "the third word is no hash"
