"""Recordings written as compact lists: one step is (request, answer), times count up by themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.model.exchange import Exchange, Timing
from gateway.model.message import Body, Request, Response

BEGIN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LINE = re.compile(r"([A-Z]+) (\S+)")


@dataclass(frozen=True)
class Labelled:
    """A session and the truth about it: every link as "3:path:4 = 2:json:/id", several sources parted by " or "."""

    name: str
    kind: str
    exchanges: list[Exchange]
    links: Mapping[str, tuple[str, ...]]
    open: frozenset[str] = frozenset()  # sinks where both yes and no are right


def labelled(text: str, name: str) -> Labelled:
    """Reads the notation of tests/replay/sessions: see its README."""
    kind, steps, links, loose = "", [], {}, set()
    for block in re.split(r"^---\n", text, flags=re.MULTILINE):
        step: dict[str, Any] = {}
        for line in block.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            mark, _, rest = line.partition(" ")
            rest = rest.strip()
            if mark == "kind":
                kind = rest
            elif mark == "link":
                sink, _, sources = rest.partition(" = ")
                links[sink.strip()] = tuple(one.strip() for one in sources.split(" or "))
            elif mark == "maybe":
                loose.add(rest)
            else:
                _step_line(step, mark, rest)
        if step:
            steps.append(step)
    return Labelled(name, kind, chain(steps), links, frozenset(loose))


def _step_line(step: dict[str, Any], mark: str, rest: str) -> None:
    """`> GET /x`, `>h Name: value`, `>b body`, `< 200`, `<h Name: value`, `<b body`, `@ start_ms took_ms`."""
    side = {">": "request", "<": "response"}.get(mark[:1])
    if mark == "@":
        step["at"] = tuple(float(number) for number in rest.split())
    elif side is None:
        raise ValueError(f"not understood: {mark} {rest}")
    elif mark[1:] == "":
        step[side] = rest
    elif mark[1:] == "h":
        header, _, value = rest.partition(": ")
        step.setdefault(f"{side}_headers", []).append((header, value))
    else:
        before = step.get(f"{side}_body", "")
        step[f"{side}_body"] = f"{before}\n{rest}" if before else rest


def chain(steps: Sequence[Mapping[str, Any]]) -> list[Exchange]:
    """Exchanges one after the other, 100 ms apart, or where `at` puts them: (start, took) in ms."""
    return [an_exchange(number, step) for number, step in enumerate(steps, 1)]


def an_exchange(number: int, step: Mapping[str, Any]) -> Exchange:
    start, took = step.get("at", (number * 100.0, 20.0))
    match = LINE.fullmatch(step["request"])
    assert match, step["request"]
    request = Request(headers=_headers(step, "request"), body=_body(step, "request"), method=match[1], target=match[2])
    status = int(step.get("response", "200").split()[0])
    response = Response(headers=_headers(step, "response"), body=_body(step, "response"), status=status)
    moment = (BEGIN + timedelta(milliseconds=start)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return Exchange(
        id=f"E{number}", recording="R", step=number, session="s", started_at=moment,
        url="http://127.0.0.1:8080" + match[2], request=request, response=response, status=status,
        timing=Timing(total_ms=took),
    )  # fmt: skip


def _body(step: Mapping[str, Any], side: str) -> Body:
    found = step.get(f"{side}_body", "")
    data = (
        found if isinstance(found, bytes) else found.encode() if isinstance(found, str) else json.dumps(found).encode()
    )
    return Body(len(data), data)


def _headers(step: Mapping[str, Any], side: str) -> tuple[tuple[str, str], ...]:
    given = tuple((name, str(value)) for name, value in step.get(f"{side}_headers", ()))
    body = step.get(f"{side}_body", "")
    if not body or any(name.lower() == "content-type" for name, _ in given):
        return given
    text = body if isinstance(body, str) else "{" if not isinstance(body, bytes) else ""
    html = text.lstrip().startswith("<")
    form = side == "request" and re.fullmatch(r"[\w.%-]+=\S*", text)
    kind = "text/html" if html else "application/x-www-form-urlencoded" if form else "application/json"
    return (*given, ("Content-Type", kind))
