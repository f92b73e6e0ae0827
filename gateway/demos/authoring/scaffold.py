"""A demo made from a recording: its steps as forms, values that flow kept and filled in. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from ...correlation import Decisions
from ...export.scenario.scenario import Scenario, ScenarioStep, scenario
from ...export.scenario.templated_text import Text, VariableUse
from ...export.scenario.variables import KeptVariable
from ...model.exchange import Exchange
from ...model.recording import Recording
from ..definition.expressions import names_in_all
from ..definition.parse_parts import FORBIDDEN, METHODS, NAME
from ..definition.schema import slug_of
from ..masking import is_secret_name
from ..step import ACCEPT, BODYLESS
from .scaffold_what_if import base_of, is_what_if, name_of, what_if
from .yaml_text import EMPTY, flow, member

NONE = Decisions()
BRACES = re.compile(r"\{\{|\{%|\{#")
USUAL = ("accept", "content-type")


@dataclass(slots=True)
class Made:
    """What a step of the demo says, verb by verb, and what could not be said."""

    title: str
    verbs: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Session:
    """What the demo's session holds so far: values as recorded, and the name under which each variable is found."""

    values: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def settled(self, use: VariableUse) -> bool:
        """Whether the recorded text may stand there: the client said it first, in this very request."""
        return use.given and use.name not in self.names

    def holds(self, name: str, value: Any) -> bool:
        return name in self.values and self.values[name] == value and type(self.values[name]) is type(value)


def new_demo(
    recording: Recording, exchanges: Sequence[Exchange], decisions: Decisions = NONE, *, title: str = ""
) -> str:
    """demo.yaml for a recording, called as that is. Secrets have no default: the user of the demo types them."""
    found = scenario(recording, exchanges, decisions)
    steps, left = _steps(found)
    lines = [f"# Made from the recording {_line(recording.id)}. docs/demos.md explains every key."]
    lines += [f"# Left out: {reason}" for reason in left]
    lines += [f"title: {flow(_line(title) or _line(found.title))}", "steps:"]
    for made in steps:
        lines += [f"  # {comment}" for comment in made.comments]
        lines.append(f"  - title: {flow(made.title)}")
        for verb, value in made.verbs.items():
            lines += member(verb, value, 4)
    return "\n".join(lines) + "\n"


def _steps(found: Scenario) -> tuple[list[Made], list[str]]:
    steps: list[Made] = []
    left = [found.hidden] if found.hidden else []
    session, titles = Session(), set[str]()
    done: list[tuple[ScenarioStep, Made]] = []
    for step in found.steps:
        reason = _obstacle(step)
        if reason:
            left.append(_line(f"step {step.number}, {step.method} {step.exchange.path}: {reason}"))
            continue
        if is_what_if(step) and _tried(step, done):
            continue
        made = Made(_title(step, titles))
        made.comments += [_line(each) for each in found.left.get(step.number, ())]
        _fill(made, step, session)
        steps.append(made)
        done.append((step, made))
    return steps, left


def _tried(step: ScenarioStep, done: Sequence[tuple[ScenarioStep, Made]]) -> bool:
    """Write it as a what-if of the step at which it was tried, if a what-if can say it."""
    at = base_of(step, [(one, made.verbs) for one, made in done])
    if at is None:
        return False
    base, made = done[at]
    verbs = what_if(step, base, made.verbs)
    if verbs is not None:
        known = made.verbs.setdefault("what_if", {})
        known[_free(_line(name_of(step))[:80].strip(), step, {slug_of(name) for name in known})] = verbs
    return verbs is not None


def _obstacle(step: ScenarioStep) -> str:
    if step.obstacle:
        return step.obstacle
    if not step.target.cluster:
        return "no cluster was asked"
    if step.method not in METHODS:
        return f"a demo makes no {step.method} calls"
    return "" if step.body.is_text else "its body is not text"


def _title(step: ScenarioStep, taken: set[str]) -> str:
    title = _free(_line(step.name.partition(";")[0])[:80].strip(), step, taken)
    taken.add(slug_of(title))
    return title


def _free(name: str, step: ScenarioStep, taken: Collection[str]) -> str:
    """The name, with a number where its address is taken."""
    base = name if slug_of(name) else f"Step {step.number}"
    found, number = base, 2
    while slug_of(found) in taken:
        found, number = f"{base} {number}", number + 1
    return found


