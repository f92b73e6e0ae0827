"""Text with variables in it, as requests of a scenario have it; every format writes them its own way. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote_plus

# Names that mean something to shells, to logins, or in our own scripts.
_SHELL = frozenset({
    "ALL_PROXY", "CDPATH", "COLUMNS", "DIRSTACK", "DISPLAY", "EDITOR", "ENV", "EUID", "FAILED", "GROUPS", "HOME",
    "HOST", "HOSTNAME", "HOSTTYPE", "HTTPS_PROXY", "HTTP_PROXY", "IFS", "LANG", "LANGUAGE", "LINENO", "LINES",
    "LOGNAME", "MACHTYPE", "MAIL", "MAILPATH", "NAME", "NO_PROXY", "OLDPWD", "OPTARG", "OPTIND", "OPTIONS",
    "OSTYPE", "PAGER", "PATH", "PIPESTATUS", "PPID", "PS1", "PS2", "PS4", "PWD", "RANDOM", "REPLY", "SECONDS",
    "SHELL", "SHELLOPTS", "SHLVL", "STATUS", "STEP", "TEMP", "TERM", "TITLE", "TMP", "TMPDIR", "TZ", "UID", "USER",
    "USERNAME", "VERBOSE", "VISUAL", "WORK",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class VariableUse:
    """The place of a variable; `recorded` is what stood there. `given`: the client said it first, no secret."""

    name: str
    recorded: str
    given: bool = False


Text: TypeAlias = tuple[str | VariableUse, ...]


def split(text: str, variables: Mapping[str, VariableUse]) -> Text:
    """The text with every key of `variables` replaced by its use."""
    if not variables or not text:
        return (text,) if text else ()
    return tuple(_parts(text, _any_of(tuple(variables)), variables))


@lru_cache(maxsize=64)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Kept, because thousands of texts are looked through for the same variables."""
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))


def _parts(text: str, found: re.Pattern[str], variables: Mapping[str, VariableUse]) -> Iterator[str | VariableUse]:
    at = 0
    for match in found.finditer(text):
        if match.start() > at:
            yield text[at : match.start()]
        yield variables[match[0]]
        at = match.end()
    if at < len(text):
        yield text[at:]


def written(text: Text, variable: Callable[[str], str], literal: Callable[[str], str] = str) -> str:
    """One string: literals through `literal`, each variable as its name through `variable`."""
    return "".join(literal(part) if isinstance(part, str) else variable(part.name) for part in text)


def settled(text: Text) -> Text:
    """The text with what the client said first as it was recorded."""
    return tuple(part.recorded if isinstance(part, VariableUse) and part.given else part for part in text)


def cut(text: Text, separator: str) -> list[Text]:
    """The pieces of a text between separators that stand in its literals; variables are never cut."""
    pieces: list[list[str | VariableUse]] = [[]]
    for part in text:
        first, *rest = part.split(separator) if isinstance(part, str) else [part]
        if first:
            pieces[-1].append(first)
        pieces += [[piece] if piece else [] for piece in rest]
    return [tuple(piece) for piece in pieces]


def decoded(text: Text, decode: Callable[[str], str]) -> Text:
    """Without percent-encoding, which a runner applies again."""
    return tuple(
        decode(part) if isinstance(part, str) else replace(part, recorded=decode(part.recorded)) for part in text
    )


def joined(pieces: Sequence[Text], by: str) -> Text:
    """The pieces with a separator between them."""
    out: list[str | VariableUse] = []
    for index, piece in enumerate(pieces):
        out += [by, *piece] if index else piece
    return tuple(out)


def form_pairs(text: Text) -> Iterator[tuple[str, Text]]:
    """Names and values of a URL-encoded form or a query, decoded; a name without its "=" has an empty value."""
    for pair in filter(None, cut(text, "&")):
        name, *rest = cut(pair, "=")
        words = unquote_plus("".join(part if isinstance(part, str) else part.recorded for part in name))
        yield words, decoded(joined(rest, "="), unquote_plus)


def names(text: Text) -> Iterator[str]:
    """The variables that are used, in order, repeats included."""
    return (part.name for part in text if isinstance(part, VariableUse))


def identifier(text: str, fallback: str = "value", longest: int = 40) -> str:
    """A name that every format takes as a variable: letters, digits and _, in small letters."""
    humps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", humps.lower()).strip("_")[:longest].rstrip("_") or fallback
    return name if name[0].isalpha() else f"{fallback}_{name}"


def shell_name(variable: str) -> str:
    """Its name in the environment: in capitals, and none that shells, logins or proxies have filled already."""
    name = variable.upper()
    return f"{name}_VALUE" if name in _SHELL or name.startswith(("BASH", "LC_", "SSH_", "XDG_")) else name


def free(name: str, taken: set[str]) -> str:
    """The name, or with a number behind it where it is taken; it is taken from now on."""
    number, wanted = 1, name
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name
