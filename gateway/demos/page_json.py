"""What the pages of the demos show, as JSON: masked as they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from .definition.lineage import destinations
from .definition.schema import Demo, DemoStep
from .result import CallResult
from .step import FilledField


def home_json(demos: Iterable[tuple[str, Demo | None, tuple[str, ...]]], done: Mapping[str, Any]) -> dict[str, Any]:
    """`demos` are (name, the demo, what is wrong with it)."""
    items = [
        {
            "name": name,
            "title": demo.title if demo else None,
            "about": demo.about if demo else None,
            "problems": list(problems),
            "steps": [
                {
                    "title": step.title,
                    "slug": step.slug,
                    "call": str(step.call),
                    "done": step.slug in done.get(name, ()),
                }
                for step in (demo.steps if demo else ())
            ],
        }
        for name, demo, problems in demos
    ]
    return {"items": items, "next": None}


def step_json(demo: Demo, step: DemoStep, filled: tuple[FilledField, ...], shown: Mapping[str, Any]) -> dict[str, Any]:
    """One step's page; `shown` is what its template is given."""
    goes = destinations(step)
    fields = [
        {
            "name": each.field.name,
            "type": each.field.kind,
            "value": each.shown,
            "origin": each.origin or None,
            "choices": [option.value for option in each.options],
            "rules": each.field.rules.attributes if each.field.rules else {},
            "goes": list(goes[each.field.name]),
        }
        for each in filled
    ]
    what_ifs = [
        {"name": one.name, "slug": one.slug, "expect": one.expect.text if one.expect else None, "why": one.why}
        for one in step.what_ifs
    ]
    results: Mapping[str, CallResult] = shown["results"]
    return {
        "demo": demo.name,
        "title": step.title,
        "slug": step.slug,
        "call": str(step.call),
        "fields": fields,
        "what_ifs": what_ifs,
        "values": dict(shown["values"]),
        "next": [each.slug for each in demo.followers(step)],
        "results": [asdict(each) | {"verdict": each.verdict} for each in results.values()],
        "recording": shown["recording"] or None,
        "problems": list(shown["problems"]),
    }
