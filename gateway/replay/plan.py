"""A replay as a conversation: yields the next request to send, is sent the response. The runner does the sending. Pure.

Values of earlier live responses take the places of the recorded ones. `plan` is a generator; for every step in order:

    yield Send(request) ─ sent Response ─> the response's values are known to later steps
                        ─ sent Again    ─> an earlier step was sent once more: its values count now, and the same step
                                           is planned anew
                        ─ sent LeftOut  ─> the user who watches wants it left out
                        ─ sent None     ─> no response came
    yield Skip(why)     the step is left out on purpose, or needs what a step that was left out would have given
    yield Stop(why)     the step cannot be sent, and the conversation ends before it

What may never happen:
- a write that carries a value which an earlier response of the recording gave and which this run has not bound: the
  step stops before it is sent (replay/stale_values.py says which value, from where, and how to decide);
- a recorded value sent silently in place of one that did not come: the step stops, or a note says so;
- a byte that changes without its value changing: rebinding replaces spans, it does not write bodies anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from ..correlation import Binding, Correlations, Sink, Source, extract, rebind, rewrite
from ..correlation.information import UUID
from ..correlation.lexicon import TOKENS
from ..correlation.names import words
from ..correlation.request_values import needs
from ..errors import GatewayError, UsageError, did_you_mean
from ..model.bodies import media_type, text_of
from ..model.exchange import Exchange
from ..model.headers import FRAMING, GATEWAY_REQUEST, HOP_BY_HOP, WEBSOCKET
from ..model.message import SAFE, Message, Pairs, Request, Response
from .branch import Edit, edited
from .differences.json_difference import read_json
from .fault import Fault, fault_of
from .stale_values import Doubt, DoubtfulValues, StaleValue, doubt_of, explain, source_words, stale_values
from .unseal import placeholders, reveal, revealed_text

NUMBERS: Final = re.compile(r"[0-9]+|(?<![A-Za-z0-9])[0-9a-f]{8,}(?![A-Za-z0-9])")
EXTENSION: Final = re.compile(r"[^.]\.[A-Za-z][A-Za-z0-9]{1,5}$")

# A GraphQL document that begins with a query and has no operation of another kind.
READING: Final = re.compile(r"(?s)\s*(?:\{|query\b)(?!.*\b(?:mutation|subscription)\b)")

# What belongs to one connection or to one run, and is set anew by the sender of the request.
DROPPED: Final = frozenset((*HOP_BY_HOP, *FRAMING, *WEBSOCKET, *GATEWAY_REQUEST, "traceparent", "tracestate", "via"))
OLD: Final = datetime(1995, 1, 1, tzinfo=UTC)
IDEMPOTENCY: Final = frozenset(("idempotency-key", "x-idempotency-key"))
SEALED: Final = "sealed_"  # begins the placeholder of a secret

Environments = Mapping[str, str]  # cluster -> environment


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What a replay shall do. Steps count from 1; `last` None goes to the end."""

    first: int = 1
    last: int | None = None
    to: Environments = field(default_factory=dict)
    edits: Mapping[int, Sequence[Edit]] = field(default_factory=dict)
    environments: Mapping[int, Environments] = field(default_factory=dict)  # of single steps
    as_recorded: bool = False  # every step in the environment that answered it then
    faults: Mapping[int, Fault] = field(default_factory=dict)
    order: Sequence[int] = ()  # the steps as they are sent, where not as recorded; one may come twice
    only: frozenset[int] | None = None  # nothing but these steps
    fresh: Sequence[str] = ()  # names of inputs that get a new value wherever they are sent
    yes_to: frozenset[int] = frozenset()  # writes that go out with a recorded value where this run has none of its own

    def includes(self, step: int) -> bool:
        chosen = self.only is None or step in self.only
        return chosen and step >= self.first and (self.last is None or step <= self.last)

    def in_order(self, exchanges: Sequence[Exchange]) -> list[Exchange]:
        """The exchanges as they are to be sent."""
        known = {exchange.step: exchange for exchange in exchanges}
        return [known[step] for step in self.order] if self.order else list(exchanges)

    def fault_of(self, exchange: Exchange) -> Fault | None:
        """What is injected into a step: what is asked for, else what its record says was injected then."""
        return self.faults.get(exchange.step) or fault_of(exchange)

    def environments_of(self, exchange: Exchange) -> dict[str, str]:
        """Where this step is sent, as far as it is not the table's own choice."""
        chosen = recorded_choice(exchange.request)
        its_own = (
            self.as_recorded or exchange.override is not None
        )  # Gateway-Env, a what-if, a pin: the step's own choice
        if its_own and exchange.cluster and exchange.environment:
            chosen[exchange.cluster] = exchange.environment
        return chosen | dict(self.to) | dict(self.environments.get(exchange.step, {}))


