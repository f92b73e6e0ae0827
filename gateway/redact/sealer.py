"""Seals whole captures and pieces of streams. Pure: keys and rules come in. For one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableSequence
from functools import cache, partial
from typing import Any, Final, NamedTuple, Protocol, cast
from urllib.parse import quote_from_bytes

from ..model.capture import Capture, RawPairs, joined
from .bodies import BodySealer, BudgetSpent, SecretPlaces, read_rules
from .cache import Cache
from .echoes import Echoes, RecordingTokens, ReportedTokens, is_token
from .headers import content_of, seal_header, seal_headers, typed_passwords
from .names import PLAIN, SecretNames
from .placeholders import PLACEHOLDER, PlaceholderKeys, Vault
from .streams import Direction, direction_of
from .text import seal_text, seal_url

HEADS: Final = ("request_headers", "request_trailers", "response_headers", "response_trailers", "rewritten")
MOST_SECRETS: Final = 10_000  # of one body: more of them are sealed together, see bodies.py
MOST_RULES: Final = 16  # sets of rules that are kept ready: every move of a route table may bring new ones
SEARCHED: Final = 256 << 10  # bytes of a body in which they are
MOST_OPEN: Final = 1000  # streams whose pieces gave secrets before their exchange ended


class SealingRules(Protocol):
    """The `redact` section of a route table."""

    @property
    def headers(self) -> Iterable[str]: ...
    @property
    def json(self) -> Iterable[str]: ...
    @property
    def query(self) -> Iterable[str]: ...
    @property
    def kinds(self) -> Iterable[str]: ...


Recall = Callable[[str], Iterable[bytes]]  # recording -> secrets that are stored of it


News = MutableSequence[tuple[str, bytes]]  # tokens, each with its recording


class SealedCapture(NamedTuple):
    """A capture without secrets. `decoded` names the sides whose content codings had to go, because a secret
    under them was sealed: "request", "response"."""

    capture: Capture
    secrets: tuple[tuple[str, bytes], ...] = ()  # (placeholder, ciphertext)
    decoded: frozenset[str] = frozenset()


def rules_of(capture: Capture) -> object:
    """The rules that hold for it: those of a cluster may be more than those of all (RedactRules.of)."""
    of = getattr(capture.redact, "of", None)
    return capture.redact if of is None else of(capture.cluster)


class Sealer:
    """Replaces the secrets of captures by placeholders; call it, or its `seal`."""

    def __init__(
        self,
        keys: PlaceholderKeys,
        recall: Recall | None = None,
        *,
        news: News | None = None,
    ) -> None:
        """`recall` gives the secrets that are stored of a recording which goes on, after a restart for instance. `news`
        gets each token that is new in its recording: others that seal exchanges of it have to `learn` it."""
        self._vault, self._recall, self._news = Vault(keys), recall, news
        self._rules: dict[object, tuple[SecretNames, SecretPlaces | None]] = {}
        self._caches: dict[object, Cache | None] = {}  # by rules; of the present keys
        self._pieces: dict[str, dict[bytes, tuple[bytes, bytes]]] = {}  # capture id -> secrets of its pieces
        self._sides: dict[tuple[str, bool], Direction] = {}  # (capture id, sent) -> what waits of a stream
        self._tokens: dict[str, RecordingTokens] = {}  # recording -> tokens that were sealed in it
        self._said: dict[str, Echoes] = {}  # capture id -> what pieces of its stream may repeat

    def renew(self, keys: PlaceholderKeys) -> None:
        """From now on seal with these keys. Another thread may be sealing: it ends what it began with the old ones."""
        self._vault, self._caches = Vault(keys), {}

    def __call__(self, capture: Capture) -> SealedCapture | Capture:
        """As `seal`, without a look at what came before; the capture itself when there is nothing to seal."""
        rules = rules_of(capture)
        cache = self._caches[rules] if rules in self._caches else self._cache(rules)
        if cache is None or capture.id in self._pieces:
            return self.seal(capture)
        if self._said and capture.state != "open":
            self._said.pop(capture.id, None)
        tokens = self._tokens.get(capture.recording) or self.tokens_of(capture.recording, goes_on=capture.step > 1)
        known = cache.changes(capture, tokens)
        if known is None:
            return self.seal(capture, cache)
        changes, secrets = known
        if not changes:
            return capture
        found = [cache.vault.seal(secret, capture.recording) for secret in dict.fromkeys(secrets)]
        return SealedCapture(
            _copy(capture, changes), tuple([(name.decode(), ciphertext) for name, ciphertext in found])
        )

    def _cache(self, rules: object) -> Cache | None:
        """What is remembered under these rules and the present keys. None where rules name places: a look each time."""
        names, places = self._ready(rules)
        cache = None if places else Cache(names, self._vault)
        if len(self._caches) >= MOST_RULES:
            self._caches.clear()
        self._caches[rules] = cache
        return cache

    def seal(self, capture: Capture, cache: Cache | None = None) -> SealedCapture:
        """The capture with its secrets replaced, headers as they are known where a cache is given. The capture itself
        is left as it is."""
        names, places = self._ready(rules_of(capture))
        work = _Work(self._vault, names, places, capture.recording, cache)
        if capture.state != "open" and (self._pieces or self._said):
            work.found.update(self._pieces.pop(capture.id, {}))
            self._said.pop(capture.id, None)
        for token in self._again(capture, names):
            work.one(token)
        changes = work.heads(capture)
        changes |= work.bodies(capture)
        if work.found:
            work.echoes(capture, changes)
            self._remember(capture, work.found)
        if not changes and not work.found:
            return SealedCapture(capture)
        secrets = tuple((placeholder.decode(), ciphertext) for placeholder, ciphertext in work.found.values())
        return SealedCapture(_copy(capture, changes) if changes else capture, secrets, frozenset(work.decoded))

    def _again(self, capture: Capture, names: SecretNames) -> list[bytes]:
        """Tokens of the recording that stand in this capture under a name that does not tell: an upload token that a
        response gave is a path now, a connection token an id."""
        tokens = self._tokens.get(capture.recording) or self.tokens_of(capture.recording, goes_on=capture.step > 1)
        headers = [*capture.request_headers, *capture.response_headers, *capture.rewritten]
        bodies = [joined(side) for side in (capture.request_body, capture.response_body) if side]
        values = b"\n".join([value for name, value in headers if names.header(name) == PLAIN])
        rest = b"\n".join(
            [capture.target, capture.upstream_url.encode(), *(one for one in bodies if len(one) < SEARCHED)]
        )
        found = []
        for token in tokens:
            written = token in rest or (b"%" in rest and quote_from_bytes(token, safe="").encode() in rest)
            if written or token in values:
                found.append(token)
        return found

    def tokens_of(self, recording: str, *, goes_on: bool) -> RecordingTokens:
        """The tokens of a recording, which are kept for as long as it is among the latest; `goes_on` when there may be
        some that somebody else sealed."""
        tokens = self._tokens.get(recording)
        if tokens is None:
            tokens = RecordingTokens() if self._news is None else ReportedTokens(recording, self._news)
            if recording and goes_on and self._recall is not None:
                for secret in self._recall(recording):
                    if is_token(secret):
                        RecordingTokens.add(tokens, secret)
            if recording:
                self._tokens[recording] = tokens
                if len(self._tokens) > MOST_OPEN:
                    del self._tokens[next(iter(self._tokens))]
        return tokens

    def learn(self, recording: str, secrets: Iterable[bytes]) -> None:
        """Tokens that somebody else sealed in a recording. One that is not among the latest recalls them itself."""
        tokens = self._tokens.get(recording)
        if tokens is not None:
            for secret in secrets:
                RecordingTokens.add(tokens, secret)

    def forget(self) -> None:
        """Know no token any more; each recording recalls its own."""
        self._tokens.clear()

    def _remember(self, capture: Capture, found: Iterable[bytes]) -> None:
        """Keep the tokens of a recording."""
        new = [secret for secret in found if is_token(secret)]
        if not (new and capture.recording):
            return
        tokens = self.tokens_of(capture.recording, goes_on=capture.step > 1)
        self._tokens[capture.recording] = self._tokens.pop(capture.recording)  # the last to be forgotten
        for token in new:
            if token not in tokens:
                tokens.add(token)

    def seal_chunk(self, capture: Capture, data: bytes, *, sent: bool = False, last: bool = True) -> bytes:
        """One piece of a stream, what waited of the pieces before it included; with `last` nothing waits any more."""
        names, places = self._ready(rules_of(capture))
        said = self._said_of(capture)
        work = _Work(self._vault, names, places, capture.recording, echoes=said)
        key = capture.id, sent
        side = self._sides.pop(key, None) or direction_of(capture, sent=sent)
        sealed = side.feed(data, partial(work.piece, sent=sent), last=last)
        if not last:
            self._sides[key] = side
            if len(self._sides) > MOST_OPEN:
                del self._sides[next(iter(self._sides))]
        if work.found:
            if len(self._pieces) >= MOST_OPEN:
                del self._pieces[next(iter(self._pieces))]
            self._pieces.setdefault(capture.id, {}).update(work.found)
            self._remember(capture, work.found)
        return sealed

    def _said_of(self, capture: Capture) -> Echoes:
        """What the pieces of a stream may repeat: tokens of its recording, passwords and tokens of its request, and, as
        they are found, those of the pieces before."""
        said = self._said.get(capture.id)
        if said is None:
            names, places = self._ready(rules_of(capture))
            request = Capture()
            request.target, request.request_headers = capture.target, capture.request_headers
            request.request_body = list(capture.request_body)
            work = _Work(self._vault, names, places, capture.recording)
            work.heads(request)
            work.bodies(request)
            said = self._said[capture.id] = work.said
            for token in self.tokens_of(capture.recording, goes_on=capture.step > 1):
                said.add(token)
            if len(self._said) > MOST_OPEN:
                del self._said[next(iter(self._said))]
        return said

    def unseal(self, placeholder: str, ciphertext: bytes) -> bytes:
        """The secret behind a placeholder."""
        return self._vault.unseal(placeholder.encode(), ciphertext)

    def _ready(self, rules: object) -> tuple[SecretNames, SecretPlaces | None]:
        ready = self._rules.get(rules)
        if ready is None:
            if len(self._rules) >= MOST_RULES:
                self._rules.clear()
            ready = self._rules[rules] = read_rules(*_sorted(cast(SealingRules | None, rules)))
        return ready


class _Work:
    """The sealing of one capture: what was found so far."""

    __slots__ = ("_cache", "_limit", "_names", "_places", "_recording", "_vault", "decoded", "found", "said")

    def __init__(
        self, vault: Vault, names: SecretNames, places: SecretPlaces | None, recording: str, cache: Cache | None = None,
        echoes: Echoes | None = None,
    ) -> None:  # fmt: skip
        self._vault, self._names, self._places, self._recording = vault, names, places, recording
        self._cache = cache if cache is not None and cache.vault is vault else None
        self.found: dict[bytes, tuple[bytes, bytes]] = {}
        self.said = Echoes() if echoes is None else echoes
        self._limit = 0  # how many secrets there may be when the body in hand is done
        self.decoded: set[str] = set()

    def one(self, secret: bytes) -> bytes:
        """The placeholder of a secret; what is sealed already stays as it is."""
        if not secret or (secret.startswith(b"sealed_") and PLACEHOLDER.fullmatch(secret)):
            return secret
        sealed = self.found.get(secret)
        if sealed is None:
            sealed = self.found[secret] = self._vault.seal(secret, self._recording)
            self.said.add(secret)
        return sealed[0]

    def _one_of_body(self, secret: bytes) -> bytes:
        """The same within a body; BudgetSpent when it holds too many of them."""
        if len(self.found) >= self._limit and secret not in self.found:
            self._limit += MOST_SECRETS  # for the head, which is looked into again
            raise BudgetSpent
        return self.one(secret)

    def _since(self, before: int) -> list[bytes]:
        """The secrets that were found since there were `before` of them."""
        return list(self.found)[before:] if len(self.found) > before else []

    def heads(self, capture: Capture) -> dict[str, Any]:
        """Fields, URLs and the failure's sentence."""
        changes: dict[str, Any] = {}
        for side in HEADS:
            headers: RawPairs = getattr(capture, side)
            if headers and (sealed := self._fields(headers)) is not headers:
                changes[side] = sealed
        url = capture.upstream_url.encode()
        if self._names.hint(capture.target + b"\n" + url):  # one search for both: most have no secret
            before = len(self.found)
            if (target := self._url(capture.target)) != capture.target:
                changes["target"] = target
                self.said.add_typed(self._since(before))
            if (sealed_url := self._url(url)) != url:
                changes["upstream_url"] = sealed_url.decode()
        if b"@" in capture.origin:  # an imported URL; no client of ours sends one
            changes["origin"] = seal_text(capture.origin, self._names.is_secret, self.one, lines=False)
        if capture.reason not in self._names.clean:
            if self._names.hint(capture.reason):
                changes["reason"] = seal_text(capture.reason, self._names.is_secret, self.one)
            else:
                self._names.remember_clean(capture.reason)
        if capture.failure:
            detail = seal_text(capture.failure[1].encode(), self._names.is_secret, self.one).decode()
            if detail != capture.failure[1]:
                changes["failure"] = (capture.failure[0], detail)
        return changes

    def _fields(self, headers: RawPairs) -> RawPairs:
        """The headers with their secrets sealed."""
        self.said.add_typed(typed_passwords(headers))
        if self._cache is None:
            return seal_headers(headers, self._names, self.one)
        side = self._cache.side(headers)
        for secret in side.secrets:
            self.one(secret)
        sealed = {pair: seal_header(pair, self._names, self.one) for pair in side.fresh}
        if all(new is pair for pair, new in sealed.items()):
            return side.headers
        return [sealed.get(pair, pair) for pair in side.headers]

    def _url(self, url: bytes) -> bytes:
        return seal_url(url, self._names.is_secret, self.one) if self._names.hint(url) else url

    def bodies(self, capture: Capture) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for side, pieces, headers in (
            ("request", capture.request_body, capture.request_headers),
            ("response", capture.response_body, capture.response_headers),
        ):
            if not pieces:
                continue
            data, before = joined(pieces), len(self.found)
            sealed, decoded = self._body(side == "response").sealed(data, *content_of(headers))
            if decoded:
                self.decoded.add(side)
            if side == "request":
                self.said.add_typed(self._since(before))
            if sealed is not data and sealed != data:
                changes[f"{side}_body"] = [sealed]
        return changes

    def piece(self, data: bytes, *, sent: bool) -> bytes:
        """A message or some events of a stream."""
        if not data:
            return data
        before = len(self.found)
        sealed = self._body(response=not sent).sealed(data, b"", ())[0]
        if sent:
            self.said.add_typed(self._since(before))
        return sealed

    def _body(self, response: bool) -> BodySealer:
        """Made when needed: kept, the two would hold each other, and wait for the garbage collector."""
        self._limit = len(self.found) + MOST_SECRETS
        echo = self.echo_of_response if response else self.echo
        return BodySealer(self._names, self._places, self._one_of_body, self.one, echo)

    def echo(self, data: bytes) -> bytes:
        """Replace secrets found anywhere in this capture where they stand again, under a name that told nothing."""
        return self.said.sealed(data, self.one, response=False)

    def echo_of_response(self, data: bytes) -> bytes:
        """The same, and passwords that the server repeats."""
        return self.said.sealed(data, self.one, response=True)

    def echoes(self, capture: Capture, changes: dict[str, Any]) -> None:
        """The same for what was sealed before the last secret was found."""
        if not self.said:
            return
        for side in HEADS:
            echo = self.echo if side.startswith("request") else self.echo_of_response
            headers: RawPairs = changes.get(side) or getattr(capture, side)
            values = b"\n".join([value for _, value in headers])
            if echo(values) != values:
                changes[side] = [(name, echo(value)) for name, value in headers]
        target = changes.get("target", capture.target)
        if (sealed := self.echo(target)) != target:
            changes["target"] = sealed
        url = changes.get("upstream_url", capture.upstream_url)
        if (sealed_url := self.echo(url.encode()).decode()) != url:
            changes["upstream_url"] = sealed_url
        pieces = changes.get("request_body") or capture.request_body
        data = b"".join(pieces)
        if data and (sealed := self.echo(data)) != data:
            changes["request_body"] = [sealed]


def masked_text(text: str) -> str:
    """A title or a note of an imported file without the secrets that it quotes, of a URL for instance."""
    data, names = text.encode("utf-8", "surrogatepass"), _default_names()
    if not names.has_word(data):
        return text
    return seal_text(data, names.is_secret, lambda _: b"(sealed)").decode("utf-8", "surrogatepass")


@cache
def _default_names() -> SecretNames:
    return SecretNames()


def _sorted(rules: SealingRules | None) -> tuple[list[str], list[str], list[str], list[str]]:
    if rules is None:
        return [], [], [], []
    return sorted(rules.headers), sorted(rules.json), sorted(rules.query), sorted(rules.kinds)


def _copy(capture: Capture, changes: dict[str, Any]) -> Capture:
    """A capture may still be growing on the event loop while it is sealed: never change the original."""
    copy = capture.copy()
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy
