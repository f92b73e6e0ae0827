""" "How to use these APIs" as one page of Markdown (GFM, with a Mermaid diagram) for a wiki or a repository. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...diagrams import mermaid
from ...model.exchange import Exchange
from ...model.text import clean
from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import secrets_by_place
from .error_cards import ErrorCard
from .guide import (
    Guide,
    GuideChapter,
    GuideEntry,
    about,
    answer_text,
    ended,
    error_anchor,
    error_rows,
    errors_title,
    folded,
    guide,
    heading,
    kept_as,
    masked,
    place,
    request_text,
    took,
)
from .notes import seen
from .snippets import snippets
from .what_ifs import Compared, DocumentWhatIf

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """One page for all recordings, the first one's title above it."""
    found = guide(recordings, beside=beside)
    return "\n\n".join(_page(found, version)) + "\n"


def plain(text: str) -> str:
    """Recorded words as nothing but words."""
    return _MARKS.sub(r"\\\1", clean(text))


def code(text: str) -> str:
    """Recorded words as a code span, which fits into a table as well."""
    words = clean(text).replace("|", "\\|") or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", words)), default=0) + 1)
    space = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{ticks}{space}{words}{space}{ticks}"


def fence(text: str, language: str = "") -> str:
    """A block of code whose fence is longer than any run of ticks in it."""
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def prose(text: str) -> str:
    """A note is Markdown; HTML in it is text."""
    return seen(text).replace("&", "&amp;").replace("<", "&lt;").strip()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _page(found: Guide, version: str) -> Iterator[str]:
    yield f"# {plain(found.title)}"
    for index, chapter in enumerate(found.chapters):
        if index:
            yield f"# {plain(chapter.scenario.title)}"
        yield from _chapter(chapter)
    if found.operations:
        yield "## Reference"
        yield "Every operation that was seen, and the statuses it answered with."
        yield table(
            ("API", "Operation", "Responses (step)"),
            [
                (
                    plain(one.cluster),
                    code(f"{one.method} {one.path}"),
                    ", ".join(_answer(*each) for each in one.answers),
                )
                for one in found.operations
            ],
        )
    yield from _errors(found)
    yield "---"
    yield f"Written by What-If Gateway {plain(version)} from a recording. Secrets were sealed and are not in this page."


def _answer(status: int, exchange: Exchange) -> str:
    return f"{status or 'no answer'} ({exchange.step})"


def _chapter(chapter: GuideChapter) -> Iterator[str]:
    found = chapter.scenario
    yield about(found)
    yield from (prose(note) for note in found.recording.notes if note.strip())
    yield table(
        ("API", "Variable", "Recorded at", "On", *(["Version"] if any(chapter.versions.values()) else [])),
        [
            (
                plain(one.name or "the gateway itself"),
                code(one.variable),
                code(one.base),
                ", ".join(map(plain, one.environments)),
                *([plain(chapter.versions[one] or "unknown")] if any(chapter.versions.values()) else []),
            )
            for one in found.targets
        ],
    )
    if any(one.secret for one in found.inputs):
        yield "You bring:"
        yield table(
            ("Variable", "What it is", "Recorded"),
            [
                (" … ".join(map(code, variables)), plain(about), "a secret")
                for variables, about in secrets_by_place(found)
            ],
        )
    yield "## How the APIs talk"
    yield fence(mermaid(chapter.diagram), "mermaid")
    yield "## Step by step"
    for entry in chapter.entries:
        yield from _entry(chapter, entry)
    if chapter.cards or chapter.what_ifs:
        yield f"## {errors_title(chapter)}"
        for card in chapter.cards:
            yield from _card(card, chapter)
        for one in chapter.what_ifs:
            yield from _what_if(one, chapter)
    for other in chapter.compared:
        yield from _compared(other)
    if found.hidden:
        yield f"Not shown: {plain(found.hidden.removeprefix('hidden: '))}."


