"""Runs the function of a step: sends the calls that it asks for, in order, and gives it the responses. I/O."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from .definition.parse_parts import CALL, FORBIDDEN
from .definition.python_steps import Reply, WantedCall, arguments
from .definition.schema import CallTemplate, DemoStep, Upload, WhatIf
from .multipart import multipart
from .registry import line_of
from .step import NotSent, PreparedCall, changed, complete, text_of, with_query

if TYPE_CHECKING:
    from .call import Outcome

MOST = 20  # calls of one step


@dataclass(frozen=True, slots=True)
class Conversed:
    """The last call and its outcome; what the function wants kept, and how it failed after that response."""

    call: PreparedCall
    outcome: Outcome
    kept: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""


async def converse(
    step: DemoStep,
    fields: Mapping[str, Any],
    values: Mapping[str, Any],
    what_if: WhatIf | None,
    send: Callable[[PreparedCall], Awaitable[Outcome]],
) -> Conversed:
    """Run it to its end. The author's code runs in a thread: it may take its time.

    A function that fails after a response came is no call that was not sent: the response counts, and what failed.
    NotSent when it ends without a call."""
    given, known = await asyncio.to_thread(changed, fields, values, what_if)
    secrets = tuple(text_of(given[f.name]) for f in step.fields if f.is_secret and given.get(f.name))
    said: Any = await _run(step, partial(_begin, step, given, known))
    last: tuple[PreparedCall, Outcome] | None = None
    kept: Any = None
    trouble = ""
    for number in range(MOST + 1):
        wanted, conversation = said
        if not isinstance(wanted, WantedCall):
            kept = wanted
            break
        if number == MOST:
            trouble = f"the step made {MOST} calls and wanted more"
            break
        try:
            call = _call(wanted, what_if if number == 0 else None, what_if, secrets)
        except NotSent as error:
            trouble = str(error)
            break
        outcome = await send(call)
        last = call, outcome
        if outcome.answer is None or conversation is None:
            break
        reply = Reply(outcome.answer)
        try:
            said = await _run(step, partial(_go_on, conversation, reply))
        except NotSent as error:
            trouble = str(error)
            break
    if last is None:
        raise NotSent(trouble or "the step's function asked for no call")
    return Conversed(*last, kept if isinstance(kept, Mapping) else {}, trouble)


Said = tuple[Any, Generator[Any, Any, Any] | None]


def _begin(step: DemoStep, fields: Mapping[str, Any], values: Mapping[str, Any]) -> Said:
    assert step.run is not None, "it is a step with code"
    said = step.run(**arguments(step.run, fields, values))
    return _go_on(said, None) if inspect.isgenerator(said) else (said, None)


def _go_on(conversation: Generator[Any, Any, Any], reply: Reply | None) -> Said:
    try:
        return conversation.send(reply), conversation
    except StopIteration as stop:
        return stop.value, None


async def _run(step: DemoStep, act: Callable[[], Said]) -> Said:
    """What the author's code says next; NotSent names the line where it failed."""
    try:
        return await asyncio.to_thread(act)
    except Exception as error:  # an author's function may fail in any way that Python can
        assert step.run is not None, "it is a step with code"
        path = Path(inspect.getfile(step.run))
        raise NotSent(f"{path.name}:{line_of(error, path)}: {type(error).__name__}: {error}") from None


def _call(wanted: WantedCall, first: WhatIf | None, what_if: WhatIf | None, secrets: tuple[str, ...]) -> PreparedCall:
    """As demo.yaml would make it; a what-if's headers and route hold for every call, its wait for the first."""
    match = CALL.fullmatch(wanted.target.strip())
    if match is None:
        raise NotSent(f"'{wanted.target[:200]}' should read METHOD cluster:/path")
    template = CallTemplate(match[1], match[2], quote(match[3], safe="%/:?@!$&'()*+,;=~[]"))
    body, content_type = _payload(wanted)
    headers = {name.lower(): (name, value) for name, value in wanted.headers.items()}
    headers |= {name.lower(): (name, value) for name, value in ((what_if.headers if what_if else None) or {}).items()}
    if any(c in str(value) for _, value in headers.values() for c in "\r\n\0"):
        raise NotSent("a header would hold a line break")
    return PreparedCall(
        method=template.method,
        cluster=template.cluster,
        path=with_query(template.path, wanted.query),
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