def _fill(made: Made, step: ScenarioStep, session: Session) -> None:
    """The verbs of one step, in the order in which people write them; the session grows by what it writes."""
    path, query = _address(step.path)
    form = {_name(use, session): _default(use, session) for use in _uses(path)}
    headers = _headers(step, session)
    spelt = _spelt(step, query, session)
    fields = None if _extra(step, query, session, headers) else _fields(step, query, spelt, form, session)
    if fields is None:
        fields = _unknown((headers, spelt), session)
        if fields and step.method in BODYLESS:
            spelt.setdefault("query", {})
        elif form or fields:
            spelt.setdefault("body", None)
    else:
        spelt = {"send": "form"} if spelt.get("send") == "form" and fields else {}
    made.verbs["call"] = f"{step.method} {step.target.cluster}:{_path(path, session) + spelt.pop('?', '')}"
    form |= fields
    keeps = {keep.variable: source for keep in step.keeps if (source := _source(keep))}
    made.comments += [f"{keep.variable} is not kept: no JSONPath finds it" for keep in step.keeps if not _source(keep)]
    expect = step.status if step.status and not 200 <= step.status < 300 else None
    shown = {name: EMPTY if default is None else default for name, default in form.items()}
    said = {"form": shown, **spelt, "headers": headers, "keep": keeps, "expect": expect}
    made.verbs |= {verb: value for verb, value in said.items() if verb in spelt or value}
    _remember(session, (path, query, step.body.text), form, {keep.variable: keep.recorded for keep in step.keeps})


def _remember(session: Session, texts: Sequence[Text], form: dict[str, Any], kept: dict[str, str]) -> None:
    for name, default in form.items():
        if not is_secret_name(name) and not isinstance(default, dict) and default is not None:
            session.values[name] = default
    for use in (use for text in texts for use in _uses(text) if use.given and use.name in form):
        session.names.setdefault(use.name, use.name)
    for name, value in kept.items():
        session.values[name], session.names[name] = value, name


def _name(use: VariableUse, session: Session) -> str:
    return session.names.get(use.name, use.name)


def _default(use: VariableUse, session: Session) -> Any:
    """What the client brought has its recorded value, once; what a response gave is filled from the session."""
    if use.name in session.names:
        return None
    return use.recorded if use.given else _asked(use.name)


def _asked(name: str) -> Any:
    """A secret that nobody has kept: the form asks for it."""
    return None if is_secret_name(name) else {"type": "password"}


def _extra(step: ScenarioStep, query: Text, session: Session, headers: dict[str, str]) -> bool:
    """Whether a header needs a field, which must not get into the body as well."""
    return bool(_unknown((headers,), session))


def _unknown(places: Sequence[Any], session: Session) -> dict[str, Any]:
    """Fields for the variables that expressions name and no step has kept."""
    names = sorted(frozenset().union(*(names_in_all(place) for place in places)) - set(session.names.values()))
    return {name: _asked(name) for name in names}


def _fields(
    step: ScenarioStep, query: Text, spelt: dict[str, Any], form: dict[str, Any], session: Session
) -> dict[str, Any] | None:
    """The fields that say the same as query and body written out; None where fields cannot."""
    both = "body" in spelt and ("query" in spelt or "?" in spelt or step.method in BODYLESS)
    pairs: Any = spelt.get("query", {}) if step.method in BODYLESS else spelt.get("body", {})
    if both or "?" in spelt or not isinstance(pairs, dict) or (step.method not in BODYLESS and "query" in spelt):
        return None
    fields: dict[str, Any] = {}
    for name, value in pairs.items():
        if not NAME.fullmatch(name) or name in form or isinstance(value, dict | list) or value in (None, ""):
            return None
        alone = re.fullmatch(r"\{\{ (\w+) \}\}", value) if isinstance(value, str) else None
        if alone and alone[1] not in session.names.values():
            fields[name] = _asked(name)
        elif alone and alone[1] == name:
            fields[name] = None
        elif name in session.values and not session.holds(name, value):
            return None  # the session's value of that name would win over this one
        else:
            fields[name] = None if name in session.values else value
    return fields


def _spelt(step: ScenarioStep, query: Text, session: Session) -> dict[str, Any]:
    """Query and body written out, as `query`, `body`, `send`; "?" is a query that must stay in the path."""
    found: dict[str, Any] = {}
    if query:
        pairs = [(name, _expression(value, session)) for name, value in _pairs(query)]
        if len({name for name, _ in pairs}) == len(pairs) and all(name for name, _ in pairs):
            found["query"] = dict(pairs)
        else:
            literal = (
                quote(p.recorded, safe="") if isinstance(p, VariableUse) and session.settled(p) else p for p in query
            )
            found["?"] = "?" + _path(tuple(literal), session)
    if step.body.text:
        found |= _spelt_body(step, session)
    return found