def _entry(chapter: GuideChapter, entry: GuideEntry) -> Iterator[str]:
    step = entry.step
    yield f"### {step.number}. {code(heading(step))}"
    times = f" · {entry.times} times in a row, up to step {entry.last}" if entry.times > 1 else ""
    spent = f" · {plain(took(step.exchange))}" if took(step.exchange) else ""
    yield f"To {plain(place(step.exchange))} · **{plain(ended(step.exchange))}**{spent}{times}"
    yield from (prose(note) for note in entry.notes)
    if step.obstacle:
        yield f"*No client can send this from the recording: {plain(step.obstacle)}.*"
    yield fence(request_text(step), "http")
    answer = answer_text(step, chapter.known)
    shown, left = folded(answer)
    yield fence(shown)
    if left:
        yield f"<details><summary>The whole response: {left} more lines</summary>\n\n{fence(answer)}\n\n</details>"
    if step.keeps:
        yield "Kept for later steps:"
        yield "\n".join(
            f"- {code(keep.variable)} from {code(kept_as(keep))}, used in {_steps(keep.used)}" for keep in step.keeps
        )
    if error_anchor(step.exchange, chapter):
        yield f"How to get, or avoid, this error: see [{errors_title(chapter)}](#{_slug(errors_title(chapter))})."
    for one in snippets(step):
        yield f"<details><summary>{one.language}</summary>\n\n{fence(one.code, one.fence)}\n\n</details>"


def _slug(title: str) -> str:
    """The anchor that GitHub and its like give a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _errors(found: Guide) -> Iterator[str]:
    rows = [
        (plain(ended(one)), code(masked(f"{one.method} {one.request.target}", chapter.known)), plain(says or "nothing"),
         plain(sentence), str(one.step))
        for chapter in found.chapters
        for one, says, sentence in error_rows(chapter)
    ]  # fmt: skip
    if rows:
        yield "## All errors"
        yield table(("Error", "Call", "The response says", "How to get, or avoid, it", "Step"), rows)


def _steps(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:12])) + (" …" if len(numbers) > 12 else "")
    return f"step {shown}" if len(numbers) == 1 else f"steps {shown}"


def _card(card: ErrorCard, chapter: GuideChapter) -> Iterator[str]:
    failing, known = card.failing, chapter.known
    target = masked(failing.request.target, known)
    yield f"### {plain(ended(failing))}: {code(f'{failing.method} {target}')} (step {failing.step})"
    yield from (prose(note) for note in failing.notes if note.strip())
    if card.says:
        yield f"The response says: {code(card.says)}"
    yield plain(card.sentence)
    if card.rows and card.sibling:
        yield table(
            ("Where", f"step {failing.step}: {failing.status}", f"step {card.sibling.step}: {card.sibling.status}"),
            [(plain(row.place), code(row.failing), code(row.succeeding)) for row in card.rows],
        )


def _what_if(one: DocumentWhatIf, chapter: GuideChapter) -> Iterator[str]:
    exchange = one.exchange
    target = masked(exchange.request.target, chapter.known)
    yield f"### {exchange.status or 'No answer'}: what if {plain(one.title)} (step {exchange.step})"
    yield f"{code(f'{exchange.method} {target}')} to {plain(place(exchange))}"
    yield from (prose(note) for note in one.notes if note.strip())
    if one.sentence:
        yield plain(one.sentence)
    if one.says and one.says not in one.sentence:
        yield f"The response says: {code(one.says)}"
    if one.rows and one.sibling:
        yield table(
            ("Where", f"This gives {exchange.status}", f"This gives {one.sibling.status}"),
            [
                (plain(row.place), code(row.failing or "(not there)"), code(row.succeeding or "(not there)"))
                for row in one.rows
            ],
        )
    if one.after:
        told = ", ".join(f"step {step} {here} instead of {there}" for step, there, here in one.after)
        yield f"Because of it: {told}."
    if one.stopped:
        yield f"Step {one.stopped + 1} and later ones could not be sent: what they need never came."


def _compared(one: Compared) -> Iterator[str]:
    where = f" ({plain(', '.join(one.places))})" if one.places else ""
    yield f"## The same chain again: {plain(one.title)}{where}"
    if not one.others:
        yield "Every step was answered as before."
        return
    rows = []
    for other in one.others:
        step, here = other.step, other.here
        now = f"{here.status_words} {plain(place(here))}" if here else "not sent"
        told = "; ".join(f"{code(spot)}: {code(old)} → {code(new)}" for spot, old, new in other.differences)
        what = f"{step.step} {code(f'{step.method} {step.path}')}"
        rows.append((what, f"{step.status_words} {plain(place(step))}", now, told or "nothing else"))
    yield table(("Step", "Recorded", "This time", "What differs"), rows)
