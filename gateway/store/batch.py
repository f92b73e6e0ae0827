"""What one transaction will write: captures sealed, hashed and turned into rows beforehand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Protocol

from ..model.capture import Capture, joined
from .sqlite.rows import (
    ID,
    RECORDING,
    REQUEST_BODY,
    RESPONSE_BODY,
    BodyRow,
    body_key,
    body_row,
    exchange_row,
    hash_in,
    hash_of,
    summary,
    unpacked,
)


class Sealed(Protocol):
    """A capture whose secrets are placeholders, and the secrets themselves, encrypted."""

    @property
    def capture(self) -> Capture: ...
    @property
    def secrets(self) -> Sequence[tuple[str, bytes]]:
        """(placeholder, ciphertext)."""

    @property
    def decoded(self) -> Any:
        """Whose content encodings had to be removed: a bool for both bodies, or their sides by name."""


ROW: Final = 2048  # bytes of memory that an exchange takes besides its bodies
LARGE: Final = 1 << 20  # above that, a body's true size says little about what was kept of it

UNCHANGED: Final[tuple[int | None, int | None]] = (None, None)

Seal = Callable[[Capture], Sealed | Capture]


class SealPiece(Protocol):
    """Seals a piece of a stream; with `last`, what waited for the rest of a secret comes out as well."""

    def __call__(self, capture: Capture, data: bytes, *, sent: bool, last: bool) -> bytes: ...


class StreamPiece:
    """One piece of a stream on its way to the store. `size` is what passed, `data` what is kept of it; `last` is an
    empty one that lets out what waited. `sealed` is filled in once, however often its batch is written."""

    __slots__ = ("at_ms", "capture", "data", "last", "number", "sealed", "sent", "size")

    def __init__(
        self, capture: Capture, number: int, *, at_ms: float, sent: bool, data: bytes, size: int, last: bool = False
    ) -> None:
        self.capture, self.number, self.at_ms, self.sent = capture, number, at_ms, sent
        self.data, self.size, self.last = data, size, last
        self.sealed: bytes | None = None


class ReadyRows:
    """Rows that another process sealed and made, on their way into this store: an entry of the writer's queue.

    `is_admitted` is asked once, by the thread that writes, when all that was queued before is in hand; what is not
    admitted is not written. `settled` is called when the rows are safe, given up, or were not admitted.
    """

    __slots__ = ("_admitted", "bodies", "chunks", "ends", "exchanges", "is_admitted", "secrets", "settled")

    def __init__(
        self, exchanges: list[tuple[Any, ...]], bodies: Sequence[BodyRow], secrets: Sequence[tuple[str, str, bytes]],
        chunks: Sequence[tuple[Any, ...]], *, ends: int, is_admitted: Callable[[], bool], settled: Callable[[], None],
    ) -> None:  # fmt: skip
        """`ends` is how many of the exchanges are over."""
        self.exchanges, self.bodies, self.secrets, self.chunks = exchanges, bodies, secrets, chunks
        self.ends, self.is_admitted, self.settled = ends, is_admitted, settled
        self._admitted: bool | None = None

    @property
    def admitted(self) -> bool:
        """Whether they are to be written; asks at the first look."""
        if self._admitted is None:
            self._admitted = self.is_admitted()
            if not self._admitted:
                self.ends = 0
        return self._admitted


KNOWN: Final = 8192  # bodies and secrets remembered as written
SPARE: Final = 1024  # more of them before the oldest go, all at once: to find the first of a dict walks over its gaps


class Stored:
    """What surely is in the file, or will be before whatever is written next: it is not written again."""

    __slots__ = ("bodies", "secrets")

    def __init__(self) -> None:
        self.bodies: dict[bytes, bytes] = {}  # keys of the latest bodies, by their hashes
        self.secrets: dict[tuple[str, str], Any] = {}  # the latest of (recording, placeholder)

    def remember(self, batch: Batch) -> None:
        """All of a batch is written, or kept in the journal."""
        self.bodies |= batch.keys
        self.secrets |= dict.fromkeys(batch.secrets)
        _forget_oldest(self.bodies)
        _forget_oldest(self.secrets)

    def clear(self) -> None:
        """Something was deleted from the file."""
        self.bodies.clear()
        self.secrets.clear()


def _forget_oldest(known: dict[Any, Any]) -> None:
    if len(known) > KNOWN + SPARE:
        for key in [*islice(known, len(known) - KNOWN)]:
            del known[key]


class Batch:
    """Rows by table. A batch that could not be written may be written again; nothing is sealed twice."""

    def __init__(self, seal: Seal, seal_piece: SealPiece | None, stored: Stored) -> None:
        """`stored` is left out."""
        self._seal, self._seal_piece, self._stored = seal, seal_piece, stored
        self.keys: dict[bytes, bytes] = {}  # keys of the bodies that are new, by their hashes
        self.repeated: dict[bytes, bytes] = {}  # bodies that were left out as stored, by their keys
        self.repeated_secrets: dict[tuple[str, str], bytes] = {}
        self.exchanges: list[tuple[Any, ...]] = []
        self.captures: list[Capture] = []  # sealed, in the order of `exchanges`
        self.bodies: dict[bytes, BodyRow] = {}
        self.secrets: dict[tuple[str, str], bytes] = {}  # ciphertexts by recording and placeholder
        self.chunks: list[tuple[Any, ...]] = []
        self.playing: dict[str, str] = {}  # what sessions play after the exchanges, by their ids

    def add(
        self, capture: Capture, *, kept: tuple[int | None, int | None] = UNCHANGED,
        plain: tuple[bool, bool] = (False, False),
    ) -> None:  # fmt: skip
        """Seal an exchange and make its rows. `kept` and `plain` say what an earlier sealing did to its bodies."""
        if capture.playing:
            self.playing[capture.session] = capture.playing
        sealed = self._seal(capture)
        if sealed is capture:
            request, response = joined(capture.request_body), joined(capture.response_body)
            self._add(capture, request, response, kept, plain)
            return
        before = _length(capture.request_body), _length(capture.response_body)
        if not isinstance(sealed, Capture):
            known = self._stored.secrets
            for placeholder, secret in sealed.secrets:
                place = capture.recording, placeholder
                (self.repeated_secrets if place in known else self.secrets)[place] = secret
            decoded = _plain(sealed.decoded)
            plain = (plain[0] or decoded[0], plain[1] or decoded[1])
            sealed = sealed.capture
        request, response = joined(sealed.request_body), joined(sealed.response_body)
        if before != (len(request), len(response)):
            kept = _kept(kept[0], before[0], len(request)), _kept(kept[1], before[1], len(response))
        self._add(sealed, request, response, kept, plain)

    def _add(
        self, capture: Capture, request: bytes, response: bytes, kept: tuple[int | None, int | None],
        plain: tuple[bool, bool],
    ) -> None:  # fmt: skip
        begun = capture.started_at
        row = exchange_row(capture, self._body(request, begun), self._body(response, begun), kept=kept, plain=plain)
        self.exchanges.append(row)
        self.captures.append(capture)

    def add_rows(self, rows: ReadyRows) -> None:
        """Rows that are ready: their bodies get the keys of those that are stored already."""
        renamed: dict[bytes, bytes] = {}
        for row in rows.bodies:
            key, hashed = row[0], hash_in(row[0])
            known = self._stored.bodies.get(hashed) or self.keys.get(hashed)
            if known is None:
                self.keys[hashed] = key
                self.bodies[key] = row
                continue
            renamed[key] = known
            if known not in self.bodies:
                self.repeated[known] = unpacked(row[2], row[3])
        self.exchanges += [_renamed(row, renamed) for row in rows.exchanges] if renamed else rows.exchanges
        for recording, placeholder, secret in rows.secrets:
            place = recording, placeholder
            (self.repeated_secrets if place in self._stored.secrets else self.secrets)[place] = secret
        self.chunks += rows.chunks

    def add_piece(self, piece: StreamPiece) -> None:
        """Seal one piece of a stream."""
        if piece.sealed is None:
            piece.sealed = self._sealed_piece(piece)
        cut = piece.size - len(piece.data)
        if piece.sealed or piece.data or cut:
            size = len(piece.sealed) + cut
            self.chunks.append((piece.capture.id, piece.number, piece.at_ms, piece.sent, size, piece.sealed))

    def _sealed_piece(self, piece: StreamPiece) -> bytes:
        if self._seal_piece is None or not (piece.data or piece.last):
            return piece.data
        return self._seal_piece(piece.capture, piece.data, sent=piece.sent, last=piece.last)

    def _body(self, data: bytes, started_at: float) -> bytes | None:
        """The key of a body; one that is not stored yet is among the rows."""
        if not data:
            return None
        hashed = hash_of(data)
        key = self._stored.bodies.get(hashed) or self.keys.get(hashed)
        if key is None:
            key = self.keys[hashed] = body_key(hashed, started_at)
            self.bodies[key] = body_row(data, key)
        elif key not in self.bodies:
            self.repeated[key] = data
        return key

    def suit(self, stored: Stored) -> None:
        """For another file than the batch was made for: bodies that were left out as stored are in it again."""
        if stored is self._stored:
            return
        self._stored = stored
        for key, data in self.repeated.items():
            self.bodies[key] = body_row(data, key)
        self.secrets |= self.repeated_secrets

    def take(self, other: Batch) -> None:
        """The rows of a later batch, to be written with these. Its captures are let go of: thousands of objects for
        the garbage collector to look at."""
        if other._stored is not self._stored:
            self._stored = Stored()  # made for several files: all that was left out is to be written
        self.exchanges += other.exchanges
        self.bodies |= other.bodies
        self.secrets |= other.secrets
        self.chunks += other.chunks
        self.keys |= other.keys
        self.repeated |= other.repeated
        self.playing |= other.playing
        self.repeated_secrets |= other.repeated_secrets

    def alike(self) -> Batch:
        """An empty one for the same file."""
        return Batch(self._seal, self._seal_piece, self._stored)

    def parts(self) -> Iterator[Batch]:
        """The same rows in batches of one exchange each, after one of all that belongs to none alone."""
        first = self.alike()
        first.bodies, first.secrets, first.chunks, first.keys = self.bodies, self.secrets, self.chunks, self.keys
        yield first
        for row in self.exchanges:
            one = self.alike()
            one.exchanges = [row]
            yield one
        last = self.alike()  # its sessions may be new with the exchanges
        last.playing = self.playing
        yield last

    def leave_out(self, recordings: Container[str], exchanges: Container[str]) -> bool:
        """What belongs to recordings that were deleted meanwhile, or to exchanges that were deleted with one. Whether
        there was an exchange of these recordings."""
        gone = {row[ID] for row in self.exchanges if row[RECORDING] in recordings}
        self.chunks = [row for row in self.chunks if row[0] not in gone and row[0] not in exchanges]
        if not gone:
            return False
        self.captures = [capture for capture in self.captures if capture.id not in gone]
        self.exchanges = [row for row in self.exchanges if row[ID] not in gone]
        self.secrets = {place: secret for place, secret in self.secrets.items() if place[0] not in recordings}
        kept = {key for row in self.exchanges for key in (row[REQUEST_BODY], row[RESPONSE_BODY])}
        self.bodies = {key: row for key, row in self.bodies.items() if key in kept}
        return True

    def secret_rows(self) -> list[tuple[str, str, bytes]]:
        """(recording, placeholder, ciphertext) of every secret."""
        return [(*place, secret) for place, secret in self.secrets.items()]

    def summaries(self) -> list[dict[str, Any]]:
        """What watching pages get."""
        return [summary(row) for row in self.exchanges]


def _renamed(row: tuple[Any, ...], keys: Mapping[bytes, bytes]) -> tuple[Any, ...]:
    """An exchange whose bodies have other keys."""
    sent, got = row[REQUEST_BODY], row[RESPONSE_BODY]
    if sent not in keys and got not in keys:
        return row
    assert RESPONSE_BODY == REQUEST_BODY + 1
    return (*row[:REQUEST_BODY], keys.get(sent, sent), keys.get(got, got), *row[RESPONSE_BODY + 1 :])


def _length(pieces: list[bytes]) -> int:
    return sum(map(len, pieces)) if pieces else 0


def _kept(told: int | None, before: int, after: int) -> int | None:
    """What an earlier sealing said holds: it saw what had passed."""
    return told if told is not None or before == after else before


def _plain(decoded: Any) -> tuple[bool, bool]:
    if isinstance(decoded, bool):
        return decoded, decoded
    return "request" in decoded, "response" in decoded


def cost_of(capture: Capture) -> int:
    """About how many bytes of memory the exchange holds."""
    request, response = capture.request_size, capture.response_size
    if request > LARGE or response > LARGE:
        request, response = min(request, capture.max_body), min(response, capture.max_body)
    return ROW + request + response
