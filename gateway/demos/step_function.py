"""Runs the function of a step: makes the calls that it asks for, in order, and gives it the responses. I/O.

The author's code runs in a thread of its own, which waits for each response; the calls are made on the event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from .code_modules import line_of
from .definition.expressions import ExpressionError, worked_out
from .definition.parse_parts import CALL, FORBIDDEN
from .definition.python_api import NoResponse, Reply, WantedCall, answering, arguments
from .definition.schema import CallTemplate, DemoStep, Upload, WhatIf
from .multipart import multipart
from .step import NotSent, PreparedCall, body_of, changed, complete, path_of, text_of, with_query

if TYPE_CHECKING:
    from .call import Outcome

MOST: Final = 20  # calls of one step


class _Stopped(BaseException):
    """The function wants more than it may; no `except Exception` of its own goes on from here."""


@dataclass(frozen=True, slots=True)
class Conversed:
    """The last call and its outcome; what the function wants kept, and how it failed after that response."""

    call: PreparedCall
    outcome: Outcome
    kept: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""


@dataclass(slots=True)
class _Conversation:
    """What one run of a function has asked for so far."""

    what_if: WhatIf | None
    known: Mapping[str, Any]
    secrets: tuple[str, ...]
    send: Callable[[PreparedCall], Awaitable[Outcome]]
    last: tuple[PreparedCall, Outcome] | None = None
    count: int = 0

    async def ask(self, wanted: WantedCall) -> Reply:
        """Make a call. NotSent says why it cannot be made, NoResponse why nothing came."""
        if self.count == MOST:
            raise _Stopped(f"the step made {MOST} calls and wanted more")
        is_first = self.count == 0
        call = await asyncio.to_thread(_call, wanted, self.what_if, self.known, self.secrets, is_first=is_first)
        self.count += 1
        outcome = await self.send(call)
        self.last = call, outcome
        if outcome.answer is None:
            raise NoResponse(outcome.failure)
        return Reply(outcome.answer)


async def converse(
    step: DemoStep,
    fields: Mapping[str, Any],
    values: Mapping[str, Any],
    what_if: WhatIf | None,
    send: Callable[[PreparedCall], Awaitable[Outcome]],
) -> Conversed:
    """Run it to its end.

    A function that fails after a response came is no call that was not sent: the response counts, and what failed.
    NotSent when it ends without a call."""
    given, known = await asyncio.to_thread(changed, fields, values, what_if)
    secrets = tuple(text_of(given[f.name]) for f in step.fields if f.is_secret and given.get(f.name))
    loop, conversation = asyncio.get_running_loop(), _Conversation(what_if, known, secrets, send)

    def ask(wanted: WantedCall) -> Reply:
        return asyncio.run_coroutine_threadsafe(conversation.ask(wanted), loop).result()

    kept, trouble, missing = None, "", ""
    try:
        kept = await _in_thread(partial(_perform, step, given, known, ask))
    except NoResponse:
        pass  # the outcome says it
    except _Stopped as stop:
        trouble = str(stop)
    except Exception as error:  # an author's function may fail in any way that Python can
        trouble, missing = _where(step, error), getattr(error, "missing", "")
    if conversation.last is None:
        raise NotSent(trouble or "the step's function made no call", missing)
    return Conversed(*conversation.last, kept if isinstance(kept, Mapping) else {}, trouble)


def _perform(
    step: DemoStep, fields: Mapping[str, Any], values: Mapping[str, Any], ask: Callable[[WantedCall], Reply]
) -> Any:
    """What the function returns. One that yields is sent the response of each call."""
    assert step.run is not None, "it is a step with code"
    yields = inspect.isgeneratorfunction(step.run)
    with answering(None if yields else ask):
        said = step.run(**arguments(step.run, fields, values))
        if not inspect.isgenerator(said):
            return said
        try:
            talk: Any = said  # what it is sent is the reply to what it yielded
            wanted = next(talk)
            while isinstance(wanted, WantedCall):
                wanted = talk.send(ask(wanted))
        except StopIteration as stop:
            return stop.value
        return None


async def _in_thread(act: Callable[[], Any]) -> Any:
    """The result of a function that waits for this loop. Not of a pool: its threads are few, and these wait long."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(result: Any, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def run() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = act()
        except StopIteration as stop:  # which a future cannot hold
            error = RuntimeError(f"StopIteration: {stop.value}")
        except BaseException as failed:
            error = failed
        with suppress(RuntimeError):  # the loop may have ended meanwhile
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, name="step", daemon=True).start()
    return await done


def _where(step: DemoStep, error: Exception) -> str:
    """The line where the author's code failed, and how."""
    assert step.run is not None, "it is a step with code"
    path = Path(inspect.getfile(step.run))
    kind = "" if isinstance(error, NotSent) else f"{type(error).__name__}: "
    return f"{path.name}:{line_of(error, path)}: {kind}{error}"


def _call(
    wanted: WantedCall, what_if: WhatIf | None, known: Mapping[str, Any], secrets: tuple[str, ...], *, is_first: bool
) -> PreparedCall:
    """As demo.yaml would make it. A what-if's headers and route hold for every call, its wait, path and body for the
    first."""
    match = CALL.fullmatch(wanted.target.strip())
    if match is None:
        raise NotSent(f"'{wanted.target[:200]}' should read METHOD cluster:/path")
    template, known = CallTemplate(match[1], match[2], match[3]), {**known, **wanted.names}
    first = what_if if is_first else None
    if first and first.call:
        template = first.call
    try:
        path, _ = path_of(template, known)
        body, content_type = body_of(first.body.value, known, "json") if first and first.body else _payload(wanted)
        headers: dict[str, tuple[str, Any]] = {name.lower(): (name, value) for name, value in wanted.headers.items()}
        for name, value in ((what_if.headers if what_if else None) or {}).items():
            headers[name.lower()] = (name, None if value is None else text_of(worked_out(value, known)))
    except ExpressionError as error:
        raise NotSent(str(error), error.missing) from None
    if any(c in str(value) for _, value in headers.values() for c in "\r\n\0"):
        raise NotSent("a header would hold a line break")
    return PreparedCall(
        method=template.method,
        cluster=template.cluster,
        path=with_query(path, wanted.query),
        headers=complete({low: pair for low, pair in headers.items() if low not in FORBIDDEN}, content_type),
        body=body,
        via=dict(what_if.via or {}) if what_if else {},
        delay=first.delay if first else 0.0,
        secrets=secrets,
    )


def _payload(wanted: WantedCall) -> tuple[bytes | None, str]:
    """(bytes, content type) of what the function gave; multipart where a file is among the fields of a form."""
    if wanted.body is not None:
        return wanted.body, "application/octet-stream"
    if wanted.form is not None:
        parts = [(name, item if isinstance(item, Upload) else text_of(item)) for name, item in wanted.form.items()]
        if any(isinstance(item, Upload) for _, item in parts):
            return multipart(parts)
        return urlencode(parts, errors="surrogatepass").encode(), "application/x-www-form-urlencoded"
    if wanted.json is None:
        return None, ""
    return json.dumps(wanted.json, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"), "application/json"
