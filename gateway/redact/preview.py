"""What sealing changed in a capture: where, and by which rule, for a dry run. Pure. The secrets never appear."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from ..model.capture import Capture, RawPairs
from .bodies import BOUNDARY, HEAD_END, name_of, read_rules
from .headers import content_of
from .json_text import Path
from .names import COOKIE, PLAIN, SET_COOKIE, SecretNames
from .placeholders import PLACEHOLDER, spelled
from .sealer import HEADS, SealingRules

NAME_BEFORE = re.compile(rb"([\w.\-]{2,100})\W{1,12}\Z")  # asked about the 120 bytes before a placeholder
SEALED_PEM = re.compile(rb"PRIVATE(?:[ +]|%20)KEY[^\"'<>]*sealed_")  # asked about the 400 bytes around one


DEFAULTS: Final = SecretNames()
QUERY_PAIR: Final = re.compile(rb"(?<![^?&#;=\s])([^?&#;=\s]++)=([^&#;\s]*)")


@dataclass(frozen=True, slots=True)
class RedactionFinding:
    """One place that is masked. `where` is "request.header Authorization", "response.body /user/iban"."""

    where: str
    rule: str
    placeholder: str


def findings(before: Capture, after: Capture, rules: object) -> list[RedactionFinding]:
    """Every place whose secret was sealed, in the order in which a reader meets them."""
    of = getattr(rules, "of", None)
    look = _Look(rules if of is None else of(before.cluster))
    found = list(look.query(before.target, after.target, where="request"))
    for side in HEADS:
        found += look.fields(getattr(before, side), getattr(after, side), side)
    for side in ("request", "response"):
        old, new = (b"".join(getattr(one, f"{side}_body")) for one in (before, after))
        found += look.body(old, new, side, content_of(getattr(before, f"{side}_headers"))[0])
    if before.failure and after.failure:
        found += look.text(before.failure[1].encode(), after.failure[1].encode(), "failure")
    told = {one.placeholder for one in found}
    upstream = look.text(before.upstream_url.encode(), after.upstream_url.encode(), "upstream URL")
    return found + [one for one in upstream if one.placeholder not in told]  # the client's URL says it already


class _Look:
    """The rules, ready to be asked which of them sealed something."""

    def __init__(self, rules: object) -> None:
        self._headers: frozenset[str] = frozenset()
        self._query: tuple[tuple[str, SecretNames], ...] = ()
        self._json: tuple[tuple[str, Any], ...] = ()
        if rules is not None:
            given = cast(SealingRules, rules)
            self._headers = frozenset(name.lower() for name in given.headers)
            self._query = tuple((name, SecretNames((), (name,))) for name in sorted(given.query))
            self._json = tuple((path, read_rules((), (path,), ())) for path in sorted(given.json))

    def fields(self, before: RawPairs, after: RawPairs, side: str) -> Iterator[RedactionFinding]:
        for (name, old), (_, new) in zip(before, after, strict=True):
            if old == new:
                continue
            text = name.decode("latin-1")
            where = f"{side.partition('_')[0]}.header {text}"
            kind = DEFAULTS.header(name)
            if kind in (COOKIE, SET_COOKIE):
                yield from self._cookies(old, new, where)
            elif kind != PLAIN or text.lower() in self._headers:
                rule = f"redact.headers: {text}" if kind == PLAIN else "default: a field of this name"
                yield from (RedactionFinding(where, rule, one) for one in fresh(old, new))
            elif (key := self._key_rule(name)) is not None:
                yield from (RedactionFinding(where, key, one) for one in fresh(old, new))
            else:
                yield from self.text(old, new, where)

    def _cookies(self, old: bytes, new: bytes, where: str) -> Iterator[RedactionFinding]:
        for before, after in zip(old.split(b";"), new.split(b";"), strict=False):
            name = before.partition(b"=")[0].strip().decode("latin-1")
            yield from (RedactionFinding(f"{where} {name}", "default: a cookie", one) for one in fresh(before, after))

    def query(self, old: bytes, new: bytes, *, where: str) -> Iterator[RedactionFinding]:
        """Pairs of a query or a form, then whatever else of it was sealed."""
        told = set()
        for match in QUERY_PAIR.finditer(new):
            for one in fresh(old, match[2]):
                rule = self._key_rule(match[1])
                if rule is not None:
                    told.add(one)
                    yield RedactionFinding(f"{where}.query {match[1].decode('latin-1')}", rule, one)
        yield from (one for one in self.text(old, new, f"{where}.url") if one.placeholder not in told)

    def body(self, old: bytes, new: bytes, side: str, content_type: bytes) -> Iterator[RedactionFinding]:
        if old == new:
            return
        where = f"{side}.body"
        kind = content_type.partition(b";")[0].strip().lower()
        if kind.startswith(b"multipart/"):
            yield from self._parts(old, new, where, content_type)
        elif kind == b"application/x-www-form-urlencoded":
            yield from self.query(old, new, where=where)
        else:
            yield from self._json_or_text(old, new, where)

    def _json_or_text(self, old: bytes, new: bytes, where: str) -> Iterator[RedactionFinding]:
        try:
            strings = list(scalars(json.loads(new)))
        except (ValueError, RecursionError):
            yield from self.text(old, new, where)
            return
        places = self._places(old)
        for path, text in strings:
            for one in fresh(old, text.encode("utf-8", "replace")):
                pointer = "".join(f"/{part}" for part in path)
                yield RedactionFinding(
                    f"{where} {pointer}", self._json_rule(path, places) or _by_shape(text.encode()), one
                )

    def _places(self, body: bytes) -> list[tuple[str, set[Path]]]:
        """What each JSONPath finds in a body; nothing in one that was compressed, whose keys tell all the same."""
        try:
            document = json.loads(body, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return []
        return [(rule, ready[1].find(document)) for rule, ready in self._json if ready[1] is not None]

    def _json_rule(self, path: Path, places: list[tuple[str, set[Path]]]) -> str | None:
        for part in reversed([part for part in path if isinstance(part, str)]):  # all below a secret key is sealed
            if (rule := self._key_rule(part.encode("utf-8", "replace"))) is not None:
                return rule
        above = {path[:length] for length in range(len(path) + 1)}
        return next((f"redact.json: {rule}" for rule, wanted in places if wanted & above), None)

    def _parts(self, old: bytes, new: bytes, where: str, content_type: bytes) -> Iterator[RedactionFinding]:
        mark = BOUNDARY.search(content_type)
        if mark is None:
            yield from self.text(old, new, where)
            return
        line = b"--" + (mark[1] or mark[2])
        for before, after in zip(old.split(line), new.split(line), strict=False):
            end = HEAD_END.search(before)
            key = name_of(before[: end.end()] if end else before)
            content = before[end.end() :] if end else before
            for one in fresh(content, after):
                yield RedactionFinding(
                    f"{where} {key.decode('utf-8', 'replace')}", self._key_rule(key) or _by_shape(after), one
                )

    def text(self, old: bytes, new: bytes, where: str) -> Iterator[RedactionFinding]:
        for one in fresh(old, new):
            at = new.find(one.encode())
            name = NAME_BEFORE.search(new[max(0, at - 120) : at])
            rule = self._key_rule(name[1]) if name else None
            yield RedactionFinding(where, rule or _by_shape(new[max(0, at - 300) : at + 60]), one)

    def _key_rule(self, key: bytes) -> str | None:
        if DEFAULTS.is_secret(key):
            return "default: a key of this name"
        named = [f"redact.query: {rule}" for rule, names in self._query if names.is_secret(key)]
        named += [f"redact.json: {rule}" for rule, ready in self._json if ready[0].is_secret(key)]
        return named[0] if named else None


def fresh(old: bytes, new: bytes) -> list[str]:
    """Placeholders that were not there before, each once."""
    found = dict.fromkeys(spelled(one) for one in PLACEHOLDER.findall(new))
    there = {spelled(one) for one in PLACEHOLDER.findall(old)} if found else set()
    return [one.decode() for one in found if one not in there]


def scalars(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every string of a JSON value with its place."""
    members: Sequence[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        members = tuple(value.items())
    elif isinstance(value, list):
        members = tuple(enumerate(value))
    elif isinstance(value, str):
        yield path, value
    for name, below in members:
        yield from scalars(below, (*path, name))


def _by_shape(text: bytes) -> str:
    """Why something was sealed whose name says nothing: told by what is within 300 bytes before the placeholder."""
    at = max(0, text.find(b"sealed_"))
    text = text[max(0, at - 300) : at + 100]
    if re.search(rb"eyJ[\w-]+\.[\w-]*\.sealed_", text):
        return "default: the signature of a token"
    if SEALED_PEM.search(text):
        return "default: a private key"
    if re.search(rb"(?:[Bb]earer|[Bb]asic)(?:[ \t]|%20|\+)sealed_", text):
        return "default: a bearer of credentials"
    if re.search(rb"(?:://|%2[Ff])[^\s/?#]*sealed_[^\s/?#@%]*(?:@|%40)", text):
        return "default: user info of a URL"
    return "the same secret stands elsewhere in the exchange"
