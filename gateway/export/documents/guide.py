""" "How to use these APIs": what the document says, before Markdown or HTML lay it out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...correlation import Correlations, correlate
from ...diagrams import Diagram
from ...model.bodies import format_of, media_type, pretty_json, text_of
from ...model.exchange import Exchange
from ...model.failures import failed_of
from ...model.message import Message
from ...model.operations import named_operation
from ...model.pretty_xml import pretty_xml
from ...model.text import counted, duration, visible
from ...replay.error_card import fails
from ..format import ALONE, Beside, Recordings
from ..runnable.shell_quoting import quoted
from ..scenario.path_templates import templates
from ..scenario.public_paths import PublicTarget
from ..scenario.recording_groups import Run, diagram_of
from ..scenario.scenario import Scenario, ScenarioStep, scenario
from ..scenario.sealed_secrets import PLACEHOLDER
from ..scenario.templated_text import Text, VariableUse, names, settled, split, written
from ..scenario.variables import MARK, KeptVariable
from .error_cards import ErrorCard, cards
from .what_ifs import Compared, DocumentWhatIf, belongs, compared, what_ifs

BODY = 16 << 10  # characters of a body; what is beyond is for the recording itself
FOLD = 16  # lines of a body that are shown at once
_SECRET = re.compile(PLACEHOLDER.pattern.decode())
# Fields that explain a response; the rest is for the recording itself.
_TELLING = frozenset(
    {"content-type", "location", "content-location", "etag", "retry-after", "www-authenticate", "allow", "set-cookie"}
    | {"link", "warning", "cache-control", "content-range", "x-request-id", "deprecation", "sunset"}
)


@dataclass(frozen=True, slots=True)
class GuideEntry:
    """A step as it is described; `last` and `times` where the same call came several times in a row."""

    step: ScenarioStep
    anchor: str
    last: int
    times: int

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(note.strip() for note in self.step.exchange.notes if note.strip())


@dataclass(frozen=True, slots=True)
class GuideChapter:
    """One recording of the document, with its what-ifs and its runs on other environments."""

    scenario: Scenario
    diagram: Diagram
    entries: tuple[GuideEntry, ...]
    cards: tuple[ErrorCard, ...]
    what_ifs: tuple[DocumentWhatIf, ...]
    compared: tuple[Compared, ...]
    versions: dict[PublicTarget, str]
    anchors: dict[str, str]  # exchange -> anchor of the entry that shows it
    steps: dict[int, str]  # step -> the same
    known: dict[str, VariableUse]  # sealed values that have a variable
    beside: Beside


@dataclass(frozen=True, slots=True)
class GuideOperation:
    """A row of the reference table: (status, first step) of every response seen."""

    cluster: str
    method: str
    path: str
    answers: tuple[tuple[int, Exchange], ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """The whole document."""

    title: str
    chapters: tuple[GuideChapter, ...]
    operations: tuple[GuideOperation, ...]


def guide(recordings: Recordings, *, beside: Beside = ALONE) -> Guide:
    """The document of these recordings; what-ifs and replays are in the chapter of what they come from."""
    shown = [run for run in recordings if not belongs(run[0], recordings)]
    found = tuple(_chapter(index, run, recordings, beside) for index, run in enumerate(shown))
    title = found[0].scenario.title if found else "Nothing recorded"
    rest = [run for run in recordings if belongs(run[0], recordings)]
    told = [each.scenario for each in found]
    told += [scenario(one, exchanges, beside.decisions(one.id)) for one, exchanges in rest]
    return Guide(title, found, tuple(_operations([step for each in told for step in each.steps])))


def _chapter(index: int, run: Run, recordings: Recordings, beside: Beside) -> GuideChapter:
    recording, exchanges = run
    found = scenario(recording, exchanges, beside.decisions(recording.id))
    entries = tuple(_entries(found.steps, f"r{index + 1}-" if index else ""))
    anchors, rest = {}, list(found.steps)
    for entry in entries:
        while rest and rest[0].number <= entry.last:
            anchors[rest.pop(0).exchange.id] = entry.anchor
    related = any(one.parent == recording.id for one, _ in recordings)
    correlations = correlate(exchanges, beside.decisions(recording.id)) if related else Correlations()
    told = tuple(what_ifs(run, recordings, correlations))
    anchors |= {one.exchange.id: f"what-if-{index + 1}-{number}" for number, one in enumerate(told, 1)}
    return GuideChapter(
        scenario=found,
        diagram=diagram_of(run, recordings, beside),
        entries=entries,
        cards=cards([step.exchange for step in found.steps]),
        what_ifs=told,
        compared=tuple(compared(run, recordings, correlations)),
        versions={one: _version(one, found, beside) for one in found.targets},
        anchors=anchors,
        steps={step.number: anchors[step.exchange.id] for step in found.steps},
        known=named_secrets(found),
        beside=beside,
    )


def _version(target: PublicTarget, found: Scenario, beside: Beside) -> str:
    """What ran there then, where that is known: "1.9.3", of several environments "1.9.3 (qa), 2.0 (test)"."""
    moment = found.recording.started_at
    told = {name: beside.version(target.cluster, name, moment) for name in target.environments}
    told = {name: version for name, version in told.items() if version}
    if len(target.environments) == 1:
        return next(iter(told.values()), "")
    return ", ".join(f"{version} ({name})" for name, version in told.items())


def _entries(steps: Sequence[ScenarioStep], prefix: str) -> Iterator[GuideEntry]:
    run: list[ScenarioStep] = []
    for step in (*steps, None):
        if run and (step is None or _call(step) != _call(run[0]) or step.keeps or step.exchange.notes):
            if len(run) >= 3:
                yield GuideEntry(run[0], f"{prefix}step-{run[0].number}", run[-1].number, len(run))
            else:
                yield from (GuideEntry(one, f"{prefix}step-{one.number}", one.number, 1) for one in run)
            run = []
        if step is not None:
            run.append(step)


def _call(step: ScenarioStep) -> tuple[object, ...]:
    one = step.exchange
    return one.method, one.request.target, one.environment, one.status, one.request.body.data


def _operations(steps: Sequence[ScenarioStep]) -> Iterator[GuideOperation]:
    found: dict[tuple[str, str, str], dict[int, Exchange]] = {}
    paths = templates(steps)
    for step in steps:
        operation = named_operation(step.exchange)
        path = f"{paths[step.exchange.id].path}{f' · {operation.label}' if operation else ''}"
        key = (step.exchange.server or "gateway", step.method, visible(path))
        found.setdefault(key, {}).setdefault(step.status, step.exchange)
    for (cluster, method, path), answers in sorted(found.items()):
        yield GuideOperation(cluster, method, path, tuple(sorted(answers.items(), key=lambda item: item[0])))


def errors_title(chapter: GuideChapter) -> str:
    """ "How to get, or avoid, this 404", of the statuses that the cards are about."""
    statuses = [card.failing.status for card in chapter.cards] + [one.exchange.status for one in chapter.what_ifs]
    wrong = sorted({status for status in statuses if status and status >= 400})
    if not wrong:
        return "What if" if not chapter.cards else "How to get, or avoid, an error"
    words = " or ".join(map(str, wrong)) if len(wrong) < 3 else f"{', '.join(map(str, wrong[:-1]))} or {wrong[-1]}"
    return f"How to get, or avoid, {'this' if len(wrong) == 1 else 'a'} {words}"


def heading(step: ScenarioStep) -> str:
    """ "GET /orders/{{order_id}}": what a response gave by its name, what the client said first as it was; before it
    the name of the operation, where it has one: "mutation Pay · POST /graphql"."""
    operation = named_operation(step.exchange)
    named = f"{visible(operation.label)} · " if operation else ""
    return f"{named}{step.method} {readable(step.path)}"


def name_or_path(step: ScenarioStep) -> str:
    """The operation's name alone, for narrow places; where it has none, method and path."""
    operation = named_operation(step.exchange)
    return visible(operation.label) if operation else heading(step)


