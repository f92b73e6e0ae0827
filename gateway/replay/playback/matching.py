"""Which recorded steps are the request that was asked: by its fields, or by the role of its values. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final, Literal, get_args

from ...correlation import Correlations, Sink
from ...correlation.lexicon import OWN
from ...errors import UsageError, did_you_mean
from ...model.exchange import Exchange
from ...model.message import Request
from .echo import EMBEDDED, MAKES, is_made_up, is_rpc, is_transport, made_in_path, plain
from .negotiation import apart as by_headers
from .negotiation import chosen
from .recording_index import Roles, Tape
from .representation import wants_part
from .request_table import Mismatch, Place, Scalar, cut, fields_of, mismatches

Match = Literal["strict", "loose", "by-order"]
End = Literal["last", "cycle", "404", "live"]

IsKnown = Callable[[Exchange, Mismatch], bool]  # whether this client can have the value that stands in a role
OF_SOCKETS: Final = frozenset(("sessionid", "clientid", "clientsession", "tabid"))  # a kernel's channels, for instance
NAMED: Final = 5  # recorded values that a miss names
NEAREST: Final = 3  # near misses that a response tells
TOLD: Final = 20  # differences that a near miss tells in JSON; a body may have thousands
IN_A_SENTENCE: Final = 8
LOOKED_AT: Final = 12  # recorded requests that are compared in full to find them


@dataclass(frozen=True, slots=True)
class MatchRules:
    """How requests are compared with the recorded ones, and what comes after the last recorded response."""

    match: Match = "loose"
    end: End = "last"
    headers: frozenset[str] = frozenset()  # ignored, in lower case
    query: frozenset[str] = frozenset()  # ignored
    roles: bool = True  # a value that came from an earlier response may be another one now
    json: tuple[str, ...] = ()  # ignored: pointers, each with all that lies below; * stands for any one part

    def __post_init__(self) -> None:
        for word, known, name in ((self.match, get_args(Match), "match"), (self.end, get_args(End), "end")):
            if word not in known:
                raise UsageError(f"{name}: {word!r} is not one of {', '.join(known)}{did_you_mean(word, known)}")
        for pointer in self.json:
            if not pointer.startswith("/"):
                raise UsageError(f"{pointer!r} is no JSON pointer", hint="it begins with a slash, such as /items/*/at")

    def ignores(self) -> Callable[[Mismatch], bool]:
        """Whether a mismatch does not count."""
        patterns = [
            "/".join("[^/]*" if part == "*" else re.escape(part) for part in one.split("/")) for one in self.json
        ]
        below = re.compile(f"(?:{'|'.join(patterns)})(?:/.*)?", re.DOTALL) if patterns else None

        def ignored(found: Mismatch) -> bool:
            if found.where == "header":
                return found.name in self.headers
            if found.where == "query":
                return found.name in self.query
            return found.where == "body" and below is not None and below.fullmatch(found.name) is not None

        return ignored


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A recorded request that was not the one asked, and what differed; nothing differs when it was played already."""

    exchange: Exchange
    mismatches: tuple[Mismatch, ...]

    def __str__(self) -> str:
        one = self.exchange
        more = len(self.mismatches) - IN_A_SENTENCE
        told = [*map(str, self.mismatches[:IN_A_SENTENCE]), *([f"and {more} more"] if more > 0 else [])]
        why = "; ".join(told) or "the same request, whose recorded answers are used up"
        return f"step {one.step}, {one.method} {one.path}, answered {one.status}: {why}"

    def as_json(self) -> dict[str, object]:
        one = self.exchange
        return {
            "step": one.step,
            "exchange": one.id,
            "method": one.method,
            "path": one.path,
            "status": one.status,
            "cluster": one.cluster,
            "environment": one.environment,
            "differences": [each.as_json() for each in self.mismatches[:TOLD]],
            **({"more": len(self.mismatches) - TOLD} if len(self.mismatches) > TOLD else {}),
        }


