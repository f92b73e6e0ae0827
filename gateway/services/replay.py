"""Sends a recording's requests again through the gateway's own public URLs, as any client would. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic, time
from typing import TYPE_CHECKING, Final, Literal
from uuid import uuid4

import aiohttp

from ..correlation import Correlations, Decisions, Input, Verdicts, checked, correlate, proved, read_declared
from ..correlation.finder import seconds
from ..correlation.urls import subject_key
from ..errors import GatewayError, NotFoundError, UsageError
from ..model.bodies import text_of
from ..model.exchange import Exchange
from ..model.message import SAFE, Response
from ..model.recording import all_items
from ..protocols import LiveSession, PlaybackMode
from ..replay.assertions import Assertion, read_assertion
from ..replay.branch import Edit, edited
from ..replay.message_values import with_messages
from ..replay.plan import Action, Again, Conversation, LeftOut, ReplayOptions, Reply, Send, Skip, Stop, plan, sentence
from ..replay.playback.playback import Playback
from ..replay.polling import Poll, asks_again, is_another_moment, pause, polls
from ..replay.report import ReplayResult, StepResult
from ..replay.runner import LONGEST, Driver, doubted, step_of
from ..replay.write_guard import GuardFinding, findings, writing

if TYPE_CHECKING:
    from ..protocols import Services, Store
    from ..replay.playback.recording_index import Tape
    from ..replay.report import StepResult


async def learn(
    services: Services, of: str, exchanges: Sequence[Exchange], correlations: Correlations, recording: str,
    steps: Sequence[StepResult],
) -> tuple[str, ...]:  # fmt: skip
    """Confirm, beside the recording `of`, the bindings that the run `recording` has proved; their ids."""
    ids = await asyncio.to_thread(_proved, services.store, exchanges, correlations, recording, steps)
    if ids:
        await asyncio.wrap_future(services.recorder.decide(of, accept=ids))
    return ids


def _proved(
    store: Store, exchanges: Sequence[Exchange], correlations: Correlations, recording: str, steps: Sequence[StepResult]
) -> tuple[str, ...]:
    if not any(each.status == "auto" for each in correlations.bindings):
        return ()
    lived = {each.id: each for each in heard_steps(store, recording)}
    again = {each.step: lived[each.exchange] for each in steps if each.exchange in lived}
    well = frozenset(each.step for each in steps if each.status == each.recorded_status and each.step in again)
    return proved(correlations, [with_messages(each, store.chunks) for each in exchanges], again, well)


Kind = Literal["replay", "variant"]
WAIT: Final = 30.0  # seconds that a poll is repeated until it has the recorded state
LONGEST_WAIT: Final = 3600.0
SIGN_IN: Final = re.compile(r"(?i)log-?in|sign-?in|/auth\b|/sso\b")  # where a server sends those who are not signed in
TAKEN: Final = re.compile(r"(?i)already|exist|taken|unique|duplicate|in use")  # said of a name that is not free
NO_VERDICTS: Final = Verdicts()
PACES: Final = ("fast", "recorded")


@dataclass(frozen=True, slots=True)
class Word:
    """What whoever watches wants: "go", "skip", "stop", or "retry": send the last step once more. `edits` change
    what is sent now."""

    do: Literal["go", "skip", "stop", "retry"] = "go"
    edits: Sequence[Edit] = ()


GO: Final = Word()
Seen = Callable[[StepResult], None]
Gate = Callable[[Action | None], Awaitable[Word]]


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What to replay, and as what it is recorded."""

    recording: str  # a full id
    wanted: ReplayOptions = field(default_factory=ReplayOptions)
    yes: bool = False  # the response to the guard's "ask"
    tape: Tape | None = None  # answered from it, no upstream touched
    kind: Kind = "replay"
    branched_at: int | None = None
    title: str = ""
    until_differs: bool = False  # stop at the first step that really differs
    only_assertions: bool = False  # differences are told, but only assertions decide
    verdicts: Verdicts = NO_VERDICTS  # what is decided about correlations for this run
    wait: float = WAIT
    pace: str = "fast"


