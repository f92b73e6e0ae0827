"""Recordings and exchanges as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...model.bodies import decoded, pretty_json, text_of
from ...model.exchange import Exchange
from ...model.failures import failed_of
from ...model.json_shapes import query_json
from ...model.message import Message
from ...model.operations import named_operation
from ...model.recording import Recording
from ...model.text import visible
from ...replay.error_card import fault_told

MOST: Final = 4000  # letters of a body; --json and the console show all of it


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[str] = frozenset()) -> str:
    """Columns under their heads; those named in `right` are set to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(head, row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def recordings_text(recordings: Sequence[Recording]) -> str:
    """One line per recording, newest first."""
    rows = [
        (
            recording.id, moment(recording.started_at), str(recording.steps), cut(recording.session, 20),
            cut(recording.title, 60) + ("  (pinned)" if recording.pinned else ""),
            " ".join(map(visible, recording.tags)),
        )
        for recording in recordings
    ]  # fmt: skip
    return table(("recording", "started (UTC)", "steps", "session", "title", "tags"), rows, right=frozenset(("steps",)))


def recording_text(recording: Recording, exchanges: Sequence[Exchange]) -> str:
    """What is known of a recording, and a table of its steps."""
    lines = [visible(recording.title), f"{recording.id} · {recording.kind} · session {visible(recording.session)}"]
    if recording.parent:
        branched = f"branched from {recording.parent} at step {recording.branched_at}"
        lines.append(branched if recording.branched_at else f"{recording.kind} of {recording.parent}")
    lines.append(f"{moment(recording.started_at)} to {moment(recording.updated_at)} UTC")
    if recording.clusters:
        lines.append("clusters  " + ", ".join(map(visible, recording.clusters)))
    if recording.tags or recording.pinned:
        lines.append(
            "tags      " + ", ".join([*map(visible, recording.tags), *(["pinned"] if recording.pinned else [])])
        )
    lines += [f"note      {visible(note)}" for note in recording.notes]
    rows = [
        (
            str(exchange.step), visible(exchange.method), outcome(exchange), took(exchange), place(exchange),
            cut(asked(exchange), 80), " ".join(map(visible, (*_injected(exchange), *exchange.tags, *exchange.notes))),
        )
        for exchange in exchanges
    ]  # fmt: skip
    head = ("step", "method", "status", "took", "cluster", "path", "notes")
    return "\n".join([*lines, "", table(head, rows, right=frozenset(("step", "took")))])


def _injected(exchange: Exchange) -> tuple[str, ...]:
    fault = fault_told(exchange)
    return (f"injected: {fault}",) if fault else ()


def asked(exchange: Exchange) -> str:
    """The name of the operation and the path: "mutation Pay · /graphql"."""
    operation = named_operation(exchange)
    return f"{operation.label} · {exchange.request.target}" if operation else exchange.request.target


def exchange_text(exchange: Exchange) -> str:
    """One step: where it went, what was asked, what came back, how long it took."""
    return "\n".join([*_facts(exchange), "", *_request(exchange), "", *_response(exchange)])


def _facts(exchange: Exchange) -> Iterator[str]:
    yield f"{visible(exchange.method)} {visible(exchange.url)}"
    operation = named_operation(exchange)
    if operation:
        yield f"asks for  {visible(operation.label)} ({operation.kind})"
    yield f"step {exchange.step} of {exchange.recording} · exchange {exchange.id} · session {visible(exchange.session)}"
    override = f" (by {exchange.override})" if exchange.override else ""
    yield f"routed    {place(exchange)}{override}  {visible(exchange.upstream_url)}".rstrip()
    yield f"started   {exchange.started_at}"
    yield f"took      {timing(exchange)}"
    if exchange.mode != "live" or exchange.state != "done" or exchange.attempts > 1:
        attempts = f", {exchange.attempts} attempts" if exchange.attempts > 1 else ""
        yield f"mode      {exchange.mode}, {exchange.state}{attempts}"
    if exchange.failure:
        yield f"failure   {exchange.failure.kind}: {visible(exchange.failure.detail)}"
    failed = failed_of(exchange)
    if failed:
        yield f"failed    {exchange.status} {visible(failed.label)}"
    if exchange.tags:
        yield "tags      " + ", ".join(map(visible, exchange.tags))
    for note in exchange.notes:
        yield f"note      {visible(note)}"


def _request(exchange: Exchange) -> Iterator[str]:
    request = exchange.request
    yield f"request   {visible(request.method)} {visible(request.target)} HTTP/{request.http_version}"
    yield from (f"  ? {visible(name)} = {visible(value)}" for name, value in query_json(request.target))
    yield from _message(request)


def _response(exchange: Exchange) -> Iterator[str]:
    response = exchange.response
    if response is None:
        answered = f"the gateway itself answered {exchange.status}" if exchange.status else "none was sent"
        yield f"response  {answered}"
        return
    yield f"response  HTTP/{response.http_version} {response.status} {visible(response.reason)}".rstrip()
    yield from _message(response)


def _message(message: Message) -> Iterator[str]:
    yield from (f"  {visible(name)}: {visible(value)}" for name, value in message.headers)
    text = body_text(message)
    if text:
        yield ""
        yield from (f"  {line}" for line in text.split("\n"))
    yield from (f"  {visible(name)}: {visible(value)} (trailer)" for name, value in message.trailers)


def body_text(message: Message) -> str:
    """The body as a person reads it, and what is not shown of it."""
    body = message.body
    if not body.data:
        return f"[{body.size} bytes, none kept]" if body.size else ""
    text = text_of(message)
    cut_off = f"\n[cut in the record: {len(body.data)} of {body.size} bytes]" if body.truncated else ""
    cut_off += "\n[the rest is sealed as a whole: it holds too much to look into]" if body.sealed_rest else ""
    if text is None:
        _, problem = decoded(message)
        return (
            f"[{body.size} bytes of {visible(message.content_type) or 'unknown type'}]"
            + (f"\n[{problem}]" if problem else "")
            + cut_off
        )
    shown = visible(pretty_json(text) or text, lines=True)
    rest = f"\n[{len(shown) - MOST} more letters; --json shows all]" if len(shown) > MOST else ""
    return shown[:MOST].rstrip("\n") + rest + cut_off


def outcome(exchange: Exchange) -> str:
    """404, or 502 connection_refused, or open, or 200 with errors: card declined."""
    status = str(exchange.status) if exchange.status is not None else ("" if exchange.failure else "-")
    state = "" if exchange.state == "done" else exchange.state
    failed = failed_of(exchange)
    said = cut(failed.label, 48) if failed else exchange.failure.kind if exchange.failure else ""
    return " ".join(word for word in (status, said, state) if word)


def place(exchange: Exchange) -> str:
    return visible(f"{exchange.cluster}@{exchange.environment}" if exchange.cluster else exchange.unrouted_host or "-")


def took(exchange: Exchange) -> str:
    total = exchange.timing.total_ms
    return "-" if total is None else f"{total:.1f} ms"


def timing(exchange: Exchange) -> str:
    """12.1 ms (connect 0.3, first byte 10.2, upstream 11.0)."""
    parts = exchange.timing
    named = (("connect", parts.connect_ms), ("first byte", parts.first_byte_ms), ("upstream", parts.upstream_ms))
    known = ", ".join(f"{name} {value:.1f}" for name, value in named if value is not None)
    return took(exchange) + (f" ({known})" if known else "")


def moment(timestamp: str) -> str:
    """2026-11-22 06:00:00."""
    return timestamp[:19].replace("T", " ")


def cut(text: str, width: int) -> str:
    shown = visible(text)
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def amount(bytes: int) -> str:
    """1.5 MiB."""
    size, unit = float(bytes), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{bytes} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