class MatchView:
    """One request held against a tape."""

    def __init__(
        self, tape: Tape, rules: MatchRules, asked: Request, cluster: str, *, environment: str | None, failures: bool
    ) -> None:
        self._tape, self._asked, self._cluster, self._environment = tape, asked, cluster, environment
        self._failures, self._roles = failures, rules.roles
        self._headers = rules.match == "strict"
        self._rpc = is_rpc(asked)
        self._ignored = rules.ignores()
        self._fields: dict[bool, dict[Place, Scalar]] = {}

    def exact(self) -> list[Exchange]:
        """The steps with this very request, in order; of a part of something all that have one."""
        path = self._asked.target.partition("?")[0]
        known = self._tape.by_path.get((self._cluster, self._asked.method, path), ())
        if not known and self._asked.method in MAKES and EMBEDDED.search(path):
            known = [
                one for one in self._tape.exchanges.values()
                if (one.cluster, one.method) == (self._cluster, self._asked.method)
            ]  # fmt: skip
        return chosen(self._asked, [one for one in known if self._usable(one) and self._is_exact(one)])

    def parts(self) -> list[Exchange]:
        """The steps with this request whose responses are parts of the whole that is asked for now."""
        path = self._asked.target.partition("?")[0]
        known = self._tape.by_path.get((self._cluster, self._asked.method, path), ())
        return [one for one in known if one.status == 206 and not self._elsewhere(one) and self._is_exact(one)]

    def _is_exact(self, one: Exchange) -> bool:
        return next(self._mismatches(one), None) is None

    def alike(self, is_known: IsKnown) -> list[tuple[Exchange, list[Mismatch]]]:
        """The steps that differ only in values that stand in a role and that this client can have, each with those."""
        path = self._asked.target.partition("?")[0]
        shape = (self._cluster, self._asked.method, path.count("/"))
        known = self._tape.by_shape.get(shape, ()) if self._roles else ()
        found = {
            one.step: roles for one in known
            if self._usable(one) and (roles := self._only_roles(one)) is not None
            and all(is_known(one, each) for each in roles)
        }  # fmt: skip
        fitting = chosen(self._asked, [one for one in known if one.step in found])
        return [(one, found[one.step]) for one in fitting]

    def apart(self, one: Exchange) -> list[Mismatch]:
        """All that was asked otherwise than recorded, whether it counts or not."""
        asked = self._asked_fields(whole_body=not one.request.body.truncated)
        return list(mismatches(self._tape.fields(one, headers=self._headers), asked))

    def preflighted(self) -> Exchange | None:
        """The recorded step of the request that a browser's preflight asks about (Fetch standard, CORS)."""
        method = self._asked.header("access-control-request-method")
        if self._asked.method != "OPTIONS" or not method or not self._asked.header("origin"):
            return None
        path = self._asked.target.partition("?")[0]
        known = [*self._tape.by_path.get((self._cluster, method, path), ())]
        known += [
            one for one in self._tape.by_shape.get((self._cluster, method, path.count("/")), ())
            if self._distance(one) <= 4
        ]  # fmt: skip
        allows = (one for one in known if one.response and one.response.header("access-control-allow-origin"))
        return next(allows, None)

    def unknown_values(self) -> str:
        """ "77 was never recorded; 5000 and 1 were", where one id alone separates the request from recorded ones."""
        asked, found = self._asked_fields(whole_body=True), dict[Place, list[Scalar]]()
        for one in self._tape.exchanges.values():
            if (one.cluster, one.method) != (self._cluster, self._asked.method):
                continue
            apart = (
                self.mismatches(one) if one.path.count("/") == self._asked.target.partition("?")[0].count("/") else []
            )
            if len(apart) == 1 and apart[0].where in ("path", "query", "body") and _is_id(apart[0]):
                found.setdefault((apart[0].where, apart[0].name), []).append(apart[0].recorded)
        if not found:
            return ""
        place, values = max(found.items(), key=lambda pair: len(pair[1]))
        words = [cut(value) for value in dict.fromkeys(map(str, values))][:NAMED]
        told = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
        return f"{cut(str(asked.get(place)))} was never recorded; {told} {'was' if len(words) == 1 else 'were'}"

    def _only_roles(self, one: Exchange) -> list[Mismatch] | None:
        """What differs, when all of it stands in a role; most steps are out at the first difference."""
        roles, found = self._tape.roles[one.step], []
        for each in self._mismatches(one):
            if (each.where, each.name) not in roles or not _of_a_kind(each):
                return None
            found.append(each)
        return found

    def mismatches(self, one: Exchange) -> list[Mismatch]:
        """What differs and counts."""
        return list(self._mismatches(one))

    def _mismatches(self, one: Exchange) -> Iterator[Mismatch]:
        asked = self._asked_fields(whole_body=not one.request.body.truncated)
        found = mismatches(self._tape.fields(one, headers=self._headers), asked)
        roles = self._tape.roles.get(one.step, ())
        return (
            each for each in found
            if not self._ignored(each) and not is_transport(each)
            and not ((each.where, each.name) not in roles and self.is_made(each))
        )  # fmt: skip

    def is_made(self, found: Mismatch) -> bool:
        """Whether today's client made the value up, as the recorded one did; of a WebSocket its own session too."""
        if found.where == "query" and self._asked.header("upgrade") and plain(found.name) in OF_SOCKETS:
            return found.recorded is not None and found.asked is not None
        return is_made_up(found, rpc=self._rpc) or bool(made_in_path(found, self._asked.method))

    def nearest(self, position: int) -> tuple[NearMiss, ...]:
        """The recorded requests that came closest."""
        some = nsmallest(LOOKED_AT, self._tape.exchanges.values(), key=lambda one: (self._distance(one), one.step))
        full = [
            NearMiss(one, (*self._elsewhere(one), *self.mismatches(one), *by_headers(self._asked, one))) for one in some
        ]
        near = nsmallest(NEAREST, full, key=lambda one: (len(one.mismatches), abs(one.exchange.step - position)))
        # One that differs in much more than the nearest explains nothing.
        return tuple(one for one in near if len(one.mismatches) <= len(near[0].mismatches) + 2)

    def _usable(self, one: Exchange) -> bool:
        """Whether a step may answer at all: its environment was not asked for, or it needs what was not sent."""
        if self._elsewhere(one) or (one.response is None and not self._failures):
            return False
        if one.status == 101:
            return bool(self._asked.header("upgrade"))
        if one.status == 304:
            return self._asked_the_same(one)
        if one.status in (206, 416) and not wants_part(one.request):  # asked for in a way of this server's own
            return not wants_part(self._asked)
        return one.status not in (206, 416) or wants_part(self._asked)

    def _asked_the_same(self, one: Exchange) -> bool:
        """Whether a recorded 304 is the response: only the copy that its client had is known to be good."""
        tags, recorded = self._asked.header("if-none-match"), one.request.header("if-none-match")
        if tags or recorded:
            known = set(re.findall(r'"[^"]*"', recorded + (one.response.header("etag") if one.response else "")))
            return bool(known & set(re.findall(r'"[^"]*"', tags))) or (bool(tags) and tags == recorded)
        since = self._asked.header("if-modified-since")
        return bool(since) and since == one.request.header("if-modified-since")

    def _elsewhere(self, one: Exchange) -> list[Mismatch]:
        """A request that names its environment gets that one's answers, and no other request gets those."""
        named = one.environment if one.override in ("header", "baggage") else None
        if self._environment == named or (self._environment == one.environment):
            return []
        return [Mismatch("environment", "", named or one.environment, self._environment)]

    def _distance(self, one: Exchange) -> int:
        """A cheap first guess: another method or cluster is farther than another segment."""
        asked, path = self._asked.target.partition("?")[0].split("/"), one.path.split("/")
        segments = sum(a != b for a, b in zip(asked, path, strict=False)) + abs(len(asked) - len(path))
        return segments + 2 * (one.method != self._asked.method) + 4 * (one.cluster != self._cluster)

    def _asked_fields(self, *, whole_body: bool) -> dict[Place, Scalar]:
        found = self._fields.get(whole_body)
        if found is None:
            found = fields_of(self._asked, headers=self._headers, whole_body=whole_body)
            self._fields[whole_body] = found
        return found


