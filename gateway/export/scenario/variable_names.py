"""Scenarios that share the variables of one file: names that mean different things are distinguished. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..format import Beside, Recordings
from .scenario import Scenario, ScenarioStep, scenario
from .templated_text import Text, VariableUse, free

Meaning = tuple[str, str]  # ("input", its default), ("secret", its placeholder), ("target", its base), ("kept", "")


def scenarios(recordings: Recordings, beside: Beside) -> list[Scenario]:
    """The scenarios of recordings for one file. The first keeps all its names; in later ones a variable that has the
    name of another, with another meaning, gets a number behind it."""
    found: list[Scenario] = []
    known: dict[str, Meaning] = {}
    for recording, exchanges in recordings:
        one = scenario(recording, exchanges, beside.decisions(recording.id))
        names = _names(dict(_meanings(one)), known)
        found.append(_renamed(one, names) if any(old != new for old, new in names.items()) else one)
        known |= {name: meaning for name, meaning in _meanings(found[-1]) if name not in known}
    return found


def _names(own: Mapping[str, Meaning], known: Mapping[str, Meaning]) -> dict[str, str]:
    """Old name -> new name."""
    taken = {*known, *own}
    names = {}
    for name, meaning in own.items():
        same = known.get(name, meaning) == meaning
        twin = next((other for other, its in known.items() if its == meaning and _stem(other) == _stem(name)), "")
        names[name] = name if same else (twin or free(name, taken))
    return names


def _stem(name: str) -> str:
    return name.rstrip("0123456789").rstrip("_")


def _meanings(found: Scenario) -> Iterator[tuple[str, Meaning]]:
    secrets = {use.name: use.recorded for step in found.steps for use in _uses(step)}
    yield from ((one.variable, ("target", one.base)) for one in found.targets)
    for one in found.inputs:
        yield one.variable, ("secret", secrets.get(one.variable, "")) if one.secret else ("input", one.default)
    yield from ((keep.variable, ("kept", "")) for step in found.steps for keep in step.keeps)


def _uses(step: ScenarioStep) -> Iterator[VariableUse]:
    for text in (step.path, step.body.text, *(value for _, value in step.headers)):
        yield from (part for part in text if isinstance(part, VariableUse))


def _renamed(found: Scenario, names: Mapping[str, str]) -> Scenario:
    targets = {one.variable: replace(one, variable=names[one.variable]) for one in found.targets}
    return replace(
        found,
        targets=tuple(targets.values()),
        inputs=tuple(replace(one, variable=names[one.variable]) for one in found.inputs),
        steps=tuple(
            replace(
                step,
                target=targets[step.target.variable],
                path=_text(step.path, names),
                headers=tuple((name, _text(value, names)) for name, value in step.headers),
                body=replace(step.body, text=_text(step.body.text, names)),
                keeps=tuple(replace(keep, variable=names[keep.variable]) for keep in step.keeps),
            )
            for step in found.steps
        ),
    )


def _text(text: Text, names: Mapping[str, str]) -> Text:
    return tuple(
        replace(part, name=names.get(part.name, part.name)) if isinstance(part, VariableUse) else part for part in text
    )
