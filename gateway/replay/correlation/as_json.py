"""Correlations in the JSON shape of the API and `gateway show REC --correlations --json`. Pure."""

from __future__ import annotations

from typing import Any

from .model import Binding, Correlations, Input, Sink, Source


def correlations_json(found: Correlations, *, step: int | None = None) -> dict[str, Any]:
    """`items` are the bindings, of all steps or of one, in the order of what needs them."""
    bindings = [each for each in found.bindings if step in (None, each.sink.step)]
    inputs = [each for each in found.inputs if step is None or any(sink.step == step for sink in each.sinks)]
    return {"items": [binding_json(each) for each in bindings], "inputs": list(map(input_json, inputs)), "next": None}


def binding_json(binding: Binding) -> dict[str, Any]:
    return {
        "id": binding.id,
        "status": binding.status,
        "confidence": binding.confidence,
        "variable": binding.variable,
        "value": binding.value,
        "sink": sink_json(binding.sink),
        "source": source_json(binding.source),
        "transforms": list(binding.transforms),
        "alternates": [source_json(each) for each in binding.alternates],
        "why": binding.why,
    }


def input_json(given: Input) -> dict[str, Any]:
    return {
        "variable": given.variable,
        "value": given.value,
        "secret": given.secret,
        "generator": given.generator or None,
        "sinks": [sink_json(each) for each in given.sinks],
    }


def sink_json(sink: Sink) -> dict[str, Any]:
    place = {"step": sink.step, "part": sink.part, "path": sink.path, "name": sink.name}
    return {"place": str(sink), **place, "span": list(sink.span) if sink.span else None}


def source_json(source: Source) -> dict[str, Any]:
    place = {"step": source.step, "part": source.part, "path": source.path, "name": source.name}
    return {"place": str(source), **place}