async def replay(
    services: Services, order: ReplayOrder, *, seen: Seen | None = None, gate: Gate | None = None
) -> ReplayResult:
    """Run it. `seen` is called after every step; `gate` before, and with None at the end: it says what to do."""
    exchanges = await asyncio.to_thread(all_steps, services.store, order.recording)
    check_wanted(order.wanted, exchanges, services)
    secrets = await asyncio.to_thread(services.secrets, order.recording)
    correlations = await asyncio.to_thread(correlated, services.store, order.recording, exchanges, order.verdicts)
    assertions = await asyncio.to_thread(_asserted, services.store, order)
    found = findings(exchanges, correlations, order.wanted, services.routes.table, secrets=secrets, now=time())
    warnings = tuple(f"step {one.step}: {one.message}" for one in found if one.kind == "warning")
    forbidden = {} if order.tape else guarded(found, yes=order.yes)
    sequence = order.wanted.in_order(exchanges)
    if forbidden:
        steps = tuple(_unsent(exchange, order.wanted, forbidden) for exchange in sequence)
        return ReplayResult("", order.recording, steps, warnings)
    live = await _begin(services, order)
    recording = live.recording
    conversation = plan(exchanges, correlations, order.wanted, secrets=secrets, new_key=lambda: str(uuid4()))
    timeout = aiohttp.ClientTimeout(total=LONGEST)
    itself = aiohttp.TCPConnector(ssl=False)  # the gateway, on this machine: nobody stands between
    async with aiohttp.ClientSession(
        connector=itself, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout,
        max_field_size=1 << 16, max_line_size=1 << 16,
    ) as http:  # fmt: skip
        driver = Driver(
            services,
            http,
            live,
            exchanges,
            correlations,
            secrets,
            assertions,
            only_assertions=order.only_assertions,
            revisions=await asyncio.to_thread(services.store.revisions),
        )
        steps = tuple(
            await ReplayRun(services, order, conversation, driver, sequence, seen, gate, correlations.inputs).all()
        )
    sent = any(step.exchange for step in steps)
    teaches = sent and not order.tape and order.kind == "replay" and not order.wanted.edits and not order.wanted.faults
    confirmed = await learn(services, order.recording, exchanges, correlations, recording, steps) if teaches else ()
    return ReplayResult(recording if sent else "", order.recording, steps, warnings, confirmed)


async def _begin(services: Services, order: ReplayOrder) -> LiveSession:
    """A session of its own, whose recording says what it is."""
    live = services.sessions.begin(order.kind)
    live.mode, live.is_guarded, live.may_write = "replay", True, order.yes
    if order.tape:
        playing = PlaybackMode("playback", Playback(order.tape, shift=False))
        live.modes |= dict.fromkeys(order.tape.by_cluster, playing)
    parent = await asyncio.to_thread(services.store.recording, order.recording)
    title = order.title or _title(order, parent.title)
    await asyncio.wrap_future(
        services.recorder.describe_recording(
            live.recording, live.id, kind=order.kind, parent=order.recording, branched_at=order.branched_at,
            title=title,
        )
    )  # fmt: skip
    return live


def _title(order: ReplayOrder, of: str) -> str:
    """ "Replay on catalogue@test: Order a book" """
    there = ", ".join(f"{cluster}@{environment}" for cluster, environment in order.wanted.to.items())
    word = "Replay" if order.kind == "replay" else "What if"
    return f"{word}{f' on {there}' if there else ''}: {of}"[:200]