@dataclass(frozen=True, slots=True)
class Send:
    """The next request, with this run's own values and secrets in it."""

    step: int
    request: Request = field(repr=False)
    environments: Environments
    bindings: tuple[str, ...] = ()  # names of the values that were put in
    notes: tuple[str, ...] = ()
    fault: Fault | None = None
    doubtful: bool = False  # it carries a recorded value where this run has another one, or none
    anyway: bool = False  # it may go out with recorded values (--yes-to)
    credentials: tuple[int, ...] = ()  # the steps whose responses gave what it is signed in with, the latest first


@dataclass(frozen=True, slots=True)
class Skip:
    """This step is left out."""

    step: int
    why: str


@dataclass(frozen=True, slots=True)
class Stop:
    """This step cannot be sent, and the replay ends before it. `doubts` are what somebody may decide."""

    step: int
    why: str
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """A reply: an earlier step was sent once more, and this is what came. The action is asked for anew."""

    step: int
    response: Response = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A reply: the user who watches wants this step left out; the replay goes on."""


Action = Send | Skip | Stop
Reply = Response | Again | LeftOut | None
Conversation = Generator[Action, Reply, None]


def plan(
    exchanges: Sequence[Exchange],
    correlations: Correlations,
    wanted: ReplayOptions,
    *,
    secrets: Mapping[str, str],
    new_key: Callable[[], str],
) -> Conversation:
    """One action for every step. Send the live response of each Send, None when there was none.

    `secrets` are those of the recording by placeholder; `new_key` makes a fresh idempotency key.
    """
    run = PlanRun(exchanges, correlations, wanted, secrets, new_key)
    stopped = 0
    for exchange in wanted.in_order(exchanges):
        if stopped:
            yield Skip(exchange.step, f"the replay stopped at step {stopped}")
        elif not wanted.includes(exchange.step):
            yield Skip(exchange.step, "left out on purpose")
        else:
            action = run.action(exchange)
            while isinstance(reply := (yield action), Again):
                run.remember(reply.step, reply.response, again=True)
                action = run.action(exchange)
            if isinstance(reply, Response):
                run.remember(exchange.step, reply)
            elif isinstance(action, Stop) and not isinstance(reply, LeftOut):
                stopped = exchange.step


class PlanRun:
    """What one replay knows so far: the live responses, its cookies, its fresh keys."""

    def __init__(
        self, exchanges: Sequence[Exchange], correlations: Correlations, wanted: ReplayOptions,
        secrets: Mapping[str, str], new_key: Callable[[], str],
    ) -> None:  # fmt: skip
        self._correlations, self._wanted, self._secrets, self._new_key = correlations, wanted, secrets, new_key
        self._responses: dict[int, Response] = {}
        self._recorded = {each.step: each.response for each in exchanges if each.response is not None}
        self._jar: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._new_values = self._new_values_of(wanted.fresh)
        self._set_at: dict[str, int] = {}  # cookie -> the first step whose recorded response set it
        self._given: dict[int, list[str]] = {}  # step -> the cookies that its recorded response set
        self._renamed: dict[str, str] = {}  # a cookie's recorded name -> this run's
        for exchange in exchanges:
            self._given[exchange.step] = [name for name, value in cookies_set(exchange.response) if value is not None]
            for name, _ in cookies_set(exchange.response):
                self._set_at.setdefault(name, exchange.step)

    def remember(self, step: int, response: Response, *, again: bool = False) -> None:
        """Keep what later steps may need. A repeated submit that was refused takes nothing back."""
        before = self._responses.get(step)
        if before is None or again or response.status < 400 or before.status >= 400:
            self._responses[step] = response
        self._renamed |= renamed(self._given.get(step, ()), [name for name, value in cookies_set(response) if value])
        for name, value in cookies_set(response):
            if value is None:
                self._jar.pop(name, None)
            else:
                self._jar[name] = value

    def action(self, exchange: Exchange) -> Action:
        """What is to be done about a step."""
        try:
            return self.next(exchange)
        except GatewayError as error:
            doubts = error.doubts if isinstance(error, DoubtfulValues) else ()
            return Stop(exchange.step, sentence(error), doubts)

    def next(self, exchange: Exchange) -> Send:
        """The step's request with this run's values, edits and secrets; GatewayError says why it cannot be sent."""
        request, notes = exchange.request, list[str]()
        if request.body.truncated:
            kept, size = len(request.body.data), request.body.size
            hint = "raise recording.max_body in routes.yaml and record it again"
            raise GatewayError(f"the record kept {kept} of the {size} bytes of its body", hint=hint)
        bindings = self._correlations.of_step(exchange.step)
        stale = self._stale_values(exchange, notes)
        values = {binding.id: self._value(binding, exchange, notes) for binding in bindings}
        request = rebind(self._freshened(request, exchange.step), bindings, values)
        request = replace(request, headers=self._headers(request, exchange.step, notes))
        request = edited(request, self._wanted.edits.get(exchange.step, ()))
        request = _unmeasured(reveal(request, self._secrets))
        if unknown := placeholders(request):
            hint = f"give it with --set {exchange.step}:PLACE=VALUE"
            raise GatewayError(f"the secret behind {unknown[0]} is not in this recording", hint=hint)
        names = tuple(dict.fromkeys(binding.variable for binding in bindings))
        environments = self._wanted.environments_of(exchange)
        fault = self._wanted.fault_of(exchange)
        return Send(
            exchange.step, request, environments, names, tuple(notes), fault, doubtful=bool(stale),
            anyway=exchange.step in self._wanted.yes_to, credentials=self._credentials(exchange, bindings),
        )  # fmt: skip

    def _credentials(self, exchange: Exchange, bindings: Sequence[Binding]) -> tuple[int, ...]:
        """The earlier steps that gave its Authorization, its token headers and its cookies."""
        found = {
            each.source.step for each in bindings if each.sink.part == "header" and TOKENS & set(words(each.sink.path))
        }  # fmt: skip
        for pair in exchange.request.header("cookie").split(";"):
            name = pair.partition("=")[0].strip()
            if (step := self._set_at.get(name, exchange.step)) < exchange.step:
                found.add(step)
        return tuple(sorted(found, reverse=True))

    def _stale_values(self, exchange: Exchange, notes: list[str]) -> tuple[StaleValue, ...]:
        """What the step sends as recorded although this run has it otherwise; GatewayError when it is a write."""
        step = exchange.step
        found = stale_values(step, self._correlations, self._responses, self._clear, self._recorded)
        stale = tuple(each for each in found if not self._replaced(each.sink))
        said = [explain(each, secret=_is_secret(each)) for each in stale]
        if stale and step not in self._wanted.yes_to and self._writes(exchange):
            doubts = tuple(doubt_of(each, secret=_is_secret(each)) for each in stale)
            raise DoubtfulValues(f"it would write with a value of the recording: {'; '.join(said)}", doubts)
        notes += [f"sent as recorded: {each}" for each in said]
        return stale

    def _writes(self, exchange: Exchange) -> bool:
        """Whether sending the step can change something; a fault that answers by itself reaches no server."""
        fault = self._wanted.fault_of(exchange)
        asks = fault is None or fault.asks
        return asks and exchange.method not in SAFE and not reads_only(exchange.request)

    def _clear(self, value: str) -> str:
        """A value with the secrets that its placeholders stand for."""
        return revealed_text(value, self._secrets)

    def _value(self, binding: Binding, exchange: Exchange, notes: list[str]) -> str:
        """This run's value for a binding: of its source, else of an alternate."""
        for source in (binding.source, *binding.alternates):
            response = self._responses.get(source.step)
            then = self._recorded.get(source.step)
            value = extract(response, source, binding.transforms, like=then) if response is not None else None
            if value is not None:
                return value
        source = binding.source
        if source.step not in self._responses and not self._wanted.includes(source.step):
            if exchange.step not in self._wanted.yes_to and self._writes(exchange) and not self._replaced(binding.sink):
                hint = f"send step {source.step} too, or --yes-to {exchange.step} sends the recorded one"
                raise GatewayError(
                    f"it would write with {binding.variable} of the recording: step {source.step}, which gives it, "
                    "was left out", hint=hint,
                )  # fmt: skip
            notes.append(f"{binding.variable} is the recorded one: step {source.step}, which gives it, was left out")
            return binding.value
        if self._replaced(binding.sink):
            return binding.value
        came = self._came(source)
        hint = f"--set {binding.sink.step}:PLACE=VALUE sends a value of your own"
        raise GatewayError(f"{binding.variable} is missing: it comes from {source_words(source)}, {came}", hint=hint)

    def _replaced(self, sink: Sink) -> bool:
        """Whether an edit of the reader's own takes the place of this value anyway."""
        return any(
            edit.part == sink.part and edit.name.lower() == sink.path.lower()
            for edit in self._wanted.edits.get(sink.step, ())
        )

    def _came(self, source: Source) -> str:
        """What came instead of a value, without its values: they may be secret."""
        response = self._responses.get(source.step)
        if response is None:
            return "which was not answered this time"
        return f"which this time answered {response.status} with {outline(response)}"

    def _headers(self, request: Request, step: int, notes: list[str]) -> Pairs:
        out = []
        for name, value in request.headers:
            low = name.lower()
            if low in DROPPED or (low == "content-encoding" and request.body.plain):
                continue
            if low in IDEMPOTENCY:
                value = self._keys.get(value) or self._fresh(value)
            elif low == "cookie":
                value = self._cookies(value, step, notes)
            elif low == "baggage":
                value = foreign_baggage(value)
            if value or low not in ("cookie", "baggage"):
                out.append((name, value))
        return tuple(out)

    def _freshened(self, request: Request, step: int) -> Request:
        """With new values of the inputs that are to be fresh, wherever they are sent; spans of bindings stay whole."""
        if not self._new_values:
            return request
        changes: list[tuple[Sink, str]] = []
        bound = {(each.sink.part, each.sink.path) for each in self._correlations.of_step(step)}
        for need in needs(request, step):
            if (need.sink.part, need.sink.path) in bound:
                continue
            value = need.value
            for old, new in self._new_values.items():
                value = re.sub(rf"(?<![\w-]){re.escape(old)}(?![\w-])", new.replace("\\", r"\\"), value)
            if value != need.value and (need.sink.span is None or need.sink.part == "header"):
                changes.append((need.sink, value))
        return rewrite(request, changes)

    def _new_values_of(self, names: Sequence[str]) -> dict[str, str]:
        """Recorded value -> a new one, of the inputs with these names; UsageError when there is no such input."""
        found: dict[str, str] = {}
        for name in names:
            given = next((each for each in self._correlations.inputs if name in (each.variable, each.value)), None)
            if given is None:
                known = [each.variable for each in self._correlations.inputs]
                hint = f"the inputs are {', '.join(known[:12])}" if known else "the recording has no inputs"
                raise UsageError(f"no input is named {name!r}{did_you_mean(name, known)}", where="fresh", hint=hint)
            found[given.value] = fresh_value(given.value, self._new_key())
        return found

    def _fresh(self, key: str) -> str:
        """A new idempotency key; a retry within the recording keeps its first try's."""
        made = self._keys[key] = self._new_key()
        return made

    def _cookies(self, value: str, step: int, notes: list[str]) -> str:
        """The same cookies as recorded, with this run's contents."""
        pairs = []
        for pair in value.split(";"):
            name, _, content = pair.strip().partition("=")
            set_at = self._set_at.get(name, step)
            own = name if name in self._jar else self._renamed.get(name, name)
            if own in self._jar:
                pairs.append(f"{own}={self._jar[own]}")
            elif set_at >= step or not self._wanted.includes(set_at):
                pairs.append(f"{name}={content}")
            else:
                notes.append(f"the cookie {name}, which step {set_at} set, did not come this time")
        return "; ".join(pairs)


