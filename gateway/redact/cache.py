"""Sealing in one pass: what is known of headers that come again, and one search through all that is new. Pure.

Most headers come with every request, those with secrets among them, and most of what is new holds no secret. So each
pair of name and value is looked up once; the values that are new, both URLs and both bodies are put together and
searched once for words and shapes of secrets; and the secrets of the headers are looked for in all of it.
Only where one of these finds something is a capture sealed the long way (sealer.py), which says the same of all others.

What is remembered holds for one set of rules and one set of keys: a `Cache` belongs to both, and goes with them.
"""

from __future__ import annotations

from typing import Any, Final

from ..model import headers as classes
from ..model.caches import LONGEST_NAME, BoundedCache
from ..model.capture import Capture, RawPairs, joined
from ..model.headers import Fields, Shape
from .bodies import LARGEST, decoded_body, is_form, may_be_wide
from .echoes import RecordingTokens, is_password, is_token, spellings
from .headers import content_of, seal_header, typed_passwords
from .names import PLAIN, SecretNames
from .placeholders import PLACEHOLDER, Vault

Pair = tuple[bytes, bytes]

CLEAN, FRAMED, VARYING, SECRET = range(4)
# Their values are new each time: not worth remembering.
VARYING_NAMES: Final = frozenset(
    name.encode()
    for name in (*classes.TRACE, *classes.RUN_IDS, *classes.MOMENTS, *classes.VALIDATORS, "content-length")
)
MOST: Final = 8192  # pairs remembered
LONGEST: Final = 2048  # bytes of the longest of them


class SealedPair:
    """A header with its secrets sealed, the secrets, those of them that are tokens, and what a password in it may look
    like where it stands again (`needles`)."""

    __slots__ = ("needles", "pair", "secrets", "tokens")

    def __init__(self, pair: Pair, secrets: tuple[bytes, ...] = (), passwords: tuple[bytes, ...] = ()) -> None:
        self.pair, self.secrets = pair, secrets
        self.tokens = tuple(secret for secret in secrets if is_token(secret))
        self.needles = tuple(dict.fromkeys(form for one in passwords for form in spellings(one)))


class Side:
    """The headers of one message: sealed, with what there is to look for because of them."""

    __slots__ = ("_text", "cache", "fresh", "headers", "needles", "odd", "secrets", "tokens")

    def __init__(self, cache: Cache, headers: RawPairs) -> None:
        self.cache, self.headers = cache, headers
        self.fresh: list[Pair] = []  # not known yet to be clean
        self.odd = False  # whether its body is a form, or has content codings
        self.secrets: tuple[bytes, ...] = ()
        self.tokens: tuple[bytes, ...] = ()
        self.needles: tuple[bytes, ...] = ()
        self._text: bytes | None = None

    @property
    def text(self) -> bytes:
        """The values, sealed."""
        if self._text is None:
            self._text = b"\n".join([value for _, value in self.headers])
        return self._text


class ShapeSide:
    """What the headers of a shape have in common: what is sealed of them, at which places."""

    __slots__ = ("_replaced", "_side", "_text", "cache")

    def __init__(self, shape: Shape, headers: RawPairs, side: Side) -> None:
        """`side` is that of one of them."""
        self.cache, self._side = side.cache, side
        self._replaced = [(at, pair) for at, pair in enumerate(side.headers) if pair is not headers[at]]
        self._text = b"\n".join([value for at, (_, value) in enumerate(side.headers) if at not in shape.places])

    def side(self, headers: Fields, shape: Shape) -> Side:
        """The side of others."""
        of = self._side
        side = Side(of.cache, headers)
        side.odd, side.secrets, side.tokens, side.needles = of.odd, of.secrets, of.tokens, of.needles
        side.fresh = [headers[at] for at in shape.places]
        if self._replaced:
            side.headers = sealed = Fields(headers)
            for at, pair in self._replaced:
                sealed[at] = pair
        side._text = b"\n".join([self._text, *[value for _, value in side.fresh]])
        return side