def _is_id(found: Mismatch) -> bool:
    """Whether two values may be names of two things: each has a digit, or is as long as a token."""
    texts = [str(each) for each in (found.recorded, found.asked) if each is not None]
    return len(texts) == 2 and all(any(map(str.isdigit, text)) or len(text) >= CHANCE for text in texts)


def _of_a_kind(found: Mismatch) -> bool:
    """Whether the asked value could stand in the recorded one's role: numbers for numbers, words for words."""
    asked, recorded = found.asked, found.recorded
    if asked is None or recorded is None or isinstance(asked, list | bool) or isinstance(recorded, list | bool):
        return False
    return str(asked).isdigit() == str(recorded).isdigit()


# Where a sink stands among a request's fields. Cookies are not compared; of texts, XML has places.
WHERE: Final = {
    "path": "path", "query": "query", "header": "header", "json": "body", "form": "body", "multipart": "body",
    "text": "body",
}  # fmt: skip
# A price or a date that came from an earlier response is not its name for something: another one is another request.
NAMING: Final = frozenset((
    "code", "csrf", "cursor", "etag", "guid", "handle", "href", "id", "ids", "key", "link", "no", "nonce", "nr",
    "number", "page", "ref", "reference", "secret", "session", "sid", "slug", "state", "ticket", "token", "uri", "url",
    "uuid", "xsrf",
))  # fmt: skip
WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
COUNTED: Final = 6  # digits from which a page or an offset is rather a cursor
CHANCE: Final = 12  # letters and digits mixed: as long as this, a value was made by a machine