def _is_secret(stale: StaleValue) -> bool:
    """Whether its value is sealed, or was read out of a token."""
    return SEALED in stale.unbound.value or stale.source.part == "jwt"


def renamed(recorded: Sequence[str], live: Sequence[str]) -> dict[str, str]:
    """Cookies that a response set under another name than it did then: a server writes its port into it."""
    gone, new = [name for name in recorded if name not in live], [name for name in live if name not in recorded]
    stems = {NUMBERS.sub("", name): name for name in new}
    return {name: stems[stem] for name in gone if (stem := NUMBERS.sub("", name)) in stems}


def fresh_value(value: str, key: str) -> str:
    """One of the same kind that was not there before: "shop-1f9c02", "ann-1f9c02@example.com", another UUID."""
    mark = key.replace("-", "")[:6]
    if UUID.fullmatch(value):
        return key
    if value.isdigit():
        return str(int(mark, 16)).rjust(len(value), "1")[: len(value)]
    name, at, domain = value.partition("@")
    stem, dot, ending = name.rpartition(".") if not at and EXTENSION.search(name) else (name, "", "")
    return f"{stem}-{mark}{dot}{ending}{at}{domain}"


def reads_only(request: Request) -> bool:
    """Whether a POST is a GraphQL query, with no mutation in its document (GraphQL, October 2021, section 2.3)."""
    if not media_type(request).endswith(("json", "graphql")):
        return False
    try:
        body = read_json(text_of(request) or "")
    except ValueError:
        return False
    documents = [one.get("query") for one in (body if isinstance(body, list) else [body]) if isinstance(one, dict)]
    return bool(documents) and all(isinstance(each, str) and READING.match(each) for each in documents)


