"""One run of a replay: asks the plan for actions, does them, tells it what came. I/O."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote

from ..correlation import Correlations, Verdicts
from ..correlation.finder import seconds
from ..correlation.information import is_rare
from ..correlation.urls import subject_key, subject_of
from ..errors import GatewayError
from ..model.bodies import text_of
from ..model.exchange import Exchange
from ..model.message import SAFE, Request, Response
from ..replay.branch import Edit, edited
from ..replay.overlap import began_at, sent_ahead
from ..replay.plan import Action, Again, Conversation, LeftOut, ReplayOptions, Reply, Send, Skip, Stop, sentence
from ..replay.polling import Poll, asks_again, is_another_moment, pause, polls
from ..replay.report import StepResult
from ..replay.runner import LONGEST, Driver, doubted
from ..replay.write_guard import guarded, proof_of, writing

if TYPE_CHECKING:
    from ..protocols import Services
    from ..replay.playback.recording_index import Tape

Kind = Literal["replay", "variant"]
WAIT: Final = 30.0  # seconds that a poll is repeated until it has the recorded state
LONGEST_WAIT: Final = 3600.0
SIGN_IN: Final = re.compile(r"(?i)log-?in|sign-?in|/auth\b|/sso\b")  # where a server sends those who are not signed in
TAKEN: Final = re.compile(r"(?i)already|exist|taken|unique|duplicate|in use")  # said of a name that is not free
NO_VERDICTS: Final = Verdicts()
PACES: Final = ("fast", "recorded")
GIVES: Final = 5.0  # seconds that a step waits for a value which a call that is still open may give
LOOK: Final = 0.1  # seconds between two looks at what such a call has given


@dataclass(frozen=True, slots=True)
class Word:
    """What the user who watches wants: "go", "skip", "stop", or "retry": send the last step once more. `edits` change
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
    only_assertions: bool = False  # differences are shown, but only assertions decide
    verdicts: Verdicts = NO_VERDICTS  # what is decided about correlations for this run
    wait: float = WAIT
    pace: str = "fast"


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A step that was sent ahead and whose response has not ended yet."""

    task: asyncio.Task[tuple[Response, StepResult]]
    at: int  # where its result stands
    send: Send
    ended: float  # when the recorded one had, on the clock of the recording


class ReplayRun:
    """Asks the plan for actions, does them, tells it what came.

    A stream, and a read that waited for a later call (replay/overlap.py), is sent ahead: the run goes on while it is
    open, and takes its response before the first step that had begun after its end.
    """

    def __init__(
        self, services: Services, order: ReplayOrder, conversation: Conversation, driver: Driver,
        sequence: Sequence[Exchange], seen: Seen | None, gate: Gate | None, correlations: Correlations,
    ) -> None:  # fmt: skip
        self._correlations, self._inputs = correlations, correlations.inputs
        self._services, self._order, self._conversation, self._driver = services, order, conversation, driver
        self._sequence, self._seen, self._gate = sequence, seen, gate
        self._steps: list[StepResult] = []
        self._last: tuple[int, Send] | None = None  # where its result stands, and what a retry sends again
        recorded = [one for _, one in sorted({one.step: one for one in sequence}.items())]
        self._polls = {} if order.tape or order.wait <= 0 else polls(recorded)
        self._sent: dict[int, Send] = {}
        self._accepted: dict[int, tuple[int, Response]] = {}  # steps not to be sent: an earlier one did it, with this
        self._renewed: set[int] = set()  # steps before which a sign-in was done again
        alone = gate is not None or order.tape is not None  # a user who watches wants one step after the other
        self._overlaps = {} if alone or order.wanted.order else sent_ahead(recorded)
        self._began = began_at(recorded)
        self._open: dict[int, OpenCall] = {}
        self._recorded = {one.step: one for one in recorded}
        self._ended_at = 0.0  # when the last response had come, on the clock of the recording

    async def all(self) -> list[StepResult]:
        """The result of every step, in the order in which they were sent."""
        try:
            steps = await self._all()
            await self._close(self._open)
            return steps
        finally:
            for call in self._open.values():
                call.task.cancel()

    async def _all(self) -> list[StepResult]:
        reply: Reply = None
        while True:
            action = await asyncio.to_thread(_next, self._conversation, reply)
            if action is not None and self._open:
                action = await self._with_open_calls(action)
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

    async def _with_open_calls(self, action: Action) -> Action:
        """The action, planned anew with what calls that are still open have given so far.

        A call whose recorded one had ended before this step began is waited for. Where a value is missing that one of
        them may give, it gets some time to do so.
        """
        due = [step for step, call in self._open.items() if call.ended <= self._began.get(action.step, 0.0)]
        action = await self._told(action, await self._close(due))
        until = monotonic() + GIVES
        while self._open:
            given = {step: found for step in self._open if (found := self._driver.so_far(step)) is not None}
            action = await self._told(action, given)
            if not isinstance(action, Stop) or monotonic() > until:
                break
            await asyncio.sleep(LOOK)
        return action

    async def _told(self, action: Action, responses: Mapping[int, Response]) -> Action:
        """The same step, planned with these responses of earlier ones."""
        for step, response in responses.items():
            again = await asyncio.to_thread(_next, self._conversation, Again(step, response))
            action = again or action
        return action

    async def _close(self, steps: Iterable[int]) -> dict[int, Response]:
        """Wait for these calls and keep their results; their responses by step."""
        found: dict[int, Response] = {}
        for step in list(steps):
            call = self._open.pop(step)
            try:
                response, result = await call.task
            except GatewayError as error:
                result = self._driver.left_out(step, "stopped", sentence(error))
            else:
                found[step] = response
                result = self._renewal_told(call.send, response, result)
            self._steps[call.at] = result
            if self._seen:
                self._seen(result)
        return found

    async def _ahead(self, send: Send) -> None:
        """Send a step and go on while it is open, once it has had the time to reach its server."""
        overlap = self._overlaps[send.step]
        task = asyncio.create_task(self._driver.do(send))
        self._open[send.step] = OpenCall(task, len(self._steps), send, overlap.ended)
        self._steps.append(self._driver.left_out(send.step, "skipped", "it is still open"))
        self._sent[send.step] = send
        await asyncio.wait((task,), timeout=overlap.lead)

    async def _do(self, action: Action, word: Word) -> Reply:
        if isinstance(action, Send) and word.do != "skip":
            send = self._edited(action, word.edits) if word.edits else action
            self._last = (len(self._steps), send)
            return await self._send(send)
        stopped = isinstance(action, Stop) and word.do != "skip"
        why = "left out on purpose" if isinstance(action, Send) or word.do == "skip" else action.why
        result = self._driver.left_out(action.step, "stopped" if stopped else "skipped", why)
        self._keep(replace(result, doubts=action.doubts) if stopped and isinstance(action, Stop) else result)
        return LeftOut() if word.do == "skip" else None

    async def _send(self, send: Send) -> Reply:
        """Send a step, a poll as often as it takes; a sign-in that is over is done again once."""
        await self._pace(send.step)
        if send.step in self._accepted:
            giver, before = self._accepted[send.step]
            self._keep(
                self._driver.left_out(send.step, "skipped", f"not sent again: step {giver} was accepted already")
            )
            return before
        poll = self._polls.get(send.step)
        if send.step in self._overlaps and send.fault is None and (poll is None or poll.is_alone):
            await self._ahead(send)
            return None
        foreign = await self._is_foreign(send)
        answer, result = await self._driver.do(send)
        if foreign:
            note = f"{send.request.target.partition('?')[0]} was there already: this run did not make it"
            result = with_note(replace(result, outcome=doubted(result.outcome, doubtful=True)), note)
        if self._is_over(send, answer) and (renewed := await self._signed_in(send)):
            return renewed
        if poll and send.fault is None:
            answer, result = await self._polled(send, poll, answer, result)
        self._sent[send.step] = send
        told = self._renewal_told(send, answer, result)
        self._keep(self._name_told(send, answer, self._proof_told(send, answer, told)))
        return answer

    async def _pace(self, step: int) -> None:
        """Wait as long as the client did, when that is wanted."""
        exchange = self._recorded[step]
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
        recorded = self._recorded[send.step]
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
        recorded = self._recorded[send.step]
        if recorded.status == 401 and answer.status < 400 and (again := self._retried(recorded)) is not None:
            if send.request.method not in SAFE:
                self._accepted[again] = (send.step, answer)
            note = f"the credentials were still good; step {again} was accepted then"
            return with_note(replace(result, outcome="expected"), note)
        if send.step in self._renewed:
            giver = next((step for step in send.credentials if step in self._sent), 0)
            return with_note(result, f"the session was over: step {giver} was sent again")
        if self._is_over(send, answer) and not self._order.tape and not proof_of(send.request):
            return with_note(
                result, "the server wants a new sign-in, and no step of the recording gave these credentials"
            )
        return result

    def _proof_told(self, send: Send, answer: Response, result: StepResult) -> StepResult:
        """A proof of a secret that nobody has is sent as recorded: some servers take it, and the step says so."""
        proof = "" if self._order.tape else proof_of(send.request)
        if not proof:
            return result
        if answer.status in (400, 401, 403) and answer.status != self._recorded[send.step].status:
            return with_note(result, f"its {proof} was made for the recorded request, and cannot be made anew")
        return with_note(result, f"sent with the recorded {proof}, which this server does not refuse")

    def _retried(self, recorded: Exchange) -> int | None:
        """The later step that sent the same again, with new credentials, and was accepted."""
        for later in self._sequence[self._sequence.index(recorded) + 1 :]:
            same = (later.method, later.request.target, later.request.body.data) == (
                recorded.method, recorded.request.target, recorded.request.body.data,
            )  # fmt: skip
            if same and (later.status or 500) < 400:
                return later.step
        return None

    async def _is_foreign(self, send: Send) -> bool:
        """Whether a write to another environment than the recorded one names something that is there and that this run
        did not make: by an id that people typed, or by one that only responses to reads gave."""
        recorded = self._recorded[send.step]
        to = send.environments.get(recorded.cluster, "")
        if self._order.tape or send.fault or send.request.method not in ("PUT", "PATCH", "DELETE"):
            return False
        if not to or to == recorded.environment or not recorded.environment:
            return False
        found = self._found_there(send.step)
        if not found and not self._typed(send.step):
            return False
        path = send.request.target.partition("?")[0]
        made = any(_made(each.request, path) for each in self._sent.values() if each.request.method not in SAFE)
        return not made and (found or await self._driver.is_there(send))

    def _found_there(self, step: int) -> bool:
        """Whether only responses to reads gave the last value of the path: this run found the thing there."""
        last = subject_key(self._recorded[step].request.target)
        for binding in self._correlations.of_step(step):
            if binding.sink.part == "path" and binding.sink.path == last:
                givers = {each.step for each in (binding.source, *binding.alternates)}
                known = [self._recorded[each] for each in givers if each in self._recorded]
                return all(each.method in SAFE and not each.stream for each in known)  # a socket may make things
        return False

    def _typed(self, step: int) -> bool:
        """Whether the last value of the path is the client's own, and nothing before it was made by a write."""
        below = (each for each in self._correlations.of_step(step) if each.sink.part == "path")
        if any(self._recorded[each.source.step].method not in SAFE for each in below):
            return False
        own = {sink.path for each in self._inputs for sink in each.sinks if sink.step == step and sink.part == "path"}
        last = subject_key(self._recorded[step].request.target)
        return last in own

    def _name_told(self, send: Send, answer: Response, result: StepResult) -> StepResult:
        """Where a server refuses a name that it has already, say what `--fresh` can do."""
        recorded = self._recorded[send.step]
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
        exchange = self._recorded[send.step]
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


def _made(request: Request, path: str) -> bool:
    """Whether an earlier write of this run may have made what a path names: it went to the path or to what the thing
    lies below, or had the name in it."""
    if request.target.partition("?")[0].rstrip("/") in (path, path.rpartition("/")[0]):
        return True
    name = subject_of(path)
    return is_rare(name) and (name in unquote(request.target) or name.encode() in request.body.data)


def with_note(result: StepResult, note: str) -> StepResult:
    return replace(result, message="; ".join(filter(None, (result.message, note))))


def _next(conversation: Conversation, reply: Reply) -> Action | None:
    """The next action, None at the end. Large bodies take a moment to be looked through: not on the loop."""
    try:
        return conversation.send(reply)
    except StopIteration:
        return None
