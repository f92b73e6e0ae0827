"""Files of requests for editors and httpyac (.http): the chain with its variables. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import Scenario, ScenarioStep
from ..scenario.templated_text import Text, written
from ..scenario.variable_names import scenarios
from ..scenario.variables import KeptVariable
from ..urls import is_utf8
from .file_comments import about_file, fitting, left_out, step_title
from .javascript import cookie_in, matched

_SIGN = "\x02"  # where a variable stands
_BRACES = rf"\{{\{{|\}}\}}|\{{{_SIGN}|{_SIGN}\}}"
# Lines that these files would read as something of their own: a separator, a file to include, a script, an assertion.
_OWN = re.compile(
    rf"^[^\S\n]*+(?:###|<|>|\?\?|#|//|@)|{_BRACES}|\r|[^\S\n ]|^[A-Z]+ (?:http|/)|\A\s|\s\Z|\n[ \t]*\n", re.MULTILINE
)
# In a field: what httpyac evaluates or takes for an escape, and a comma at the end, which it drops.
_CODE = re.compile(rf"{_BRACES}|\\|,\Z")


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """Recordings follow each other in one file; all variables stand above them."""
    found = scenarios(recordings, beside)
    parts = ["\n".join(_head(found, version))]
    for one in found:
        about = [f"# {line}".rstrip() for line in about_file(one, version)]
        parts += ["\n".join(["###", *about])] if len(found) > 1 else []
        parts += ["\n".join(_request(one, step)) for step in one.steps]
    return "\n\n".join(parts) + "\n"


def _head(found: Sequence[Scenario], version: str) -> Iterator[str]:
    """What all share. A variable given to httpyac counts more than the one written here, which lines of @ would not."""
    if len(found) == 1:
        yield from (f"# {line}".rstrip() for line in about_file(found[0], version))
    pairs = {one.variable: one.base for each in found for one in each.targets}
    pairs |= {one.variable: one.default for each in found for one in each.inputs if not one.secret}
    secrets = dict.fromkeys(one.variable for each in found for one in each.inputs if one.secret)
    yield f"# httpyac send THIS_FILE --all{' --var' if secrets else ''}{''.join(f' {name}=...' for name in secrets)}"
    if pairs:
        yield "{{"
        for name, value in pairs.items():
            yield f"  exports.{name} = typeof {name} === 'undefined' ? {_quoted(value)} : {name};"
        yield "}}"


def _request(found: Scenario, step: ScenarioStep) -> Iterator[str]:
    yield f"### {step_title(step)}"
    obstacle = _obstacle(step)
    if obstacle:
        yield f"# skipped: {obstacle}"
        return
    yield from (f"# {line}" for line in (*found.left.get(step.number, ()), *left_out(step)))
    yield f"# @name step{step.number}"
    yield "# @no-redirect"
    yield f"{step.method} {{{{{step.target.variable}}}}}{_text(step.path)}"
    yield from (f"{name}: {_field(value)}" for name, value in fitting(step).headers)
    if step.body.text:
        yield ""
        yield _body(step.body.text)
    yield ""
    if step.status:
        yield f"?? status == {step.status}"
    if step.keeps:
        yield "{{"
        yield from (f"  exports.{keep.variable} = {_kept(keep)};" for keep in step.keeps)
        yield "}}"


def _obstacle(step: ScenarioStep) -> str:
    if step.obstacle or not step.body.is_text:
        return step.obstacle or "its body is not text"
    return "" if is_utf8(written(step.path, lambda name: "x")) else "its URL holds bytes that are no UTF-8"


def _text(text: Text) -> str:
    return written(text, lambda name: f"{{{{{name}}}}}")


def _field(text: Text) -> str:
    """As it stands, or one expression: the only thing whose result httpyac does not look through for more of them."""
    return _expression(text) if _CODE.search(_shown(text)) else _text(text)


def _body(text: Text) -> str:
    """As it stands, unless a line of it would be read as something else."""
    return _expression(text) if _OWN.search(_shown(text)) else _text(text)


def _shown(text: Text) -> str:
    """With a sign of our own for every variable."""
    return written(text, lambda name: _SIGN)


def _expression(text: Text) -> str:
    return f"{{{{{_sum(text)}}}}}"


def _sum(text: Text) -> str:
    return " + ".join(_quoted(part) if isinstance(part, str) else part.name for part in text)


def _quoted(text: str) -> str:
    """A string of JavaScript without the braces that end an expression."""
    return "".join(_seen(char) for char in json.dumps(text, ensure_ascii=False))


def _seen(char: str) -> str:
    return (
        char
        if char.isprintable() and char not in "{}"
        else "".join(f"\\u{unit:04x}" for unit in memoryview(char.encode("utf-16-le", "surrogatepass")).cast("H"))
    )


def _kept(keep: KeptVariable) -> str:
    """An expression of JavaScript."""
    if keep.part == "json":
        found = "response.parsedBody" + "".join(f"[{key if key.isdigit() else _quoted(key)}]" for key in keep.keys)
    elif keep.part == "body":
        found = "response.body"
    elif keep.part == "cookie":
        return cookie_in('response.headers["set-cookie"]', keep.path, _quoted)
    else:
        found = f"response.headers[{_quoted(keep.path.lower())}]"
    return matched(found, keep, _quoted)