def _unmeasured(request: Request) -> Request:
    """An edit measured the body with its placeholders; the sender measures what is sent."""
    headers = tuple(field for field in request.headers if field[0].lower() != "content-length")
    return replace(request, headers=headers)


def recorded_choice(request: Request) -> dict[str, str]:
    """What the request's own Gateway-Env field chose: {"orders": "qa"}."""
    chosen = {}
    for part in request.header("gateway-env").split(","):
        cluster, equals, environment = part.partition("=")
        if equals:
            chosen[cluster.strip()] = environment.strip()
    return chosen


def foreign_baggage(value: str) -> str:
    """W3C baggage without our own members."""
    members = (
        member for member in value.split(",") if not member.strip().startswith(("gateway-session", "gateway-env."))
    )
    return ",".join(members).strip()


def cookies_set(response: Response | None) -> list[tuple[str, str | None]]:
    """(name, value) of every Set-Cookie field; None for a cookie that is taken back (RFC 6265 section 5.3)."""
    found: list[tuple[str, str | None]] = []
    for name, value in response.headers if response else ():
        if name.lower() != "set-cookie":
            continue
        pair, *attributes = value.split(";")
        cookie, equals, content = pair.strip().partition("=")
        if equals:
            gone = _is_taken_back(attributes, response.header("date") if response else "")
            found.append((cookie.strip(), None if gone else content.strip()))
    return found


