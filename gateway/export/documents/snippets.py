"""A step's request in the languages of its readers: curl, fetch, axios, Swift, Kotlin, Python. Pure.

Values that flow are variables of the language, called as in the document; secrets among them. What no client can send
from a recording has no snippet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ..scenario.scenario import ScenarioStep
from ..scenario.templated_text import Text, VariableUse, settled, written
from .guide import curl_of

_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Snippet:
    """`language` names the tab, `fence` the highlighter."""

    language: str
    fence: str
    code: str


def snippets(step: ScenarioStep) -> Iterator[Snippet]:
    """All languages, curl first; nothing where no client can send the request as it was recorded."""
    command = curl_of(step)
    if not command:
        return
    yield Snippet("curl", "bash", command)
    for language, fence, write in _WRITERS:
        yield Snippet(language, fence, write(step))


def _url(step: ScenarioStep) -> Text:
    return (VariableUse(step.target.variable, step.target.base), *settled(step.path))


def _headers(step: ScenarioStep) -> list[tuple[str, Text]]:
    return [(name, settled(value)) for name, value in step.headers]


def _quoted(text: Text, variable: Callable[[str], str], more: dict[str, str], control: str = "\\u{:04x}") -> str:
    """A string in double quotes; `more`: what else has to be escaped in this language, `control`: how a control is."""
    signs = _ESCAPES | more

    def literal(part: str) -> str:
        return "".join(signs.get(char) or (char if char >= " " else control.format(ord(char))) for char in part)

    return f'"{written(settled(text), variable, literal)}"'


# -- JavaScript


def _js(text: Text) -> str:
    """A template literal where a variable stands in it, else a string."""
    if not any(isinstance(part, VariableUse) for part in settled(text)):
        return _quoted(text, str, {"\u2028": "\\u2028", "\u2029": "\\u2029"})
    signs = {"\\": "\\\\", "`": "\\`", "\r": "\\r"}

    def literal(part: str) -> str:
        return "".join(signs.get(char, char) for char in part).replace("${", "\\${")

    return f"`{written(settled(text), lambda name: f'${{{name}}}', literal)}`"


def _fetch(step: ScenarioStep) -> str:
    return _js_call(step, "fetch", f"{_js(_url(step))}, {{", [f'  method: "{step.method}",'], "body")


def _axios(step: ScenarioStep) -> str:
    first = [f"  url: {_js(_url(step))},", f'  method: "{step.method}",', "  validateStatus: () => true,"]
    return _js_call(step, "axios", "{", first, "data")


def _js_call(step: ScenarioStep, function: str, opening: str, lines: list[str], body: str) -> str:
    if headers := _headers(step):
        named = [f"    {_js((name,))}: {_js(value)}," for name, value in headers]
        lines += ["  headers: {", *named, "  },"]
    if step.body.text:
        lines.append(f"  {body}: {_js(step.body.text)},")
    return "\n".join([f"const response = await {function}({opening}", *lines, "});"])


# -- Swift, Kotlin, Python


def _swift(step: ScenarioStep) -> str:
    def string(text: Text) -> str:
        return _quoted(text, lambda name: f"\\({name})", {}, "\\u{{{:x}}}")

    lines = [
        f"var request = URLRequest(url: URL(string: {string(_url(step))})!)",
        f'request.httpMethod = "{step.method}"',
        *(
            f"request.addValue({string(value)}, forHTTPHeaderField: {string((name,))})"
            for name, value in _headers(step)
        ),
    ]
    if step.body.text:
        lines.append(f"request.httpBody = Data({string(step.body.text)}.utf8)")
    return "\n".join([*lines, "let (data, response) = try await URLSession.shared.data(for: request)"])


def _kotlin(step: ScenarioStep) -> str:
    """OkHttp 4 and later; GET and HEAD have no body there."""

    def string(text: Text) -> str:
        return _quoted(text, lambda name: f"${{{name}}}", {"$": "\\$"})

    body = f"{string(step.body.text)}.toRequestBody()" if step.body.text else '"".toRequestBody()'
    given = "null" if step.method in ("GET", "HEAD") else body
    lines = [
        "val request = Request.Builder()",
        f"    .url({string(_url(step))})",
        f'    .method("{step.method}", {given})',
        *(f"    .addHeader({string((name,))}, {string(value)})" for name, value in _headers(step)),
        "    .build()",
    ]
    return "\n".join([*lines, "val response = OkHttpClient().newCall(request).execute()"])


def _python(step: ScenarioStep) -> str:
    def string(text: Text) -> str:
        has_variable = any(isinstance(part, VariableUse) for part in settled(text))
        braces = {"{": "{{", "}": "}}"} if has_variable else {}
        return f"{'f' if has_variable else ''}{_quoted(text, lambda name: f'{{{name}}}', braces)}"

    lines = ["response = httpx.request(", f'    "{step.method}",', f"    {string(_url(step))},"]
    if headers := _headers(step):
        named = [f"        ({string((name,))}, {string(value)})," for name, value in headers]
        lines += ["    headers=[", *named, "    ],"]
    if step.body.text:
        lines.append(f"    content={string(step.body.text)},")
    return "\n".join([*lines, ")"])


_WRITERS: Final[tuple[tuple[str, str, Callable[[ScenarioStep], str]], ...]] = (
    ("fetch", "js", _fetch),
    ("axios", "js", _axios),
    ("Swift", "swift", _swift),
    ("Kotlin", "kotlin", _kotlin),
    ("Python", "python", _python),
)