class ReplayRun:
    """Asks the plan for actions, does them, tells it what came."""

    def __init__(
        self, services: Services, order: ReplayOrder, conversation: Conversation, driver: Driver,
        sequence: Sequence[Exchange], seen: Seen | None, gate: Gate | None, inputs: Sequence[Input] = (),
    ) -> None:  # fmt: skip
        self._inputs = inputs
        self._services, self._order, self._conversation, self._driver = services, order, conversation, driver
        self._sequence, self._seen, self._gate = sequence, seen, gate
        self._steps: list[StepResult] = []
        self._last: tuple[int, Send] | None = None  # where its result stands, and what a retry sends again
        recorded = [one for _, one in sorted({one.step: one for one in sequence}.items())]
        self._polls = {} if order.tape or order.wait <= 0 else polls(recorded)
        self._sent: dict[int, Send] = {}
        self._accepted: dict[int, tuple[int, Response]] = {}  # steps not to be sent: an earlier one did it, with this
        self._renewed: set[int] = set()  # steps before which a sign-in was done again
        self._ended_at = 0.0  # when the last response had come, on the clock of the recording

    async def all(self) -> list[StepResult]:
        """The result of every step, in the order in which they were sent."""
        reply: Reply = None
        while True:
            action = await asyncio.to_thread(_next, self._conversation, reply)
            word = await self._gate(action) if self._gate and not isinstance(action, Skip) else GO
            if word.do == "retry" and self._last is not None:
                reply = await self._retry(*self._last)
                continue
            if action is None:
                return self._steps
            if word.do == "stop":
                return self._ended("stopped here on purpose")
            try:
                reply = await self._do(action, word)
            except GatewayError as error:
                return self._ended(sentence(error))
            if self._order.until_differs and self._gate is None and self._steps[-1].outcome == "differs":
                return self._left("differs")

    async def _do(self, action: Action, word: Word) -> Reply:
        if isinstance(action, Send) and word.do != "skip":
            send = self._edited(action, word.edits) if word.edits else action
            self._last = (len(self._steps), send)
            return await self._send(send)
        stopped = isinstance(action, Stop) and word.do != "skip"
        why = "left out on purpose" if isinstance(action, Send) or word.do == "skip" else action.why
        self._keep(self._driver.left_out(action.step, "stopped" if stopped else "skipped", why))
        return LeftOut() if word.do == "skip" else None

    async def _send(self, send: Send) -> Reply:
        """Send a step, a poll as often as it takes; a sign-in that is over is done again once."""
        await self._pace()
        if send.step in self._accepted:
            giver, before = self._accepted[send.step]
            self._keep(
                self._driver.left_out(send.step, "skipped", f"not sent again: step {giver} was accepted already")
            )
            return before
        foreign = await self._is_foreign(send)
        answer, result = await self._driver.do(send)
        if foreign:
            note = f"{send.request.target.partition('?')[0]} was there already: this run did not make it"
            result = with_note(replace(result, outcome=doubted(result.outcome, doubtful=True)), note)
        if self._is_over(send, answer) and (renewed := await self._signed_in(send)):
            return renewed
        if (poll := self._polls.get(send.step)) and send.fault is None:
            answer, result = await self._polled(send, poll, answer, result)
        self._sent[send.step] = send
        self._keep(self._name_told(send, answer, self._renewal_told(send, answer, result)))
        return answer

    async def _pace(self) -> None:
        """Wait as long as the client did, when that is wanted."""
        exchange = self._sequence[len(self._steps)]
        began = seconds(exchange.started_at)
        if self._order.pace == "recorded" and began is not None:
            await asyncio.sleep(min(max(began - self._ended_at, 0.0), LONGEST) if self._ended_at else 0.0)
            self._ended_at = began + (exchange.timing.total_ms or 0.0) / 1000

    async def _polled(
        self, send: Send, poll: Poll, answer: Response, result: StepResult
    ) -> tuple[Response, StepResult]:
        """The response with the recorded state, or the last one before patience ends; further polls are no steps."""
        begun, more = monotonic(), 0
        while asks_again(poll, answer) and monotonic() - begun < self._order.wait:
            await asyncio.sleep(pause(poll, answer, more))
            answer, result = await self._driver.do(send)
            more += 1
        if more:
            times = f"asked {more} more time{'s' if more > 1 else ''} in {monotonic() - begun:.1f} s"
            reached = "" if not asks_again(poll, answer) else "; it has not the recorded state yet (--wait)"
            return answer, with_note(result, f"{times}{reached}")
        if result.outcome == "differs" and is_another_moment(poll, answer):
            return answer, with_note(replace(result, outcome="expected"), "a poll: the job was at another point")
        return answer, result

    def _is_over(self, send: Send, answer: Response) -> bool:
        """Whether the server wants a new sign-in where it wanted none in the recording."""
        recorded = self._sequence[len(self._steps)]
        refused = answer.status == 401 or (
            answer.status in (302, 303, 307) and SIGN_IN.search(answer.header("location"))
        )
        return bool(refused) and recorded.status is not None and recorded.status not in (401, answer.status)

    async def _signed_in(self, send: Send) -> Again | None:
        """Send the request that gave the credentials once more; None when none did, or when it was done before."""
        giver = next((step for step in send.credentials if step in self._sent), None)
        if giver is None or send.step in self._renewed or self._order.tape:
            return None
        self._renewed.add(send.step)
        answer, _ = await self._driver.do(self._sent[giver])
        return Again(giver, answer) if answer.status < 400 else None

    def _renewal_told(self, send: Send, answer: Response, result: StepResult) -> StepResult:
        recorded = self._sequence[len(self._steps)]
        if recorded.status == 401 and answer.status < 400 and (again := self._retried(recorded)) is not None:
            if send.request.method not in SAFE:
                self._accepted[again] = (send.step, answer)
            note = f"the credentials were still good; step {again} was accepted then"
            return with_note(replace(result, outcome="expected"), note)
        if send.step in self._renewed:
            giver = next((step for step in send.credentials if step in self._sent), 0)
            return with_note(result, f"the session was over: step {giver} was sent again")
        if self._is_over(send, answer) and not self._order.tape:
            return with_note(
                result, "the server wants a new sign-in, and no step of the recording gave these credentials"
            )
        return result

    def _retried(self, recorded: Exchange) -> int | None:
        """The later step that sent the same again, with new credentials, and was accepted."""
        for later in self._sequence[len(self._steps) + 1 :]:
            same = (later.method, later.request.target, later.request.body.data) == (
                recorded.method, recorded.request.target, recorded.request.body.data,
            )  # fmt: skip
            if same and (later.status or 500) < 400:
                return later.step
        return None

    async def _is_foreign(self, send: Send) -> bool:
        """Whether a write to another environment than the recorded one names, by an id that people typed, something
        that is there and that this run did not make."""
        recorded = self._sequence[len(self._steps)]
        to = send.environments.get(recorded.cluster, "")
        if self._order.tape or send.fault or send.request.method not in ("PUT", "PATCH", "DELETE"):
            return False
        if not to or to == recorded.environment or not recorded.environment or not self._typed(send.step):
            return False
        path = send.request.target.partition("?")[0]
        made = any(each.request.target.partition("?")[0] == path and each.request.method != "GET"
                   for each in self._sent.values())  # fmt: skip
        return not made and await self._driver.is_there(send)

    def _typed(self, step: int) -> bool:
        """Whether the last value of the path is the client's own."""
        own = {sink.path for each in self._inputs for sink in each.sinks if sink.step == step and sink.part == "path"}
        last = subject_key(next(one for one in self._sequence if one.step == step).request.target)
        return last in own

    def _name_told(self, send: Send, answer: Response, result: StepResult) -> StepResult:
        """Where a server refuses a name that it has already, say what `--fresh` can do."""
        recorded = self._sequence[len(self._steps)]
        taken = answer.status == 409 or (answer.status in (400, 422) and TAKEN.search(text_of(answer) or ""))
        if not taken or (recorded.status or 0) >= 400 or send.request.method in SAFE:
            return result
        own = [
            each for each in self._inputs
            if not each.secret and any(sink.step == send.step and sink.part != "header" for sink in each.sinks)
            and any(map(str.isalpha, each.value))
        ]  # fmt: skip
        if not own:
            return result
        names = ", ".join(f"{each.variable} ({each.value[:40]})" for each in own[:3])
        return with_note(result, f"if a name is taken there, --fresh NAME sends a new one: {names}")

    def _edited(self, send: Send, edits: Sequence[Edit]) -> Send:
        """The request as it was changed while it waited; the write guard looks at it anew."""
        request = edited(send.request, edits)
        exchange = self._sequence[len(self._steps)]
        found = list(writing(exchange, self._order.wanted, self._services.routes.table, request))
        if why := {} if self._order.tape else guarded(found, yes=self._order.yes):
            raise GatewayError(why[send.step])
        return replace(send, request=request, notes=(*send.notes, f"edited: {', '.join(map(str, edits))}"))

    async def _retry(self, at: int, send: Send) -> Reply:
        answer, result = await self._driver.do(send)
        self._steps[at] = result
        if self._seen:
            self._seen(result)
        return Again(send.step, answer)

    def _keep(self, result: StepResult) -> None:
        self._steps.append(result)
        if self._seen:
            self._seen(result)

    def _ended(self, why: str) -> list[StepResult]:
        """The replay ends before the step whose turn it is."""
        step = self._sequence[len(self._steps)].step
        self._keep(self._driver.left_out(step, "stopped", why))
        return self._left(f"the replay stopped at step {step}")

    def _left(self, why: str) -> list[StepResult]:
        """Nothing more is sent."""
        if why == "differs":
            why = f"the replay stopped after step {self._steps[-1].step}, which differs"
        for exchange in self._sequence[len(self._steps) :]:
            self._keep(self._driver.left_out(exchange.step, "skipped", why))
        return self._steps


