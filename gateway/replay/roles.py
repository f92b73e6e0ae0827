"""Which recorded values are known by their role: those of an earlier answer, and those made anew each time. Pure."""

from __future__ import annotations

import re
from typing import Final

from .correlation import Correlations, Sink
from .fields import Place
from .tape import Roles

# Where a sink stands among a request's fields. Cookies are not compared; "url" and "text" lie within a longer value.
WHERE: Final = {
    "path": "path", "query": "query", "header": "header", "json": "body", "form": "body", "multipart": "body",
}  # fmt: skip
# A price or a date that came from an earlier answer is not its name for something: another one is another request.
NAMING: Final = frozenset((
    "code", "csrf", "cursor", "etag", "guid", "handle", "href", "id", "ids", "key", "link", "no", "nonce", "nr",
    "number", "page", "ref", "reference", "secret", "session", "sid", "slug", "state", "ticket", "token", "uri", "url",
    "uuid", "xsrf",
))  # fmt: skip
WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
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
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return bool(words & NAMING) or (len(value) >= CHANCE and mixed and len(value.split()) == 1)


def _add(found: dict[int, set[Place]], sink: Sink) -> None:
    where = WHERE.get(sink.part)
    if where is not None:
        name = _name(sink)
        found.setdefault(sink.step, set()).add((where, name.lower() if where == "header" else name))


def _name(sink: Sink) -> str:
    """A JSON pointer as it is; of "ids~2", the second occurrence of a name, the name."""
    return sink.path if sink.part == "json" else sink.path.partition("~")[0]