def readable(text: Text) -> str:
    return visible(written(settled(text), lambda name: f"{{{{{name}}}}}"), lines=True)


def place(exchange: Exchange) -> str:
    """ "orders @qa", the host of an import, or the gateway itself for a request that no cluster took."""
    if not exchange.cluster:
        return visible(exchange.unrouted_host) or "the gateway itself"
    return f"{exchange.cluster} @{exchange.environment}" if exchange.environment else exchange.cluster


def ended(exchange: Exchange, *, with_reason: bool = False) -> str:
    """ "200", with its reason "200 OK"; "200 with errors: card declined" for a failure inside a 2xx."""
    failed = failed_of(exchange)
    if failed:
        return f"{exchange.status} {failed.label}"
    reason = exchange.response.reason if exchange.response and with_reason else ""
    return f"{exchange.status_words} {reason}".strip()


def error_anchor(exchange: Exchange, chapter: GuideChapter) -> str:
    """Where the document says how to get or avoid the failure of a step; "" where it has no card."""
    if not any(card.failing.id == exchange.id for card in chapter.cards):
        return ""
    return f"error-{chapter.steps.get(exchange.step, f'step-{exchange.step}')}"


def error_rows(chapter: GuideChapter) -> Iterator[tuple[Exchange, str, str]]:
    """(the failing exchange, what its response says, how to get or avoid it) of every error, what-ifs among them."""
    for card in chapter.cards:
        yield card.failing, card.says, card.sentence
    for one in chapter.what_ifs:
        if fails(one.exchange):
            yield one.exchange, one.says, one.sentence or f"What if: {one.title}"


