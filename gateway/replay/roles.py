"""Which recorded values are known by their role: those of an earlier answer, and those made anew each time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .correlation import Correlations, Sink
from .fields import Place
from .tape import Roles

# Where a sink stands among a request's fields. Cookies are not compared; "url" and "text" lie within a longer value.
WHERE: Final = {
    "path": "path", "query": "query", "header": "header", "json": "body", "form": "body", "multipart": "body",
}  # fmt: skip


def roles_of(correlations: Correlations) -> Roles:
    """By step, the places whose literal value says nothing: what is bound, and what a generator would make anew."""
    fresh = [sink for one in correlations.inputs if one.generator for sink in (one.sink, *one.sinks)]
    found: dict[int, set[Place]] = {}
    for sink in (*(binding.sink for binding in correlations.in_force), *fresh):
        found.setdefault(sink.step, set()).update(_places(sink))
    return {step: frozenset(places) for step, places in found.items() if places}


def _places(sink: Sink) -> Iterable[Place]:
    where = WHERE.get(sink.part)
    if where is None:
        return ()
    name = sink.path if sink.part == "json" else sink.path.partition("~")[0]  # "ids~2": its second occurrence
    return ((where, name.lower() if where == "header" else name),)