def roles_of(correlations: Correlations) -> Roles:
    """By step, the places whose literal value says nothing: what is bound, and what a generator would make anew."""
    found: dict[int, set[Place]] = {}
    for binding in correlations.in_force:
        if names_something(binding.sink, binding.value):
            _add(found, binding.sink)
    for one in correlations.inputs:
        for sink in (one.sink, *one.sinks) if one.generator else ():
            _add(found, sink)
    return {step: frozenset(places) for step, places in found.items()}


def fresh_of(correlations: Correlations, exchanges: Sequence[Exchange]) -> Roles:
    """By step, the places at which the recorded client made a value up: today's client makes another one there.

    An id in the path of a request that only reads was made up by nobody: it names a thing that is there or not.
    """
    found: dict[int, set[Place]] = {}
    methods = {one.step: one.method for one in exchanges}
    for one in correlations.inputs:
        reads = methods.get(one.sink.step, "GET") in ("GET", "HEAD", "OPTIONS", "PROPFIND")
        if one.generator and not (reads and one.sink.part == "path"):
            _add(found, one.sink)
    return {step: frozenset(places) for step, places in found.items()}


def names_something(sink: Sink, value: str) -> bool:
    """Whether a value is an id, a token or the like, by where it stands, by its name, or by its looks."""
    if sink.part in ("path", "header"):
        return True
    names = [part for part in _name(sink).split("/") if part and not part.isdigit()]
    words = {word.lower() for word in WORD.findall(names[-1])} if names else set()
    if value.isdigit() and len(value) < COUNTED and words & OWN:
        return False  # page=2 of a link that was followed: another page is another request
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return bool(words & NAMING) or (len(value) >= CHANCE and mixed and len(value.split()) == 1)


def _add(found: dict[int, set[Place]], sink: Sink) -> None:
    where = WHERE.get(sink.part)
    whole = sink.span is None or sink.part not in ("multipart", "text") or (sink.part == "text" and bool(sink.path))
    if where is not None and whole:
        name = _name(sink)
        found.setdefault(sink.step, set()).add((where, name.lower() if where == "header" else name))


def _name(sink: Sink) -> str:
    """A JSON pointer and a place in XML as they are; of "ids~2", the second occurrence of a name, the name."""
    return sink.path if sink.part in ("json", "text") else sink.path.partition("~")[0]