def took(exchange: Exchange) -> str:
    return "" if exchange.timing.total_ms is None else duration(exchange.timing.total_ms)


def about(found: Scenario) -> str:
    """One sentence: how many steps, with whom, when."""
    recording = found.recording
    others = ", ".join(dict.fromkeys(place(step.exchange) for step in found.steps)) or "nobody"
    when = f" on {recording.started_at[:16].replace('T', ' ')} UTC" if recording.started_at else ""
    failing = sum(fails(step.exchange) for step in found.steps)
    wrong = f"; {failing} of them failed, and below it says why" if failing else ""
    return f"{counted(len(found.steps), 'call')} to {others}, recorded{when}{wrong}."


def request_text(step: ScenarioStep) -> str:
    """The request as one writes it down: line, fields, body, values by their names."""
    lines = [f"{step.method} {{{{{step.target.variable}}}}}{readable(step.path)}"]
    lines += [f"{visible(name)}: {readable(value)}" for name, value in step.headers]
    body = step.body
    if not body.is_text:
        return "\n".join([*lines, "", f"({len(body.data)} bytes of {body.media or 'unknown type'})"])
    text = readable(body.text)
    shown = _pretty(step, text)
    return "\n".join([*lines, *(["", shown] if shown else [])])


def _pretty(step: ScenarioStep, text: str) -> str:
    """JSON and XML over lines. A variable outside quotes is none of JSON: a number takes its place meanwhile."""
    if "json" not in step.body.media.lower():
        return _cut(pretty_xml(text) or text)
    bare = {
        f"{MARK}{index}": f"{{{{{name}}}}}" for index, name in enumerate(dict.fromkeys(names(settled(step.body.text))))
    }
    marks = {shown: mark for mark, shown in bare.items()}
    laid_out = pretty_json(written(settled(step.body.text), lambda name: marks[f"{{{{{name}}}}}"]))
    if laid_out is None:
        return _cut(text)
    found = re.sub(rf"{MARK}\d+", lambda mark: bare[mark[0]], laid_out)
    return _cut(visible(found, lines=True))


