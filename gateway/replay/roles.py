"""Which recorded values are known by their role: those of an earlier answer, and those made anew each time. Pure."""

from __future__ import annotations

import re
from typing import Final

from .correlation import Correlations, Sink
from .correlation.lexicon import OWN
from .fields import Place
from .tape import Roles

# Where a sink stands among a request's fields. Cookies are not compared; of texts, XML has places.
WHERE: Final = {
    "path": "path", "query": "query", "header": "header", "json": "body", "form": "body", "multipart": "body",
    "text": "body",
}  # fmt: skip
# A price or a date that came from an earlier answer is not its name for something: another one is another request.
NAMING: Final = frozenset((
    "code", "csrf", "cursor", "etag", "guid", "handle", "href", "id", "ids", "key", "link", "no", "nonce", "nr",
    "number", "page", "ref", "reference", "secret", "session", "sid", "slug", "state", "ticket", "token", "uri", "url",
    "uuid", "xsrf",
))  # fmt: skip
WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
COUNTED: Final = 6  # digits from which a page or an offset is rather a cursor
CHANCE: Final = 12  # letters and digits mixed: as long as this, a value was made by a machine


def roles_of(correlations: Correlations) -> Roles:
    """By step, the places whose literal value says nothing: what is bound, and what a generator would make anew."""
    found: dict[int, set[Place]] = {}
    for binding in correlations.in_force:
        if names_something(binding.sink, binding.value):
            _add(found, binding.sink)
    for one in correlations.inputs:
        for sink in (one.sink, *one.sinks) if one.generator else ():
            _add(found, sink)
    return {step: frozenset(places) for step, places in found.items()}


def names_something(sink: Sink, value: str) -> bool:
    """Whether a value is an id, a token or the like, by where it stands, by its name, or by its looks."""
    if sink.part in ("path", "header"):
        return True
    names = [part for part in _name(sink).split("/") if part and not part.isdigit()]
    words = {word.lower() for word in WORD.findall(names[-1])} if names else set()
    if value.isdigit() and len(value) < COUNTED and words & OWN:
        return False  # page=2 of a link that was followed: another page is another request
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return bool(words & NAMING) or (len(value) >= CHANCE and mixed and len(value.split()) == 1)


def _add(found: dict[int, set[Place]], sink: Sink) -> None:
    where = WHERE.get(sink.part)
    whole = sink.span is None or sink.part not in ("multipart", "text") or (sink.part == "text" and bool(sink.path))
    if where is not None and whole:
        name = _name(sink)
        found.setdefault(sink.step, set()).add((where, name.lower() if where == "header" else name))


def _name(sink: Sink) -> str:
    """A JSON pointer and a place in XML as they are; of "ids~2", the second occurrence of a name, the name."""
    return sink.path if sink.part in ("json", "text") else sink.path.partition("~")[0]
