"""Hurl files (7.1): the chain with its expected statuses and captured values, readable as text. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence

from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import Scenario, ScenarioStep
from ..scenario.templated_text import Text, written
from ..scenario.variable_names import scenarios
from ..scenario.variables import KeptVariable
from .file_comments import about_file, step_title

_SLASH = "\\/"  # in an expression between slashes
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """Recordings follow each other in one file; the command that runs it stands once, at the top."""
    found = scenarios(recordings, beside)
    parts = []
    for index, one in enumerate(found):
        head = [*about_file(one, version), *(() if index else _command(found))]
        parts.append("\n".join(f"# {line}".rstrip() for line in head))
        parts += ["\n".join(_entry(one, step)) for step in one.steps]
    return "\n\n".join(parts) + "\n"


def _command(found: Sequence[Scenario]) -> Iterator[str]:
    """With every variable of the file: Hurl knows no defaults."""
    yield "Run it:"
    given = {one.variable: f"--variable {one.variable}={one.base}" for each in found for one in each.targets}
    for one in (one for each in found for one in each.inputs):
        word = f"--secret {one.variable}=..." if one.secret else f"--variable {one.variable}={one.default}"
        given.setdefault(one.variable, word)
    yield f"  hurl --test {' '.join(given.values())} THIS_FILE"


def _entry(found: Scenario, step: ScenarioStep) -> Iterator[str]:
    yield f"# {step_title(step)}"
    if step.obstacle:
        yield f"# skipped: {step.obstacle}"
        return
    yield from (f"# {line}" for line in found.left.get(step.number, ()))
    yield f"{step.method} {{{{{step.target.variable}}}}}{_value(step.path)}"
    yield from (f"{_literal(name, ':')}: {_value(value)}" for name, value in step.headers)
    if step.body.data:
        yield _body(step)
    yield f"HTTP {step.status or '*'}"
    captures = [f"{keep.variable}: {_query(keep)}" for keep in step.keeps]
    yield from ["[Captures]", *captures] if captures else ()


def _value(text: Text) -> str:
    return written(text, lambda name: f"{{{{{name}}}}}", lambda part: _literal(part, "#"))


def _literal(text: str, special: str) -> str:
    """Text as it stands unquoted or in backticks: what Hurl would read as its own is escaped."""
    escaped = "".join(_escaped(char, special) for char in text)
    return re.sub(r"\{(?=\{)|\{\Z", r"\\u{7b}", escaped)  # a brace that could begin a variable


def _escaped(char: str, special: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char in special and char in "#`":
        return f"\\{char}"
    if char in special or not char.isprintable():
        return f"\\u{{{ord(char):x}}}"
    return char


def _body(step: ScenarioStep) -> str:
    if not step.body.is_text:
        return f"base64,{b64encode(step.body.data).decode()};"
    text = written(step.body.text, lambda name: f"{{{{{name}}}}}", lambda part: _literal(part, "`"))
    return f"`{text}`"


def _query(keep: KeptVariable) -> str:
    """Where Hurl finds the value in the response."""
    if keep.part == "json":
        path = "$" + "".join(f"[{key}]" if key.isdigit() else f"['{_key(key)}']" for key in keep.keys)
        return f'jsonpath "{path}"{_regex(keep)}'
    if keep.part == "cookie":
        return f'cookie "{_literal(keep.path, chr(34))}"'
    return f"body{_regex(keep)}" if keep.part == "body" else f'header "{keep.path}"{_regex(keep)}'


def _regex(keep: KeptVariable) -> str:
    return f" regex /{keep.pattern.replace('/', _SLASH)}/" if keep.pattern else ""


def _key(key: str) -> str:
    return _literal(key, '"').replace("'", "\\\\'")
