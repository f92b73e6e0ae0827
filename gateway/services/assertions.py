"""What steps of a recording must answer: read, checked on what was recorded, kept beside it. I/O."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, did_you_mean
from ..export.openapi.schema_inference import schema_of
from ..model.bodies import text_of
from ..replay.assertions import Assertion, as_recorded, check, checked_json, read_assertion
from ..replay.differences.json_difference import read_json
from .replay import all_steps

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..protocols import Services, Store


def assertions_json(store: Store, id: str) -> dict[str, Any]:
    """The assertions of a recording (a full id), and whether the recorded responses hold them. Blocking."""
    said = [read_assertion(text) for text in store.assertions(id)]
    steps = {one.step: one for one in all_steps(store, id)} if said else {}
    held = [each for one in said if one.step in steps for each in check([one], steps[one.step])]
    return {"items": [{"step": each.assertion.step} | checked_json(each) for each in held], "next": None}


async def assert_about(services: Services, ref: str, body: Mapping[str, Any]) -> str:
    """Keep what a body's `add` says and drop its `remove`; the recording's id."""
    id, add, remove = await asyncio.to_thread(changes, services.store, ref, body.get("add", ()), body.get("remove", ()))
    await asyncio.wrap_future(services.recorder.decide(id, asserted=add, forget=remove))
    return id


def changes(
    store: Store, ref: str, add: Sequence[str], remove: Sequence[str]
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """(id, what to keep, what to take back), as it is stored; UsageError says what is off. Blocking."""
    if not add and not remove:
        raise UsageError("nothing is asserted", hint="add or remove: 3:status=201")
    id = store.recording(ref).id
    known = store.assertions(id)
    steps = {one.step: one for one in all_steps(store, id)}
    gone = tuple(_one_of(text, known) for text in remove)
    return id, tuple(str(one) for text in add for one in _told(text.strip(), steps)), gone


def _one_of(text: str, known: Sequence[str]) -> str:
    found = [one for one in known if one == text.strip()] or [one for one in known if one.startswith(text.strip())]
    if len(found) != 1:
        raise UsageError(f"{text[:80]!r} is {'more than one assertion' if found else 'not asserted'}"
                         f"{did_you_mean(text, known)}", hint="gateway show REC --assertions")  # fmt: skip
    return found[0]


def _told(text: str, steps: Mapping[int, Exchange]) -> Iterator[Assertion]:
    """ "status" stands for all steps as recorded, "3:schema" for the form of the recorded response."""
    if text == "status":
        yield from as_recorded(steps.values())
        return
    number, _, subject = text.partition(":")
    if subject.strip() == "schema" and number.isdigit() and int(number) in steps:
        text = f"{number}:schema={json.dumps(_schema(steps[int(number)]))}"
    found = read_assertion(text)
    if found.step not in steps:
        raise UsageError(f"the recording has no step {found.step}", hint=f"it has 1 to {len(steps)}")
    yield found


def _schema(step: Exchange) -> dict[str, Any]:
    """Inferred from the recorded response."""
    text = text_of(step.response) if step.response else None
    try:
        return schema_of([read_json(text or "")])
    except ValueError:
        raise UsageError(f"the answer of step {step.step} is not JSON: there is no schema of it") from None
