"""Files of requests in the syntax that all editors share (.rest): VS Code REST Client, JetBrains, Visual Studio. Pure.

https://www.jetbrains.com/help/idea/exploring-http-syntax.html and the README of REST Client agree on this much:
separators, names, lines of @, variables. What responses give can be kept by neither in a way that the other reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..documents.guide import kept_as
from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import Scenario, ScenarioStep
from ..scenario.sealed_secrets import PLACEHOLDER
from ..scenario.templated_text import Text, written
from ..scenario.variable_names import scenarios
from ..scenario.variables import KeptVariable
from ..urls import is_utf8
from .brace_escaping import escaped, obstacle, taken
from .file_comments import about_file, fitting, is_ascii, left_out, step_title

# Lines that an editor would read as its own, or drop: separators, files to include, scripts, comments, variables.
_OWN = re.compile(
    r"^[^\S\n]*+(?:#|//|<|>|@|\?\?|\{\{)|\r|[^\S\n ]|^[A-Z]+ (?:http|/|\{)|\A\s|\s\Z|\n[ \t]*\n", re.MULTILINE
)


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """Recordings follow each other in one file; all variables stand above them."""
    found = scenarios(recordings, beside)
    parts = ["\n".join(f"# {line}".rstrip() for line in _head(found, version)), "\n".join(_variables(found))]
    for one in found:
        if len(found) > 1:
            parts.append("\n".join(["###", *(f"# {line}".rstrip() for line in about_file(one, version))]))
        parts += ["\n".join(_request(one, step)) for step in one.steps]
    return "\n\n".join(filter(None, parts)) + "\n"


def _head(found: Sequence[Scenario], version: str) -> Iterator[str]:
    if len(found) == 1:
        yield from about_file(found[0], version)
    yield "In the syntax that VS Code REST Client and JetBrains share. It checks no status; the titles say them."
    keeps = {keep.variable: (step, keep) for one in found for step in one.steps for keep in step.keeps}
    if keeps:
        yield "It keeps no value of a response either. Fill in by hand, in the lines of @:"
        for step, keep in keeps.values():
            yield f"  {keep.variable}: from the response of step {step.number}, {_place(keep)}"


def _place(keep: KeptVariable) -> str:
    where = f"JSON {keep.path}" if keep.part == "json" else kept_as(keep)
    return f"{where}, the part that {keep.pattern} finds" if keep.pattern and keep.part != "body" else where


def _variables(found: Sequence[Scenario]) -> Iterator[str]:
    """What was recorded; secrets are empty, and so is what such a line cannot hold."""
    pairs: dict[str, str] = {}
    for one in found:
        pairs |= {target.variable: target.base for target in one.targets}
        pairs |= {given.variable: given.default for given in one.inputs}
        pairs |= {keep.variable: _known(keep.recorded) for step in one.steps for keep in step.keeps}
    return (f"@{name} = {value}".rstrip() for name, value in pairs.items())


def _known(recorded: str) -> str:
    plain = recorded.isprintable() and recorded == recorded.strip() and "{{" not in recorded and "\\" not in recorded
    return recorded if plain and not PLACEHOLDER.search(recorded.encode()) else ""


def _request(found: Scenario, step: ScenarioStep) -> Iterator[str]:
    yield f"### {step_title(step)}"
    step = escaped(step)
    if why := _obstacle(step):
        yield f"# skipped: {why}"
        return
    yield from (f"# {line}" for line in (*found.left.get(step.number, ()), *left_out(step, _fits)))
    yield f"# @name step{step.number}"
    yield "# @no-redirect"
    yield f"{step.method} {{{{{step.target.variable}}}}}{_text(step.path)}"
    yield from (f"{name}: {_text(value)}" for name, value in fitting(step, _fits).headers)
    if step.body.text:
        yield ""
        yield _text(step.body.text)


def _obstacle(step: ScenarioStep) -> str:
    if step.obstacle or not step.body.is_text:
        return step.obstacle or "its body is not text"
    if _OWN.search(written(step.body.text, lambda name: "x")):
        return "a line of its body would be read as something of the editor's own"
    if not is_utf8(written(step.path, lambda name: "x")):
        return "its URL holds bytes that are no UTF-8"
    return obstacle(step)


def _fits(field: Text) -> bool:
    return is_ascii(field) and not taken(field)


def _text(text: Text) -> str:
    return written(text, lambda name: f"{{{{{name}}}}}")
