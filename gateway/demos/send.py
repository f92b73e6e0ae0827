"""One press of Send or of a what-if: build the call, make it, judge the response, keep its values. I/O."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..errors import GatewayError
from .call import Caller
from .definition.keep_rules import StepResponse, keep
from .definition.lineage import Origin
from .definition.schema import Demo, DemoStep, WhatIf
from .masking import holds_secret, is_secret_name
from .result import CallJudgement, CallResult, judge, says, shown_answer, shown_request, shown_url, shown_values
from .session_memory import Memories
from .step import NotSent, build, text_of
from .step_function import Conversed, converse

if TYPE_CHECKING:
    from ..protocols import LiveSession, Services

NOT_EXPECTED: Final = "the response is not the expected one: what was kept before stays"
log = logging.getLogger("gateway.demos")
FAILED: Final = 400
MISSED = "The recording being played does not hold this call, so it says nothing about the API. Back to live asks it."


@dataclass(frozen=True, slots=True)
class Press:
    """What was pressed, and with which fields."""

    demo: Demo
    step: DemoStep
    what_if: WhatIf | None
    fields: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.what_if.name if self.what_if else self.step.title


class Sending:
    """Sends presses and remembers the results."""

    def __init__(self, services: Services, caller: Caller, memories: Memories) -> None:
        self._services, self._caller, self._memories = services, caller, memories

    async def values(self, session: LiveSession) -> dict[str, Any]:
        """All values of a session: the store's, and the secrets that only memory holds."""
        stored = await asyncio.to_thread(self._services.store.values, session.id)
        return {**stored, **self._memories.of(session.id).secrets}

    async def press(self, session: LiveSession, press: Press) -> CallResult:
        """Make the call; the result is remembered as what the step's page shows next."""
        values = await self.values(session)
        try:
            made = await self._made(session, press, values)
        except NotSent as error:
            result = self._not_sent(press, error)
        else:
            result = await self._result(session, press, made, values)
        self._memories.remember(session.id, press.demo.name, result)
        return result

    async def _made(self, session: LiveSession, press: Press, values: Mapping[str, Any]) -> Conversed:
        """The call, the result, and what a function of the author's wants kept besides."""
        if press.step.run is not None:
            send = partial(self._caller.send, session=session)
            return await converse(press.step, press.fields, values, press.what_if, send)
        call = await asyncio.to_thread(build, press.step, press.fields, values, press.what_if)
        return Conversed(call, await self._caller.send(call, session))

    def _not_sent(self, press: Press, error: NotSent) -> CallResult:
        keeper = next((step for step in press.demo.steps if error.missing in step.writes), None)
        from_here = keeper is None or keeper is press.step
        hint = "" if from_here or keeper is None else f"send '{keeper.title}' first: it gives '{error.missing}'"
        slug = press.what_if.slug if press.what_if else ""
        return CallResult(press.step.slug, slug, press.name, "", "", failure=str(error), hint=hint)

    async def _result(
        self,
        session: LiveSession,
        press: Press,
        made: Conversed,
        values: Mapping[str, Any],
    ) -> CallResult:
        call, outcome = made.call, made.outcome
        secrets = (*call.secrets, *(text_of(v) for name, v in values.items() if is_secret_name(name)))
        slug = press.what_if.slug if press.what_if else ""
        result = CallResult(
            step=press.step.slug,
            what_if=slug,
            name=press.name,
            method=call.method,
            url=shown_url(outcome.url, secrets),
            sent=shown_request(call, secrets),
            cluster=call.cluster,
            took_ms=outcome.took_ms,
            failure=outcome.failure,
            trouble=made.trouble,
        )
        if outcome.answer is None:
            return result
        # In a thread: a large answer is parsed, searched and printed again, while the gateway goes on forwarding.
        judgement, own = _judged(press, outcome.answer)
        keeps = press.step.keep if press.what_if is None else ()
        if judgement.expected and not own:
            found, missing = await asyncio.to_thread(keep, keeps, outcome.answer)
            found |= made.kept if press.what_if is None else {}
        else:  # its members may have the same names, and mean the error
            found, missing = {}, {each.name: NOT_EXPECTED for each in keeps}
        fresh = (*secrets, *(text_of(value) for name, value in found.items() if is_secret_name(name)))
        written = await self._keep(session, press, found) if press.what_if is None else ()
        answered = await asyncio.to_thread(_answered, result, press, outcome.answer, fresh)
        answered = replace(answered, kept=shown_values(found), not_kept=tuple(missing.items()))
        if judgement.expected and outcome.answer.status >= FAILED:  # what the function wants of it cannot be there
            answered = replace(answered, trouble="")
        placed = await self._placed(session, press, answered)
        for name in written:
            how = "kept" if name in found else "typed"
            origin = Origin(press.step.title, how, placed.exchange, placed.number)
            self._memories.of(session.id).origins[name] = origin
        return placed

    async def _keep(self, session: LiveSession, press: Press, found: Mapping[str, Any]) -> tuple[str, ...]:
        """Fields and kept values become the session's; later writes win. Passwords and files are not among them."""
        typed = {f.name: press.fields.get(f.name) for f in press.step.fields if f.is_kept}
        written = {name: value for name, value in {**typed, **found}.items() if value is not None}
        secret = {name: value for name, value in written.items() if holds_secret(name, value)}
        self._memories.of(session.id).secrets.update(secret)
        plain = {name: value for name, value in written.items() if name not in secret}
        if plain:
            await asyncio.wrap_future(self._services.recorder.keep_values(session.id, plain))
        return tuple(written)

    async def _placed(self, session: LiveSession, press: Press, result: CallResult) -> CallResult:
        """The result with its place in the recording, which gets a note saying what was tried there."""
        if not result.exchange:
            return result
        try:
            exchange = await asyncio.to_thread(self._services.store.exchange, result.exchange)
            note = f"what if: {press.name}; {result.verdict}" if press.what_if else press.name
            recorder, recording = self._services.recorder, exchange.recording
            await asyncio.wrap_future(recorder.annotate(recording, step=exchange.step, note=note, tags=("demo",)))
            if exchange.step == 1 and not session.title:
                await asyncio.wrap_future(recorder.annotate(recording, title=press.demo.title))
        except GatewayError as error:  # the call was made; only its note is lost
            log.warning("exchange %s has no note: %s", result.exchange, error)
            return result
        took = exchange.timing.total_ms or result.took_ms  # one exchange has one time, wherever it is shown
        return replace(result, recording=exchange.recording, number=exchange.step, took_ms=took)


def _judged(press: Press, answer: StepResponse) -> tuple[CallJudgement, bool]:
    """Whether the response is the expected one, and whether the gateway made it itself."""
    status = next((value for name, value in answer.headers if name.lower() == "proxy-status"), "")
    if status.startswith("gateway; error=playback_miss"):
        return CallJudgement(None, "", MISSED), True
    return judge(press.step, press.what_if, answer.status), status.startswith("gateway; error=")


def _answered(result: CallResult, press: Press, answer: StepResponse, secrets: tuple[str, ...]) -> CallResult:
    headers = {name.lower(): value for name, value in answer.headers}
    judgement, own = _judged(press, answer)
    return replace(
        result,
        answer=shown_answer(answer, secrets),
        status=answer.status,
        reason=answer.reason,
        expected=judgement.expected,
        expectation=judgement.expectation,
        why=judgement.why,
        says=says(answer, secrets),
        own=own,
        played="gateway-playback" in headers,
        instead=headers.get("gateway-playback", "").partition("after=")[2].partition(";")[0].replace("_", " "),
        route=headers.get("gateway-route", ""),
        exchange=headers.get("gateway-exchange", ""),
    )