def answer_text(step: ScenarioStep, known: dict[str, VariableUse]) -> str:
    """Status, telling fields and body of the response; sealed values by the names of their variables."""
    exchange = step.exchange
    response = exchange.response
    if response is None:
        failure = exchange.failure
        why = f"{failure.kind.replace('_', ' ')}: {failure.detail}" if failure else "the call was never sent"
        return f"{exchange.status or ''} {visible(why)}".strip()
    lines = [f"{exchange.status} {visible(response.reason)}".strip()]
    lines += [
        f"{visible(name)}: {masked(visible(value), known)}"
        for name, value in response.headers
        if name.lower() in _TELLING
    ]
    body = body_text(response, known)
    if exchange.stream:
        body = f"(a stream: {exchange.stream})"
    return "\n".join([*lines, *(["", body] if body else [])])


def body_text(message: Message, known: dict[str, VariableUse]) -> str:
    """A body for reading: JSON laid out, secrets masked, the rest counted."""
    if not message.body.size:
        return ""
    text = text_of(message)
    if text is None:
        return f"({message.body.size} bytes of {media_type(message) or 'unknown type'})"
    cut = "\n(the recording cut this body)" if message.body.truncated else ""
    laid_out = pretty_json(text) or (pretty_xml(text) if format_of(message, text) == "xml" else None) or text
    return _cut(masked(visible(laid_out.replace("\r\n", "\n"), lines=True), known)) + cut


def masked(text: str, known: dict[str, VariableUse]) -> str:
    """Sealed values as {{token}} where they have a name, else as <secret>."""
    named = written(split(text, known), lambda name: f"{{{{{name}}}}}")
    return _SECRET.sub("<secret>", named)


def _cut(text: str) -> str:
    if len(text) <= BODY:
        return text
    return f"{text[:BODY]}\n({len(text) - BODY} more characters are in the recording)"


def folded(text: str) -> tuple[str, int]:
    """What is shown at once, and how many lines are not."""
    lines = text.split("\n")
    if len(lines) <= FOLD + 4:
        return text, 0
    return "\n".join([*lines[:FOLD], "…"]), len(lines) - FOLD


def kept_as(keep: KeptVariable) -> str:
    """Where a kept value stands in the response: "$.token", "header Location"."""
    if keep.part == "body":
        return visible(f"{keep.path} of the body")
    if keep.part != "json":
        return f"{keep.part} {keep.path}".strip()
    return visible("$" + "".join(f"[{key}]" if key.isdigit() else f".{key}" for key in keep.keys))


def named_secrets(found: Scenario) -> dict[str, VariableUse]:
    """Every sealed value that has a variable, by its placeholder."""
    texts = [
        text for step in found.steps for text in (step.path, step.body.text, *(value for _, value in step.headers))
    ]
    uses = (part for text in texts for part in text if isinstance(part, VariableUse))
    return {use.recorded: use for use in uses if _SECRET.fullmatch(use.recorded)}


def curl_of(step: ScenarioStep) -> str:
    """One command for a shell; "" where no client could send it."""
    if step.obstacle or not step.body.is_text:
        return ""
    method = "--head" if step.method == "HEAD" else f"-X {quoted(step.method.encode())}"
    words = [f'curl -i {method} "${step.target.variable}"{_word(step.path)}']
    words += [f"-H {_word((f'{name}: ', *value))}" for name, value in step.headers]
    if step.body.text:
        words.append(f"--data-raw {_word(step.body.text)}")
    return " \\\n  ".join(words)


def _word(text: Text) -> str:
    """One word of a shell: literals side by side are quoted together."""
    joined = written(settled(text), lambda name: f"\0{name}\0").split("\0")
    parts = (
        f'"${part}"' if index % 2 else quoted(part.encode("utf-8", "replace")) for index, part in enumerate(joined)
    )
    return "".join(part for part in parts if part) or "''"
