"""One exchange against the contract of its cluster: which operation it was, and what does not fit. Pure.

Judged are responses of upstreams, live or of a replay: never playback, an injected fault or the gateway's own error. A
request is judged only where it was accepted. What cannot be judged is counted as such, and is no drift.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

from ..errors import ConfigError
from ..model.bodies import decoded, media_type
from ..model.exchange import Exchange
from ..model.message import Message
from ..model.text import shape
from .contract import ApiOperation, ApiParameter, Content, Contract, Found, ResponseRule
from .document import ContractPlace, pointer_of
from .parameters import ABSENT, Pairs, ParameterValues
from .schemas import Direction, SchemaCompiler
from .violations import MOST, NAME, BodyJudge, Severity, Violation, shape_of

Checks = Literal["all", "responses", "none"]
Outcome = Literal["judged", "cut", "coding", "too deep", "not text", "sealed"]
JUDGED_BODY: Final = 16 << 20  # bytes after decoding
_JSON: Final = re.compile(r"(?:application|text)/(?:[^/]*\+)?json")
_OWN: Final = frozenset(("accept", "content-type", "authorization"))  # parameters that OpenAPI ignores
_NOT_ASKED: Final = frozenset((404, 405, 501))
_SHOWN: Final = re.compile(r"[\w.+*-]{1,60}/[\w.+*;=-]{1,60}")


@dataclass(frozen=True, slots=True)
class ContractJudgement:
    """What was found of one exchange. `seen` is what it shows of the contract, for coverage."""

    outcome: Outcome
    method: str
    path: str  # the contract's template, else the path with {id}
    operation: ApiOperation | None
    violations: tuple[Violation, ...] = ()
    seen: tuple[tuple[str, str], ...] = ()  # (kind, what)
    body: Any = ABSENT  # of the response, where it was judged
    rule: ResponseRule | None = None

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def name(self) -> str:
        return self.operation.name if self.operation else self.label


@dataclass(frozen=True, slots=True)
class Scope:
    """How one cluster's exchanges in one environment are judged."""

    base: str | None = None  # as routes.yaml says it
    upstream_base: str = ""  # path of the upstream's URL
    checks: Checks = "all"
    sets: frozenset[str] = frozenset()  # headers that the gateway adds to requests there, in small letters


def is_judged(exchange: Exchange) -> bool:
    """Whether an exchange is one that contracts speak of: an upstream's whole response, and no preflight."""
    return (
        exchange.state == "done" and exchange.mode in ("live", "replay") and exchange.response is not None
        and exchange.failure is None and exchange.status is not None and exchange.status >= 200
        and exchange.method != "OPTIONS" and bool(exchange.cluster) and bool(exchange.upstream_url)
    )  # fmt: skip