def _is_taken_back(attributes: Sequence[str], date: str) -> bool:
    """Whether a cookie's attributes delete it: Max-Age of 0 or less, which goes first, else an Expires that is over.

    Over is what lies before the response's own Date; without one, what lies before the web had cookies in use.
    """
    words = {name.strip().lower(): value.strip() for name, _, value in (word.partition("=") for word in attributes)}
    if re.fullmatch(r"-?\d+", words.get("max-age", "")):
        return int(words["max-age"]) <= 0
    expires, now = _moment(words.get("expires", "").replace("-", " ")), _moment(date)
    return expires is not None and expires <= (now or OLD)


def _moment(text: str) -> datetime | None:
    """An HTTP date, or the older spelling of cookies: "Thu, 01-Jan-1970 00:00:00 GMT"."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def outline(message: Message) -> str:
    """A body by its members' names: enough to see what is missing, without a value."""
    text = text_of(message)
    try:
        value = read_json(text) if text else None
    except ValueError:
        value = None
    if isinstance(value, dict):
        names = ", ".join(list(value)[:12]) + (", ..." if len(value) > 12 else "")
        return f"the members {names}" if names else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"{message.body.size} bytes of {media_type(message) or 'unknown type'}" if message.body.size else "no body"


def sentence(error: GatewayError) -> str:
    """What happened and what to try, in one line."""
    text = f"{error.where}: {error.message}" if error.where else error.message
    return f"{text}; {error.hint}" if error.hint else text
