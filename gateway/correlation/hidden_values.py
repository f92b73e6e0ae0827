"""Values of a request where no binding reaches: names of members and fields, documents in texts, parts of tokens. Pure.

A replay cannot put this run's value there. It looks whether a response had shown the recorded one, and a write that
would carry it although it moved is not sent.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from ..model.bodies import format_of, text_of
from ..model.message import Request
from .information import JWT
from .json_values import Path, parse, pointer
from .lexicon import OWN_FIELDS
from .model import Sink, SinkPart
from .names import one_of, role_of
from .request_values import Need
from .response_values import claims
from .urls import is_url, pieces, query_pieces

LONGEST: Final = 1 << 16  # characters that are looked through
MOST: Final = 4000  # runs of words of one request
PARTS: Final = 8  # words of one run that are tried together
BRACKETS: Final = re.compile(r"\[([^\[\]]{1,200})\]")
ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{2,4000}={0,2}")
EQUAL: Final = re.compile(r"(?i)(?<![A-Za-z0-9])([a-z_]{0,30}id)[ ]{0,3}=[ ]{0,3}['\"]?([\w-]{1,64})")
RUN: Final = re.compile(r"[\w.:=~-]{3,200}")
WORD: Final = re.compile(r"[^\W_]+")
PADDED: Final = re.compile(r"0+([1-9][0-9]{0,11})")
MIXED: Final = re.compile(r"[A-Za-z]")


def hidden_needs(request: Request, step: int) -> Iterator[Need]:
    """Every such value that has a name, or whose place says that it is an id."""
    path, _, query = request.target.partition("?")
    for piece in pieces(path):
        if padded := PADDED.fullmatch(piece.value):
            yield _need(step, "path", piece.key, padded[1], piece.name)
    yield from _names(query, "query", step)
    yield from _headers(request, step)
    text = (text_of(request) or "")[:LONGEST]
    form = format_of(request, text) if text else ""
    if form == "form":
        yield from _names(text, "form", step)
    elif form == "json":
        try:
            yield from _json(parse(text), step)
        except ValueError:
            return
    for match in islice(EQUAL.finditer(text), MOST):
        yield _need(step, "text", "", match[2], match[1])


def hidden_runs(request: Request) -> Iterator[str]:
    """Runs of words in its target, headers and body, the longest first: a code, a slug, a UUID behind a prefix."""
    texts = [unquote(request.target)]
    texts += [value for name, value in request.headers if name.lower() not in OWN_FIELDS]
    texts.append((text_of(request) or "")[:LONGEST])
    for match in islice((match for text in texts for match in RUN.finditer(text)), MOST):
        run = match[0]
        found = [word.span() for word in islice(WORD.finditer(run), PARTS)]
        for length in range(len(found), 0, -1):
            for first in range(len(found) - length + 1):
                value = run[found[first][0] : found[first + length - 1][1]]
                if len(value) > 2 and MIXED.search(value):
                    yield value


def _need(step: int, part: SinkPart, path: str, value: str, name: str) -> Need:
    return Need(Sink(step, part, path, name), value, role_of(name))


def _names(query: str, part: SinkPart, step: int) -> Iterator[Need]:
    """ "pick[3]=on" names a thing in its name."""
    for piece in query_pieces(query):
        name = unquote_plus(piece.name)
        for match in BRACKETS.finditer(name):
            yield _need(step, part, piece.key, match[1], f"{one_of(name.partition('[')[0])}_id")


def _headers(request: Request, step: int) -> Iterator[Need]:
    for field, value in request.headers:
        name = field.lower()
        if name in OWN_FIELDS:
            continue
        if token := JWT.search(value):
            yield from _document(claims(token[0]), Sink(step, "header", name), "")
        elif is_url(value):
            yield from (_need(step, "header", name, one.value, one.name) for one in pieces(value) if not one.literal)
        for pair in re.split(r"[;,] ?", value) if "=" in value else ():
            key, _, inner = pair.partition("=")
            yield _need(step, "header", name, inner.strip('" '), key.strip())


def _json(document: Any, step: int, path: Path = (), name: str = "") -> Iterator[Need]:
    """The names of members, and what is in texts that are documents themselves."""
    if isinstance(document, dict):
        for key, inner in document.items():
            if not key.isidentifier():
                yield _need(step, "json", pointer((*path, key)), key, f"{one_of(name)}_id")
            yield from _json(inner, step, (*path, key), key)
    elif isinstance(document, list):
        for number, inner in enumerate(document):
            yield from _json(inner, step, (*path, number), one_of(name))
    elif type(document) is str and document:
        sink = Sink(step, "json", pointer(path), name)
        yield from _text(document, sink, name)


def _text(text: str, sink: Sink, name: str) -> Iterator[Need]:
    inner = _decoded(text)
    for one in (text, inner):
        if one.lstrip()[:1] in ("{", "["):
            try:
                yield from _document(parse(one), sink, name)
            except ValueError:
                continue
    if inner.isalnum():
        yield Need(sink, inner, role_of(name))


def _decoded(text: str) -> str:
    """What base64 says, where it says printable text; else nothing."""
    if not ENCODED.fullmatch(text) or len(text.rstrip("=")) % 4 == 1:
        return ""
    try:
        bare = text.rstrip("=").replace("+", "-").replace("/", "_")
        found = urlsafe_b64decode(bare + "=" * (-len(bare) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        return ""
    return found if found.isprintable() else ""


def _document(document: Any, sink: Sink, name: str) -> Iterator[Need]:
    """The scalars of a document inside of a value, by their names."""
    if isinstance(document, dict):
        for key, inner in document.items():
            yield from _document(inner, sink, key)
    elif isinstance(document, list):
        for inner in document:
            yield from _document(inner, sink, one_of(name))
    elif isinstance(document, str | int) and not isinstance(document, bool) and document != "":
        text = document if isinstance(document, str) else json.dumps(document)
        yield Need(Sink(sink.step, sink.part, sink.path, name), text, role_of(name))