class ContractJudge:
    """Judges exchanges by one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._schemas: dict[Direction, SchemaCompiler] = {
            "request": SchemaCompiler(contract, "request"), "response": SchemaCompiler(contract, "response"),
        }  # fmt: skip
        self._judges: dict[tuple[ContractPlace, Direction], BodyJudge | None] = {}
        self._broken: dict[str, None] = {}

    @property
    def problems(self) -> list[str]:
        """What of the contract could not be used so far, with file and line."""
        return [*self._schemas["response"].problems, *self._schemas["request"].problems, *self._broken]

    def find(self, exchange: Exchange, scope: Scope) -> Found:
        """The operation of an exchange, by the path that its upstream got."""
        path, query = upstream_target(exchange)
        return self.contract.find(exchange.method, path, query, self.contract.bases(scope.base, scope.upstream_base))

    def judge(self, exchange: Exchange, scope: Scope) -> ContractJudgement | None:
        """What does not fit; None for an exchange that is not judged at all."""
        if scope.checks == "none" or not is_judged(exchange):
            return None
        path, _ = upstream_target(exchange)
        if scope.base and not self.contract.is_below(path, (scope.base.rstrip("/"),)):
            return None
        found = self.find(exchange, scope)
        if found.operation is None:
            return self._undocumented(exchange, found, scope)
        try:
            return _Case(self, exchange, scope, found, found.operation).judgement()
        except (ConfigError, KeyError) as error:  # a part of the contract that no other exchange has asked for
            self._broken[str(error)] = None
            return ContractJudgement("judged", exchange.method, found.operation.path, found.operation)

    def _undocumented(self, exchange: Exchange, found: Found, scope: Scope) -> ContractJudgement:
        status = exchange.status or 0
        severity: Severity = "error" if status < 400 else "info"
        if found.item is None:
            path = shape(found.path)
            rule, place, expected = (
                "undocumented-operation",
                ContractPlace(self.contract.documents.root.name, ("paths",)),
                self.contract.nearest(found.path, self.contract.bases(scope.base, scope.upstream_base)),
            )
        else:
            path, place = found.item.path, found.item.place
            rule, expected = "undocumented-method", ", ".join(found.item.operations)
        if status >= 400 and status not in _NOT_ASKED:
            severity = "info"
        violation = Violation(
            rule, severity, "request", "", expected, exchange.method if found.item else "no such path", place
        )
        return ContractJudgement("judged", exchange.method, path, None, (violation,))

    def body_judge(self, schema: ContractPlace, direction: Direction) -> BodyJudge | None:
        """What judges values of a schema; None where it cannot be compiled."""
        key = schema, direction
        if key not in self._judges:
            compiled = self._schemas[direction].compiled(schema)
            self._judges[key] = BodyJudge(self.contract, compiled, direction) if compiled else None
        return self._judges[key]


def upstream_target(exchange: Exchange) -> tuple[str, str]:
    """(path, query) that the upstream got, as they were sent."""
    try:
        url = urlsplit(exchange.upstream_url)
    except ValueError:
        return "/", ""
    return url.path or "/", url.query


@dataclass(slots=True)
class _Case:
    """One exchange of a documented operation."""

    judge: ContractJudge
    exchange: Exchange
    scope: Scope
    found: Found
    operation: ApiOperation
    outcome: Outcome = "judged"
    violations: list[Violation] = field(default_factory=list)
    seen: dict[tuple[str, str], None] = field(default_factory=dict)
    body: Any = ABSENT

    def judgement(self) -> ContractJudgement:
        status = self.exchange.status or 0
        rule = self._response(status)
        if self.scope.checks == "all" and status < 400:
            self._request(accepted=200 <= status < 300)
        return ContractJudgement(
            self.outcome, self.operation.method, self.operation.path, self.operation, tuple(self.violations[:MOST]),
            tuple(self.seen), self.body, rule,
        )  # fmt: skip

    def _add(
        self,
        rule: str,
        severity: Severity,
        side: Direction,
        pointer: str,
        expected: str,
        found: str,
        place: ContractPlace,
    ) -> None:
        self.violations.append(Violation(rule, severity, side, pointer, expected, found, place))

    # -- the response

    def _response(self, status: int) -> ResponseRule | None:
        contract, label = self.judge.contract, self.operation.label
        self.seen["operation", label] = None
        rule = contract.response(self.operation, status)
        if rule is None:
            if status == 304 and contract.response(self.operation, 200):
                return None  # of a conditional request (RFC 9110 section 15.4.5): the contract's 200, not changed
            severity: Severity = "error" if status < 400 else "warning" if status < 500 else "info"
            place = self.operation.place.below("responses")
            known = ", ".join(contract.responses(self.operation))
            self._add("undocumented-status", severity, "response", "", known, str(status), place)
            return None
        self.seen["status", f"{label} {rule.status}"] = None
        response = self.exchange.response
        assert response is not None
        bodyless = self.exchange.method == "HEAD" or status in (204, 205, 304) or not response.body.size
        if not bodyless and not self.exchange.stream:
            self._content(response, rule, status)
        return rule

    def _content(self, response: Message, rule: ResponseRule, status: int) -> None:
        kind = media_type(response)
        chosen = _chosen(rule.content, kind) or _only_json(rule.content, kind, response)
        if not rule.content:
            self._add("undocumented-type", "info", "response", "", "no body", _shown(kind), rule.place)
            return
        if chosen is None:
            severity: Severity = "error" if status < 300 else "warning"
            wanted = ", ".join(one.media_type for one in rule.content[:5])
            self._add("undocumented-type", severity, "response", "", wanted, _shown(kind), rule.place.below("content"))
            return
        if chosen.schema is None or not _JSON.fullmatch(kind or chosen.media_type):
            return
        value = self._json(response, chosen, "response")
        if value is not ABSENT:
            self.body = value
            self._judge_body(value, chosen.schema, "response")

    def _json(self, message: Message, content: Content, side: Direction) -> Any:
        """The value of a JSON body; ABSENT where it cannot be judged, and where it is none."""
        if message.body.truncated:
            self.outcome = "cut"
            return ABSENT
        if message.body.sealed_rest:
            self.outcome = "sealed"
            return ABSENT
        data, problem = decoded(message, JUDGED_BODY)
        if problem is not None:
            self.outcome = "coding"
            return ABSENT
        try:
            return json.loads(data, parse_constant=_no_constant)
        except RecursionError:
            self.outcome = "too deep"
        except ValueError:
            if side == "response":
                self._add("not-json", "error", side, "", content.media_type, "no JSON", content.place)
            else:
                self._add("accepted-invalid", "warning", side, "", content.media_type, "no JSON", content.place)
        return ABSENT

    def _judge_body(self, value: Any, schema: ContractPlace, side: Direction) -> None:
        judge = self.judge.body_judge(schema, side)
        if judge is None:
            return
        try:
            found = judge.violations(value)
        except ValueError:  # half a surrogate pair
            self.outcome = "not text"
            return
        self.violations += found if side == "response" else map(_accepted, found)

    # -- the request

    def _request(self, *, accepted: bool) -> None:
        operation, contract = self.operation, self.judge.contract
        if operation.deprecated:
            self._add(
                "deprecated-used", "info", "request", "", "not to be used", "used", operation.place.below("deprecated")
            )
        _, query = upstream_target(self.exchange)
        headers: Pairs = self.exchange.request.headers
        values = ParameterValues(contract, self.found.values, query, headers, _cookies(headers))
        parameters = contract.parameters(operation)
        for parameter in parameters:
            self._parameter(parameter, values, accepted=accepted)
        if any(one.where == "querystring" for one in parameters):
            return
        known = {one.name for one in parameters if one.where == "query"} | set(_query_of(operation.path))
        for name in values.undocumented():
            if name.partition("[")[0] not in known and name not in known:
                shown = name if NAME.fullmatch(name) else "*"
                place = operation.place.below("parameters")
                self._add(
                    "undocumented-parameter", "info", "request", f"query:{shown}", "no such parameter", "sent", place
                )
        if accepted:
            self._request_body()

    def _parameter(self, parameter: ApiParameter, values: ParameterValues, *, accepted: bool) -> None:
        if parameter.where == "header" and parameter.name.lower() in (_OWN | self.scope.sets):
            return
        value = values.value(parameter)
        name = f"{parameter.where}:{parameter.name}"
        if value is ABSENT:
            hidden = parameter.where == "cookie" and self.exchange.request.header("cookie")
            if parameter.required and accepted and not hidden:
                self._add("missing-parameter", "warning", "request", name, "a value", "missing", parameter.place)
            return
        self.seen["parameter", f"{self.operation.label} {name}"] = None
        if parameter.deprecated:
            self._add("deprecated-used", "info", "request", name, "not to be used", "used", parameter.place)
        if not accepted or parameter.schema is None or parameter.where == "cookie":
            return
        judge = self.judge.body_judge(parameter.schema, "request")
        try:
            found = judge.violations(value) if judge else []
        except ValueError:
            return
        for one in map(_accepted, found):
            if one.rule == "accepted-invalid":
                self._add(one.rule, one.severity, "request", name + one.pointer, one.expected, one.found, one.place)

    def _request_body(self) -> None:
        contract, request = self.judge.contract, self.exchange.request
        content = contract.request_body(self.operation)
        if not content:
            return
        kind = media_type(request)
        if not request.body.size:
            if contract.request_body_is_required(self.operation):
                place = self.operation.place.below("requestBody")
                self._add("accepted-invalid", "warning", "request", "", "a body", "no body", place)
            return
        chosen = _chosen(content, kind) or _only_json(content, kind, request)
        if chosen is None:
            wanted, place = ", ".join(one.media_type for one in content[:5]), self.operation.place.below("requestBody")
            self._add("accepted-invalid", "warning", "request", "", wanted, _shown(kind), place)
        elif chosen.schema is not None and _JSON.fullmatch(kind or chosen.media_type):
            value = self._json(request, chosen, "request")
            if value is not ABSENT:
                self._judge_body(value, chosen.schema, "request")


def _accepted(one: Violation) -> Violation:
    """What does not fit in a request that was accepted."""
    if one.severity == "info":
        return one
    return Violation("accepted-invalid", "warning", "request", one.pointer, one.expected, one.found, one.place)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _chosen(content: Sequence[Content], kind: str) -> Content | None:
    """The media type that fits best: itself, its family, any."""
    family = kind.partition("/")[0] + "/*"
    for wanted in (kind, family, "*/*"):
        for one in content:
            if one.media_type == wanted:
                return one
    return None


def _only_json(content: Sequence[Content], kind: str, message: Message) -> Content | None:
    """A body without a type, where JSON is what it should be and begins as such."""
    json_kinds = [one for one in content if _JSON.fullmatch(one.media_type)]
    if kind or not json_kinds or message.body.data.lstrip()[:1] not in (b"{", b"["):
        return None
    return json_kinds[0]


def _shown(kind: str) -> str:
    if not kind:
        return "no content type"
    return kind if _SHOWN.fullmatch(kind) else "another type"


def _query_of(path: str) -> list[str]:
    """Names that a path of the contract has behind its `?`."""
    return [unquote(pair.partition("=")[0]) for pair in path.partition("?")[2].split("&") if pair]


def _cookies(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower() == "cookie":
            try:
                found |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
            except CookieError:
                continue
    return found


def members_of(contract: Contract, schema: ContractPlace, *, depth: int = 4, most: int = 400) -> Iterator[str]:
    """Pointers of the members that a schema documents, to a depth; a cycle is followed as deep."""
    waiting: list[tuple[ContractPlace, tuple[str, ...], int]] = [(schema, (), 0)]
    told = 0
    while waiting and told < most:
        place, tokens, level = waiting.pop(0)
        try:
            value = contract.value(place)
            place = contract.resolved(place)
        except (ConfigError, KeyError):
            continue
        if not isinstance(value, dict) or level > 12 or len(tokens) > depth:
            continue
        for word in ("allOf", "anyOf", "oneOf"):
            parts = value.get(word)
            count = len(parts) if isinstance(parts, list) else 0
            waiting += [(place.below(word, str(index)), tokens, level + 1) for index in range(count)]
        if isinstance(value.get("items"), dict):
            waiting.append((place.below("items"), (*tokens, "*"), level + 1))
        members = value.get("properties")
        for name, one in members.items() if isinstance(members, dict) and len(tokens) < depth else ():
            if isinstance(one, dict) and one.get("writeOnly") is True:
                continue
            told += 1
            yield pointer_of((*tokens, name))
            waiting.append((place.below("properties", name), (*tokens, name), level + 1))


def has_member(value: Any, tokens: Sequence[str]) -> bool:
    """Whether a body has a member at a pointer, `*` for any item."""
    for index, token in enumerate(tokens):
        if token == "*":
            items = value if isinstance(value, list) else []
            return any(has_member(item, tokens[index + 1 :]) for item in items)
        if not isinstance(value, dict) or token not in value:
            return False
        value = value[token]
    return True


__all__ = [
    "ContractJudge",
    "ContractJudgement",
    "Scope",
    "has_member",
    "is_judged",
    "members_of",
    "shape_of",
    "upstream_target",
]
