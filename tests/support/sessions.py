"""Recordings written as text, with the truth about them: the notation of tests/correlation/sessions.

== name | kind
POST /api/orders            a request line, then header lines, then a body
{"sku": "A-1"}
-> 201                      the answer: status, header lines, body
{"id": 501}
                            an empty line ends a step
GET /api/orders/501
@ 150 20                    optional: it began at 150 ms and took 20; without it, one step follows the other
-> 200

link 2:path:3 = 1:json:/id or 1:location:location#segment=-1      a true link, with all its right sources
maybe 2:query:page                                                a sink where yes and no are both right
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.model.exchange import Exchange, Timing
from gateway.model.message import Body, Request, Response

BEGIN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (\S+)")
FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]*: .+")


@dataclass
class Side:
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)


@dataclass
class Step:
    method: str
    target: str
    status: int = 200
    at: tuple[float, float] | None = None
    request: Side = field(default_factory=Side)
    response: Side = field(default_factory=Side)


@dataclass
class Labelled:
    """A session and its true links: sink -> every right source."""

    name: str
    kind: str
    exchanges: list[Exchange] = field(default_factory=list)
    links: dict[str, tuple[str, ...]] = field(default_factory=dict)
    maybe: set[str] = field(default_factory=set)


def sessions(text: str) -> Iterator[Labelled]:
    """Every session of a file."""
    for block in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        head, _, rest = block.partition("\n")
        name, _, kind = head.partition("|")
        found = Labelled(name.strip(), kind.strip())
        steps: list[Step] = []
        for part in re.split(r"\n\s*\n", rest):
            _read(part, found, steps)
        found.exchanges = chain(steps)
        yield found


def session(text: str) -> list[Exchange]:
    """The exchanges of one session without its head."""
    return next(sessions(f"== a session\n{text}")).exchanges


def _read(part: str, found: Labelled, steps: list[Step]) -> None:
    lines = [line for line in part.splitlines() if line.strip()]
    if lines and (match := REQUEST.fullmatch(lines[0])):
        steps.append(_step(Step(match[1], match[2]), lines[1:]))
        return
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "link":
            sink, _, sources = rest.partition(" = ")
            found.links[sink.strip()] = tuple(one.strip() for one in sources.split(" or "))
        elif word == "maybe":
            found.maybe.add(rest.strip())
        elif word != "#":
            raise ValueError(f"{found.name}: not understood: {line}")


def _step(step: Step, lines: Sequence[str]) -> Step:
    side = step.request
    for line in lines:
        if line.startswith("-> "):
            step.status, side = int(line.split()[1]), step.response
        elif line.startswith("@ "):
            start, took = line.split()[1:]
            step.at = (float(start), float(took))
        elif not side.body and FIELD.fullmatch(line):
            name, _, value = line.partition(": ")
            side.headers.append((name, value))
        else:
            side.body.append("" if line == "|" else line)
    return step


def chain(steps: Sequence[Step]) -> list[Exchange]:
    """Exchanges one after the other, 100 ms apart, or where they say."""
    return [_exchange(number, step) for number, step in enumerate(steps, 1)]


def _exchange(number: int, step: Step) -> Exchange:
    start, took = step.at or (number * 100.0, 20.0)
    request = Request(**_message(step.request, sent=True), method=step.method, target=step.target)
    response = Response(**_message(step.response, sent=False), status=step.status)
    moment = (BEGIN + timedelta(milliseconds=start)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return Exchange(
        id=f"E{number}", recording="R", step=number, session="s", started_at=moment,
        url="http://127.0.0.1:8080" + step.target, request=request, response=response, status=step.status,
        timing=Timing(total_ms=took),
    )  # fmt: skip


def _message(side: Side, *, sent: bool) -> dict[str, object]:
    headers = list(side.headers)
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    text = ("\r\n" if kind.startswith("multipart") else "\n").join(side.body)
    if text and not kind:
        form = sent and re.fullmatch(r"[^\s{}\[\]\"<>]+=\S*", text)
        kind = (
            "text/html" if text.startswith("<") else "application/x-www-form-urlencoded" if form else "application/json"
        )
        headers.append(("Content-Type", kind))
    data = text.encode()
    return {"headers": tuple(headers), "body": Body(len(data), data)}
