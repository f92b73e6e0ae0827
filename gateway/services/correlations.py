"""Which values of a recording flow where, and what people decide about it: for the API and the page. I/O."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from ..correlation import Correlations, Verdicts, correlate, correlations_json
from ..replay.correlation_decisions import decisions_yaml, gathered
from .replay import heard_steps

SHOWN: Final = 300  # steps whose values a page finds without being asked: about 0.2 s

if TYPE_CHECKING:
    from ..protocols import Services, Store


async def values(services: Services, ref: str, *, step: int | None = None) -> dict[str, Any]:
    """The correlations of a recording as the API shows them."""
    return await asyncio.to_thread(_values, services.store, ref, step)


async def flows(services: Services, ref: str, *, steps: int, asked: bool) -> dict[str, Any] | None:
    """The same by value, for the page; None for a long recording whose reader did not ask for it."""
    if steps > SHOWN and not asked:
        return None
    found = await values(services, ref)
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for each in found["items"]:
        state = "rejected" if each["status"] == "rejected" else "suggested" if each["status"] == "suggested" else "held"
        key = (each["variable"], each["source"]["place"], state)
        rest = {name: said for name, said in each.items() if name not in ("id", "sink")}
        group = groups.setdefault(key, {**rest, "state": state, "sinks": [], "ids": []})
        group["sinks"].append(each["sink"])
        group["ids"].append(each["id"])
    return {"items": list(groups.values()), "inputs": found["inputs"]}


async def in_force(services: Services, ref: str) -> Correlations:
    """The correlations of a recording, for those who look at one step of it."""
    return await asyncio.to_thread(_found, services.store, ref)


def _found(store: Store, ref: str) -> Correlations:
    id = store.recording(ref).id
    return correlate(heard_steps(store, id), store.decisions(id))


async def decide(services: Services, ref: str, verdicts: Verdicts, *, yaml: str = "", second: str = "") -> str:
    """Keep beside the recording what is said by hand, by a YAML text, and by a second run of the chain; its id.

    UsageError names what exists where something does not.
    """
    id, sure = await asyncio.to_thread(_gathered, services.store, ref, verdicts, yaml, second)
    await asyncio.wrap_future(services.recorder.decide(id, **asdict(sure)))
    return id


def _values(store: Store, ref: str, step: int | None) -> dict[str, Any]:
    id = store.recording(ref).id
    found: Correlations = correlate(heard_steps(store, id), store.decisions(id))
    return correlations_json(found, step=step)


def _gathered(store: Store, ref: str, verdicts: Verdicts, text: str, second: str) -> tuple[str, Verdicts]:
    id = store.recording(ref).id
    other = heard_steps(store, store.recording(second).id) if second else None
    return id, gathered(verdicts, heard_steps(store, id), store.decisions(id), text=text, second=other)


async def decided(services: Services, ref: str) -> str:
    """What was decided, as YAML."""
    return await asyncio.to_thread(_decided, services.store, ref)


def _decided(store: Store, ref: str) -> str:
    recording = store.recording(ref)
    return decisions_yaml(recording.title, store.decisions(recording.id), heard_steps(store, recording.id))
