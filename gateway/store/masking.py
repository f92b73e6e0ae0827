"""Recordings made before a redaction rule existed: masked as they are read, by the rules that hold now. I/O (a lock).

The stored bytes stay as they are; `gateway redact` seals them for good. Masking is sealing, so that what is masked
equals what would have been sealed: placeholders agree, and a replay gets the secrets from `secrets_of`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ..model.capture import Capture
from ..model.exchange import Chunk, Exchange, Failure
from ..model.message import Body, Message
from .batch import Seal, Sealed, SealPiece
from .imports import PlainSeal, capture_of
from .sqlite.header_blob import as_text

M = TypeVar("M", bound=Message)
Rules = Callable[[], object]  # the redaction rules in force: None or falsy ones mask nothing


class Mask:
    """Masks exchanges as the rules say that hold when they are read. For any thread."""

    def __init__(self, rules: Rules, seal: Seal, seal_piece: SealPiece) -> None:
        self._rules, self._seal, self._seal_piece = rules, seal, seal_piece
        self._lock = threading.Lock()  # a sealer is for one thread at a time

    @property
    def rules(self) -> object:
        """Those that hold now; None while they are only the defaults, which every recording was sealed by."""
        rules = self._rules()
        return (
            rules
            if any(getattr(rules, part, ()) for part in ("headers", "json", "query", "kinds", "clusters"))
            else None
        )

    def exchanges(self, found: Sequence[Exchange]) -> list[Exchange]:
        rules = self.rules
        return list(found) if rules is None else [self._masked(one, rules)[0] for one in found]

    def chunks(self, one: Exchange, found: Sequence[Chunk]) -> tuple[Chunk, ...]:
        """The pieces of a stream. `secrets_of` gives the new ones among their secrets."""
        rules = self.rules
        if rules is None:
            return tuple(found)
        with self._lock:
            return sealed_chunks(one, found, rules, self._seal_piece)

    def secrets_of(self, found: Sequence[Exchange], chunks: Mapping[str, Sequence[Chunk]]) -> dict[str, bytes]:
        """placeholder -> ciphertext of what is masked in these stored exchanges and, by id, in their pieces."""
        secrets: dict[str, bytes] = {}
        for one in found:
            pieces = chunks.get(one.id, ())
            if pieces:
                self.chunks(one, pieces)  # the sealer remembers what it found in pieces until their exchange comes
            secrets |= dict(self._masked(one, self.rules)[1])
        return secrets

    def _masked(self, one: Exchange, rules: object) -> tuple[Exchange, Sequence[tuple[str, bytes]]]:
        if rules is None:
            return one, ()
        with self._lock:
            return masked(one, rules, self._seal)


def sealed_chunks(one: Exchange, found: Sequence[Chunk], rules: object, seal_piece: SealPiece) -> tuple[Chunk, ...]:
    """The pieces of a stream as they would have been recorded under these rules; bytes may move to a later one."""
    capture = capture_of(one)
    capture.redact = rules
    last = {chunk.direction: chunk.index for chunk in found}
    out = []
    for chunk in found:
        ends = last[chunk.direction] == chunk.index
        data = seal_piece(capture, chunk.data, sent=chunk.direction == "sent", last=ends)
        cut = max(0, chunk.size - len(chunk.data))
        out.append(chunk if data == chunk.data else replace(chunk, data=data, size=len(data) + cut))
    return tuple(out)


def masked(one: Exchange, rules: object, seal: Seal) -> tuple[Exchange, Sequence[tuple[str, bytes]]]:
    """(the exchange as it would have been recorded under these rules, what that sealed)."""
    before, after, sealed = resealed(one, rules, seal)
    if after is before:
        return one, ()
    decoded = _sides(getattr(sealed, "decoded", ()))
    request = replace(_message(one.request, after, "request", decoded), target=after.target.decode("latin-1"))
    url = one.url.removesuffix(one.request.target) + request.target if one.request.target.startswith("/") else one.url
    changed = replace(
        one, request=request, url=url, upstream_url=after.upstream_url, rewritten=as_text(after.rewritten),
        response=_message(one.response, after, "response", decoded) if one.response is not None else None,
        failure=Failure(*after.failure) if after.failure else None,
    )  # fmt: skip
    return changed, getattr(sealed, "secrets", ())


def resealed(one: Exchange, rules: object, seal: Seal) -> tuple[Capture, Capture, Sealed | Capture]:
    """(the exchange as a capture, the same without its secrets, what the sealer said); the very same without any."""
    plain = one.request.body.plain, one.response is not None and one.response.body.plain
    before = capture_of(one)
    before.redact = rules
    sealed = PlainSeal(seal, {one.id: plain})(before)
    return before, sealed if isinstance(sealed, Capture) else sealed.capture, sealed


def _sides(decoded: Any) -> Container[str]:
    return (("request", "response") if decoded else ()) if isinstance(decoded, bool) else decoded


def _message(message: M, after: Capture, side: str, decoded: Container[str]) -> M:
    headers, trailers = (as_text(getattr(after, f"{side}_{part}")) for part in ("headers", "trailers"))
    body = _body(message.body, b"".join(getattr(after, f"{side}_body")), side in decoded)
    return replace(message, headers=headers, trailers=trailers, body=body)


def _body(body: Body, data: bytes, decoded: bool) -> Body:
    if data == body.data:
        return body
    kept = len(body.data) if body.kept is None else body.kept
    return Body(body.size, data, kept, body.plain or decoded)