def with_note(result: StepResult, note: str) -> StepResult:
    return replace(result, message="; ".join(filter(None, (result.message, note))))


def _next(conversation: Conversation, reply: Reply) -> Action | None:
    """The next action, None at the end. Large bodies take a moment to be looked through: not on the loop."""
    try:
        return conversation.send(reply)
    except StopIteration:
        return None


# -- what is known before


def all_steps(store: Store, recording: str) -> list[Exchange]:
    """Every exchange of a recording. Blocking."""
    return list(all_items(lambda cursor: store.exchanges(recording, cursor=cursor)))


def heard_steps(store: Store, recording: str) -> list[Exchange]:
    """The same, streams with what their server said as the body of their response: values come from there, too."""
    return [with_messages(each, store.chunks) for each in all_steps(store, recording)]


def correlated(
    store: Store, recording: str, exchanges: Sequence[Exchange], verdicts: Verdicts = NO_VERDICTS
) -> Correlations:
    """What was decided about a recording holds for its variants, too, until something is decided about them.

    `verdicts` are those of one run; UsageError names what exists where they name what does not.
    """
    exchanges = [with_messages(each, store.chunks) for each in exchanges]
    own = said = store.decisions(recording)
    seen = {recording}
    with contextlib.suppress(NotFoundError):  # the parent was deleted
        while said == Decisions() and (recording := store.recording(recording).parent or "") not in seen | {""}:
            seen.add(recording)
            said = store.decisions(recording)
    try:
        found = correlate(exchanges, said)
    except UsageError:  # a declaration about a step that the variant lacks
        said, found = own, correlate(exchanges, own)
    if verdicts == NO_VERDICTS:
        return found
    sure = checked(verdicts, exchanges, said)
    declared = (*said.declared, *map(read_declared, sure.declare))
    rejected = said.rejected - set(sure.accept)
    return correlate(exchanges, Decisions(said.accepted | set(sure.accept), rejected, declared))