def _spelt_body(step: ScenarioStep, session: Session) -> dict[str, Any]:
    media = step.body.media.partition(";")[0].strip().lower()
    if media.endswith("json"):
        try:
            return {"body": _json(step.body.text, session)}
        except (ValueError, RecursionError):
            pass
    if media == "application/x-www-form-urlencoded":
        pairs = [(name, _expression(text, session)) for name, text in _pairs(step.body.text)]
        if len({name for name, _ in pairs}) == len(pairs):
            return {"send": "form", "body": dict(pairs)}
    return {"body": _expression(step.body.text, session)}


def _address(text: Text) -> tuple[Text, Text]:
    """(path, query)."""
    for at, part in enumerate(text):
        if isinstance(part, str) and "?" in part:
            head, _, tail = part.partition("?")
            return (*text[:at], head), ((tail,) if tail else ()) + text[at + 1 :]
    return text, ()


def _path(text: Text, session: Session) -> str:
    """Literal text as it stands, a variable as {name}."""
    pieces = (
        part.replace("{", "%7B").replace("}", "%7D").replace("#", "%23")
        if isinstance(part, str)
        else f"{{{_name(part, session)}}}"
        for part in text
    )
    joined = re.sub(r"\s", "%20", "".join(pieces))
    return joined if joined.startswith(("/", "?")) or "=" in joined else f"/{joined}"


def _pairs(text: Text) -> list[tuple[str, Text]]:
    """Name and value of a query or a form, decoded, with the variables still in them."""
    uses = _uses(text)
    marked = "".join(part if isinstance(part, str) else f"\ue000{uses.index(part)}\ue001" for part in text)
    return [(name, _marked(value, uses)) for name, value in parse_qsl(marked, keep_blank_values=True)]


def _marked(text: str, uses: Sequence[VariableUse]) -> Text:
    parts = re.split("\ue000([0-9]+)\ue001", text)
    return tuple(uses[int(part)] if at % 2 else part for at, part in enumerate(parts) if at % 2 or part)


def _json(text: Text, session: Session) -> Any:
    """The value with "{{ name }}" in the place of its variables; ValueError when it is no JSON."""
    uses, pieces, quoted = _uses(text), [], False
    for part in text:
        if isinstance(part, str):
            quoted ^= len(re.findall(r'(?<!\\)(?:\\\\)*"', part)) % 2 == 1
            pieces.append(part)
        elif session.settled(part):
            pieces.append(json.dumps(part.recorded)[1:-1] if quoted else part.recorded)
        else:
            mark = f"\ue000{uses.index(part)}\ue001"
            pieces.append(mark if quoted else f'"{mark}"')
    return _expressed(json.loads("".join(pieces)), uses, session)


def _expressed(value: Any, uses: Sequence[VariableUse], session: Session) -> Any:
    if isinstance(value, dict):
        return {name: _expressed(item, uses, session) for name, item in value.items()}
    if isinstance(value, list):
        return [_expressed(item, uses, session) for item in value]
    return _expression(_marked(value, uses), session) if isinstance(value, str) else value


def _expression(text: Text, session: Session) -> str:
    """Text with {{ name }} for its variables; braces that were recorded stay what they are."""
    settled = [part.recorded if isinstance(part, VariableUse) and session.settled(part) else part for part in text]
    literal: list[str | VariableUse] = []
    for part in settled:  # neighbours together: a brace may stand on each side of a seam
        if literal and isinstance(part, str) and isinstance(literal[-1], str):
            literal[-1] += part
        else:
            literal.append(part)
    return "".join(
        BRACES.sub(lambda brace: f"{{{{ '{brace[0]}' }}}}", part)
        if isinstance(part, str)
        else f"{{{{ {_name(part, session)} }}}}"
        for part in literal
    )


def _headers(step: ScenarioStep, session: Session) -> dict[str, str]:
    """What a demo does not send by itself."""
    usual = {"accept": ACCEPT[1], "content-type": step.body.media}
    headers: dict[str, str] = {}
    for name, value in step.headers:
        low, text = name.lower(), _expression(value, session)
        if low not in FORBIDDEN and usual.get(low) != text and (low not in USUAL or step.body.text):
            headers[name] = text
    return headers


def _source(keep: KeptVariable) -> str:
    if keep.pattern:
        return ""
    if keep.part == "header":
        return f"header:{keep.path}"
    return "$" + "".join(f"[{name}]" if name.isdigit() else _member(name) for name in keep.keys)


def _member(name: str) -> str:
    return f".{name}" if NAME.fullmatch(name) else "['" + name.replace("\\", "\\\\").replace("'", "\\'") + "']"


def _uses(text: Text) -> list[VariableUse]:
    return [part for part in text if isinstance(part, VariableUse)]


def _line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+", " ", text).strip()
