"""Recorded text that holds {{name}} itself, which several tools would take for a variable of theirs. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..scenario.scenario import Payload, ScenarioStep
from ..scenario.templated_text import Text, written

_NAMED = re.compile(r"\{\{([^{}\n]*)\}\}")


def taken(text: Text, known: Callable[[str], bool] = bool) -> str:
    """The first {{name}} in what was recorded that a tool knows, or ""."""
    return next((f"{{{{{name}}}}}" for name in _names(text) if known(name)), "")


def obstacle(step: ScenarioStep, known: Callable[[str], bool] = bool) -> str:
    """Why a tool would change the URL or the body of a step, or ""."""
    name = taken(step.path, known) or taken(step.body.text, known)
    return f"{name} in it would be taken for a variable" if name else ""


def _names(text: Text) -> Iterator[str]:
    return (name for part in text if isinstance(part, str) for name in _NAMED.findall(part))


def escaped(step: ScenarioStep) -> ScenarioStep:
    """The same step with its JSON so written that no {{ stands in it: a second brace is an escape in its string."""
    body = step.body
    if "json" not in body.media.lower() or not taken(body.text) or not _is_json(body):
        return step
    text = tuple(re.sub(r"\{(?=\{)", r"\\u007b", part) if isinstance(part, str) else part for part in body.text)
    return replace(step, body=replace(body, text=text))


def _is_json(body: Payload) -> bool:
    """Two braces in a row stand in a string then: no object has an object for a name."""
    try:
        json.loads(written(body.text, lambda name: "0"))
    except (ValueError, RecursionError):
        return False
    return True
