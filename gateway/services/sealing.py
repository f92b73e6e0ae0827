"""Secrets of recordings, for those who ask deliberately: sealed for good, revealed; and the keys changed. I/O.

Nothing is revealed that the audit does not know of: its line is stored before the secret leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import NotFoundError, UsageError
from ..model.frames import Deflate, websocket_frames
from ..redact import PLACEHOLDER, spelled
from ..routes.table import RedactRules
from . import listing
from .audit_log import note

if TYPE_CHECKING:
    from ..model.audit import Who
    from ..model.exchange import Chunk, Exchange
    from ..protocols import KeyRing, Services


class KeyChange(Protocol):
    """One of rotate, renew and retire."""

    def __call__(self, services: Services, *, source: str, who: Who) -> Awaitable[dict[str, Any]]: ...


LONGEST = 500  # characters of a reason


async def seal(services: Services, ref: str, rules: RedactRules | None, *, source: str, who: Who) -> tuple[str, int]:
    """(the recording's id, how many of its exchanges have fewer secrets now). Without `rules`, those in force."""
    found = await listing.recording(services, ref)
    wanted = rules or services.routes.table.redact
    changed = await asyncio.wrap_future(services.recorder.reseal(found.id, wanted))
    note(services, "seal", found.id, f"{changed} of {found.steps} steps", who=who, source=source)
    return found.id, changed


async def reveal(
    services: Services, id: str, names: Sequence[str], why: str, *, source: str, who: Who
) -> tuple[Exchange, dict[str, str]]:
    """The secrets of one exchange by placeholder, once the audit knows; all of them without `names`. UsageError
    without a reason; NotFoundError when a name does not stand there, or nothing can be revealed."""
    if not why.strip():
        raise UsageError("a reason is missing: the audit keeps it beside your name", hint="why: what you need it for")
    found = await listing.exchange(services, id)
    there = placeholders(found, await listing.chunks(services, id) if found.stream else ())
    if unknown := [name for name in names if name not in there]:
        raise NotFoundError(f"{unknown[0]!r} does not stand in this exchange", where=f"step {found.step}")
    known = await asyncio.to_thread(services.secrets, found.recording)
    shown = {name: known[name] for name in names or there if name in known}
    if not shown:
        raise NotFoundError(
            "nothing in this exchange can be revealed", where=f"step {found.step}", hint=_why_not(there)
        )
    detail = f"{', '.join(shown)}: {why.strip()[:LONGEST]}"
    place = f"{found.recording}/{found.step}"
    await asyncio.wrap_future(note(services, "reveal", place, detail, who=who, source=source))
    return found, shown


def _why_not(there: Sequence[str]) -> str:
    return "the keys that sealed it are gone" if there else "it holds no sealed secret"


def placeholders(one: Exchange, chunks: Sequence[Chunk]) -> list[str]:
    """Every placeholder in an exchange, once, in the order in which a reader meets them."""
    messages = [one.request, *([one.response] if one.response else [])]
    parts = [one.request.target.encode("latin-1", "replace")]
    for message in messages:
        parts += [value.encode("utf-8", "replace") for _, value in (*message.headers, *message.trailers)]
        parts.append(message.body.data)
    parts += [value.encode("utf-8", "replace") for _, value in one.rewritten]
    parts.append(one.failure.detail.encode("utf-8", "replace") if one.failure else b"")
    parts += _pieces(one, chunks)
    return list(dict.fromkeys(spelled(found).decode() for part in parts for found in PLACEHOLDER.findall(part)))


def _pieces(one: Exchange, chunks: Sequence[Chunk]) -> list[bytes]:
    if one.stream != "websocket" or one.response is None:
        return [b"".join(chunk.data for chunk in chunks)]
    agreed = Deflate.of(one.response.header("sec-websocket-extensions"))
    return [frame.data for frame in websocket_frames(chunks, agreed)]


# -- keys


async def rotate(services: Services, *, source: str, who: Who) -> dict[str, Any]:
    """A new key for everything, and all sealed secrets under it. Every session begins a new recording: within one,
    equal secrets have equal placeholders."""
    ring = _ring(services)
    await asyncio.to_thread(ring.rotate)
    for session in services.sessions.all():
        services.sessions.start_recording(session)
    return await _renewed(services, ring, "rotate", source=source, who=who)


async def renew(services: Services, *, source: str, who: Who) -> dict[str, Any]:
    """All sealed secrets under the newest key."""
    return await _renewed(services, _ring(services), "renew", source=source, who=who)


async def retire(services: Services, *, source: str, who: Who) -> dict[str, Any]:
    """All keys but the newest go, once nothing needs them any more."""
    ring = _ring(services)
    done = await _renewed(services, ring, "retire", source=source, who=who)
    done["retired"] = await asyncio.to_thread(ring.retire)
    return done | {"keys": await asyncio.to_thread(ring.names)}


async def _renewed(services: Services, ring: KeyRing, verb: str, *, source: str, who: Who) -> dict[str, Any]:
    place: tuple[str, str] | None = ("", "")
    renewed = lost = 0
    while place is not None:  # piece by piece: exchanges that end meanwhile are written in between
        some = await asyncio.wrap_future(services.recorder.renew_secrets(ring.renewed, place))
        renewed, lost, place = renewed + some.renewed, lost + some.lost, some.next
    names = await asyncio.to_thread(ring.names)
    note(services, "keys", verb, f"newest {names[0]}, {renewed} secrets renewed", who=who, source=source)
    return {"keys": names, "renewed": renewed, "lost": lost, "retired": 0}


def _ring(services: Services) -> KeyRing:
    if services.keys is None:
        raise UsageError("this gateway runs without keys")
    return services.keys