class Cache:
    """What is remembered under these rules and keys. For one thread."""

    def __init__(self, names: SecretNames, vault: Vault) -> None:
        self.names, self.vault = names, vault
        self._pairs: BoundedCache[Pair, SealedPair | int] = BoundedCache(MOST)
        # What a name says: VARYING, FRAMED, CLEAN for other names, or SECRET.
        self._kinds: BoundedCache[bytes, int] = BoundedCache(MOST)

    def changes(self, capture: Capture, tokens: RecordingTokens) -> tuple[dict[str, Any], list[bytes]] | None:
        """(what changes, the secrets in it) of a capture whose headers hold all its secrets; None when it must be
        sealed the long way. `tokens` were sealed in its recording, and may stand here under any name; the tokens of its
        headers are added to them.
        """
        if capture.failure or capture.request_trailers or capture.response_trailers or b"@" in capture.origin:
            return None
        request, response = self.side(capture.request_headers), self.side(capture.response_headers)
        sent = _plain_body(capture.request_body, request) if capture.request_body else b""
        got = _plain_body(capture.response_body, response) if capture.response_body else b""
        if sent is None or got is None:
            return None
        sides = [request, response]
        if capture.rewritten:
            sides.append(self.side(capture.rewritten))
        known = [capture.target, capture.upstream_url.encode(), sent, got]
        if not self._is_clean(known, capture.reason, sides):
            return None
        secrets = _secrets_of(sides, tokens)
        if _stand_again(known, sides, tokens):
            return None
        changes: dict[str, Any] = {}
        if request.headers is not capture.request_headers:
            changes["request_headers"] = request.headers
        if response.headers is not capture.response_headers:
            changes["response_headers"] = response.headers
        if capture.rewritten and sides[2].headers is not capture.rewritten:
            changes["rewritten"] = sides[2].headers
        return changes, secrets

    def _is_clean(self, known: list[bytes], reason: bytes, sides: list[Side]) -> bool:
        """One search through URLs, bodies and what is new of the headers. What passes is remembered, and what passed
        as a whole as well: polls bring the same again."""
        fresh = [pair for side in sides for pair in side.fresh]
        if reason not in self.names.clean:
            fresh.append((b"", reason))
        text = b"\n".join([*known, *[value for _, value in fresh]])
        if self.names.has_word(text) if fresh else self.names.hint(text):
            return False
        for name, value in fresh:
            if self._kinds.get(name) != VARYING:
                self.names.remember_clean(value)
        for side in sides:
            if side.fresh:
                side.fresh = []
        return True

    def side(self, headers: RawPairs) -> Side:
        """The headers sealed; those that come again as a whole are known as a whole."""
        if type(headers) is Fields and (whole := self._known_side(headers)) is not None:
            return whole
        look = self._pairs.get
        side, at = Side(self, headers), -1
        found: list[tuple[int, SealedPair]] = []
        for pair in headers:
            at += 1
            known = look(pair)
            if known == CLEAN:
                continue
            if known is None:
                known = self._learn(pair, side)
            if type(known) is SealedPair:
                found.append((at, known))
            elif known == FRAMED:
                side.odd = True
        if found:
            sealed = Fields(headers)
            for at, one in found:
                sealed[at] = one.pair
            side.headers = sealed
            side.secrets = tuple([secret for _, one in found for secret in one.secrets])
            side.tokens = tuple([token for _, one in found for token in one.tokens])
            side.needles = tuple([needle for _, one in found for needle in one.needles])
        if type(headers) is Fields:
            headers.sealed = side
            if headers.shape is not None:
                self._learn_shape(headers, headers.shape, side)
        return side

    def _known_side(self, headers: Fields) -> Side | None:
        """That of headers that came before as a whole, or in their shape."""
        whole: Side | None = headers.sealed
        if whole is not None and whole.cache is self:
            return whole
        shape = headers.shape
        common: ShapeSide | None = shape.sealed if shape is not None else None
        if shape is None or common is None or common.cache is not self:
            return None
        headers.sealed = side = common.side(headers, shape)
        return side

    def _learn_shape(self, headers: Fields, shape: Shape, side: Side) -> None:
        """Keep what these headers have in common with others, where only the values that vary are new, and none of them
        is a secret by its name or says how the body is read."""
        varying = [headers[at] for at in shape.places]
        if side.fresh == varying and all(self._kinds.get(name) in (CLEAN, VARYING) for name, _ in varying):
            shape.sealed = ShapeSide(shape, headers, side)

    def _learn(self, pair: Pair, side: Side) -> SealedPair | int:
        """A header that is not known. One that is no secret by its name is among what is searched."""
        kind = self._kinds.get(pair[0])
        if kind is None:
            kind = self._kind(pair[0])
        if kind == SECRET:
            return self._sealed(pair)
        if kind == VARYING or pair[1] not in self.names.clean:
            side.fresh.append(pair)
            return FRAMED if kind == FRAMED else CLEAN
        return self._remember(pair, FRAMED if kind == FRAMED and _is_odd(pair[1]) else CLEAN)

    def _kind(self, name: bytes) -> int:
        low = name.lower()
        kind = SECRET if self.names.header(name) != PLAIN else VARYING if low in VARYING_NAMES else CLEAN
        if kind == CLEAN and low in (b"content-type", b"content-encoding"):
            kind = FRAMED
        if len(name) <= LONGEST_NAME:
            self._kinds.keep(name, kind)
        return kind

    def _sealed(self, pair: Pair) -> SealedPair | int:
        secrets: dict[bytes, None] = {}

        def one(secret: bytes) -> bytes:
            if not secret or PLACEHOLDER.fullmatch(secret):
                return secret
            secrets[secret] = None
            return self.vault.placeholder(secret)

        sealed = seal_header(pair, self.names, one)
        if sealed is pair:
            return self._remember(pair, CLEAN)
        typed = tuple(secret for secret in typed_passwords([pair]) if is_password(secret))
        return self._remember(pair, SealedPair(sealed, tuple(secrets), typed))

    def _remember(self, pair: Pair, known: SealedPair | int) -> SealedPair | int:
        if len(pair[0]) + len(pair[1]) <= LONGEST:
            self._pairs.keep(pair, known)
        return known


def _secrets_of(sides: list[Side], tokens: RecordingTokens) -> list[bytes]:
    """The secrets of the headers; tokens among them are added."""
    secrets: list[bytes] = []
    for side in sides:
        if not side.secrets:
            continue
        secrets += side.secrets
        for token in side.tokens:
            if token not in tokens:
                tokens.add(token)
    return secrets


def _stand_again(known: list[bytes], sides: list[Side], tokens: RecordingTokens) -> bool:
    """Whether a secret of the headers, or a token of the recording, stands where its name does not tell."""
    everything = b"\n".join([*known, *[side.text for side in sides]])
    for side in sides:
        for needle in side.needles:
            if needle in everything:
                return True
    return tokens.stand_in(everything)


def _is_odd(value: bytes) -> bool:
    """Whether a Content-Type is a form's, or whether it is a Content-Encoding (which no type is equal to)."""
    return b"/" not in value or is_form(value)


def _plain_body(pieces: list[bytes], side: Side) -> bytes | None:
    """A body as it is searched, its content codings removed; None when it is sealed the long way."""
    data = joined(pieces)
    if side.odd:
        kind, codings = content_of(side.headers)
        plain = None if is_form(kind) else decoded_body(data, codings)
        if plain is None:
            return None
        data = plain
    return None if len(data) > LARGEST or may_be_wide(data) else data