def _asserted(store: Store, order: ReplayOrder) -> list[Assertion]:
    """What the steps must answer; a variant is meant to answer otherwise."""
    return [] if order.kind == "variant" else list(map(read_assertion, store.assertions(order.recording)))


def check_wanted(wanted: ReplayOptions, exchanges: Sequence[Exchange], services: Services) -> None:
    """UsageError where steps, clusters or environments do not exist."""
    steps = [exchange.step for exchange in exchanges]
    if not steps:
        raise UsageError("the recording has no steps")
    for step in (wanted.first, wanted.last, *wanted.edits, *wanted.environments, *wanted.faults, *wanted.order):
        if step is not None and step not in steps:
            raise UsageError(f"the recording has no step {step}", hint=f"it has {steps[0]} to {steps[-1]}")
    if wanted.last is not None and wanted.last < wanted.first:
        raise UsageError(f"steps {wanted.first} to {wanted.last} are none")
    clusters = services.routes.table.clusters
    for chosen in (wanted.to, *wanted.environments.values()):
        for cluster, environment in chosen.items():
            if cluster not in clusters:
                raise UsageError(f"no cluster is named {cluster!r}", hint=f"the clusters are {', '.join(clusters)}")
            if environment not in clusters[cluster].upstreams:
                known = ", ".join(clusters[cluster].upstreams)
                raise UsageError(f"{cluster} has no environment {environment!r}", hint=f"it lives in {known}")


def guarded(found: Sequence[GuardFinding], *, yes: bool) -> dict[int, str]:
    """step -> why the write guard does not let it pass."""
    refused = {one.step: f"{one.message}; --until {one.step - 1} replays the steps before it" for one in found
               if one.kind == "refused"}  # fmt: skip
    asked = {} if yes else {one.step: f"{one.message}; --yes lets it" for one in found if one.kind == "ask"}
    return asked | refused


def _unsent(exchange: Exchange, wanted: ReplayOptions, forbidden: Mapping[int, str]) -> StepResult:
    if exchange.step in forbidden:
        return step_of(exchange, "stopped", message=forbidden[exchange.step])
    why = "nothing was sent: the write guard stopped the replay" if wanted.includes(exchange.step) else ""
    return step_of(exchange, "skipped", message=why or "left out on purpose")
