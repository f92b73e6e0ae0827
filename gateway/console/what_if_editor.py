"""The what-if editor: a recorded request as fields, what was changed of it, and how it would go out. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode

from ..correlation import Correlations
from ..errors import GatewayError
from ..model.bodies import media_type, text_of
from ..model.headers import FRAMING, HOP_BY_HOP
from ..model.message import Request
from ..replay.branch import FORM, edited, read_set, read_unset, scalars
from ..replay.what_if_gallery import GalleryWhatIf

MOST = 200  # fields; the box of written changes reaches every place
# Written anew by the sender of the request; a cookie is changed by its name in the box.
SKIPPED = frozenset((*HOP_BY_HOP, *FRAMING, "accept-encoding", "cookie", "traceparent", "user-agent"))


@dataclass(frozen=True, slots=True)
class EditField:
    """One place of the request, as `gateway branch --set` names it, with what stands there."""

    place: str
    value: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """A value that the replay takes from a fresh response instead of sending what was recorded."""

    place: str
    variable: str
    source: str
    recorded: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What was asked for: lines of changes, and how the request would read with them."""

    lines: tuple[str, ...]
    rows: tuple[tuple[str, str, str], ...] = ()  # place, before, after
    head: str = ""
    body: str = ""
    problem: str = ""


# Kinds of the gallery as people call them, in the order of the page.
GROUPS: Final = {
    "Wrong data": ("unknown", "foreign", "missing", "type"), "Not allowed": ("credentials",), "Out of date": ("stale",),
    "Elsewhere": ("elsewhere",), "Server trouble": ("fault",), "Order": ("repeat", "order"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WhatIfChip:
    """A ready what-if: a link to its draft, or, where a draft cannot hold it, the value of a form that sends it."""

    title: str
    query: str = ""
    ready: str = ""


def chip_groups(found: Sequence[GalleryWhatIf], step: int) -> list[tuple[str, list[WhatIfChip]]]:
    """The gallery of a step in groups, without the empty ones."""
    groups = [(name, [_chip(one, step) for one in found if one.kind in kinds]) for name, kinds in GROUPS.items()]
    return [(name, chips) for name, chips in groups if chips]


def _chip(one: GalleryWhatIf, step: int) -> WhatIfChip:
    if not set(one.body) <= {"set", "unset", "env"}:
        return WhatIfChip(one.title, ready=json.dumps([step, dict(one.body)]))
    return WhatIfChip(one.title, query=urlencode(draft_query(one.body)))


def draft_query(body: Mapping[str, Any]) -> dict[str, str]:
    """What a branch call takes, as the query of this page."""
    lines = [*body.get("set", ()), *(f"-{place}" for place in body.get("unset", ()))]
    environment = next((one.partition("=")[2] for one in body.get("env", ())), "")
    query = {"preview": "yes"} | ({"more": "\n".join(lines)} if lines else {})
    return query | ({"env": environment} if environment else {})


def edit_fields(request: Request) -> tuple[EditField, ...]:
    """Path segments, query, JSON members, fields of a form, headers."""
    return tuple(EditField(place, value) for place, value in _places(request))[:MOST]


def changed_lines(fields: Sequence[EditField], form: Mapping[str, str]) -> tuple[str, ...]:
    """PLACE=VALUE for each field `e.N` that differs, -PLACE for each ticked `u.N`, then the lines of `more`."""
    lines = []
    for number, field in enumerate(fields):
        value = form.get(f"e.{number}", field.value).replace("\r\n", "\n")
        if f"u.{number}" in form:
            lines.append(f"-{field.place}")
        elif value != field.value:
            lines.append(_line(field, value))
    return (*lines, *(line.strip() for line in form.get("more", "").splitlines() if line.strip()))


def draft(request: Request, lines: Sequence[str]) -> Draft:
    """The request with these changes; the problem says which of them cannot be made."""
    try:
        edits = [read_unset(line[1:]) if line.startswith("-") else read_set(line) for line in lines]
        after = edited(request, edits)
    except GatewayError as error:
        return Draft(tuple(lines), problem=str(error))
    before, now = dict(_places(request)), dict(_places(after))
    places = dict.fromkeys((*before, *now))
    rows = [(name, before.get(name, ""), now.get(name, "")) for name in places if before.get(name) != now.get(name)]
    if after.method != request.method:
        rows.insert(0, ("method", request.method, after.method))
    head = "\n".join((f"{after.method} {after.target}", *(f"{name}: {value}" for name, value in after.headers)))
    return Draft(tuple(lines), tuple(rows), head, text_of(after) or "")


def fresh_values(found: Correlations, step: int, lines: Sequence[str]) -> tuple[Fresh, ...]:
    """The bindings into this step, but for places that the changes set themselves."""
    set_here = {_known(line.lstrip("-").partition("=")[0].rstrip(":")) for line in lines}
    return tuple(
        Fresh(place, one.variable, f"step {one.source.step}, {one.source.part} {one.source.path}".strip(), one.value)
        for one in found.in_force
        if one.sink.step == step and _known(place := f"{one.sink.part}:{one.sink.path}") not in set_here
    )


def _known(place: str) -> str:
    """Names of headers are one in any case (RFC 9110 section 5.1)."""
    return place.lower() if place.lower().startswith("header:") else place


def _line(field: EditField, value: str) -> str:
    """A change on one line: a text with line breaks is written as JSON."""
    if "\n" in value and field.place.startswith("json:"):
        return f"{field.place}:={json.dumps(value)}"
    return f"{field.place}={value.replace(chr(10), ' ')}"


def _places(request: Request) -> Iterator[tuple[str, str]]:
    path, _, query = request.target.partition("?")
    yield from ((f"path:{at}", unquote(word)) for at, word in enumerate(path.split("/")[1:], 1) if word)
    yield from _named("query", parse_qsl(query, keep_blank_values=True))
    text = text_of(request) or ""
    if media_type(request) == FORM:
        yield from _named("form", parse_qsl(text, keep_blank_values=True))
    else:
        yield from ((f"json:{pointer}", _shown(value)) for pointer, value in scalars(_json(text)))
    yield from _named("header", [(name, value) for name, value in request.headers if name.lower() not in SKIPPED])


def _named(part: str, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """By name, the first of each: it is the one that an edit changes."""
    first: dict[str, str] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    yield from ((f"{part}:{name}", value) for name, value in first.items() if name)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
