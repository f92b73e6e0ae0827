"""A recording as slides: its title, a slide for every step, and at the end why steps failed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from ..diagrams import Chapter as Rows
from ..diagrams import Diagram, sequence, svg
from ..diagrams.diagram import Row, calls
from ..diagrams.story import name_of
from ..export.documents.error_cards import ErrorCard
from ..export.documents.guide import (
    GuideChapter,
    GuideEntry,
    about,
    answer_text,
    guide,
    heading,
    kept_as,
    masked,
    place,
    request_text,
    took,
)
from ..export.format import ALONE, Beside
from ..model.exchange import Exchange
from ..model.recording import Recording

DEMO = "demo"  # the tag of calls that a demo sent
AROUND = 1  # rows of the diagram before and after the one that is shown
PARTICIPANTS = 6  # more of them would make the picture too small for the far end of a room
HEADING, FOOT = 66.0, 16.0  # heights of the title and the margin that `svg` draws: the slide has its own
_VARIABLE = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_SEALED = re.compile(r"sealed_[a-z0-9_]*")  # labels may end in the middle of one
_BOX = re.compile(r'viewBox="0 0 (\S+) (\S+)" width="\S+" height="\S+"')


@dataclass(frozen=True, slots=True)
class Slide:
    """What stands on one slide. `number` counts slides from 0 (the title); `step` is 0 on the first and the last."""

    number: int
    heading: str  # the name of the demo's step, else method and path
    step: int = 0
    exchange: Exchange | None = None
    last: int = 0  # of steps alike that this slide stands for
    times: int = 1
    place: str = ""
    took: str = ""
    request: str = ""
    answer: str = ""
    keeps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # for the speaker alone
    cards: tuple[ErrorCard, ...] = ()
    obstacle: str = ""  # why no client can send it
    path: str = ""  # method and path, where the heading is a name

    @property
    def hue(self) -> str:
        return hue_of(self.exchange) if self.exchange else ""

    @property
    def status(self) -> str:
        return status_of(self.exchange) if self.exchange else ""


@dataclass(frozen=True, slots=True)
class Deck:
    """All slides of one recording."""

    recording: Recording
    title: str
    about: str
    slides: tuple[Slide, ...]
    chapter: GuideChapter
    exchanges: tuple[Exchange, ...]

    @property
    def last(self) -> int:
        return len(self.slides) - 1

    def slide(self, number: int) -> Slide:
        """The nearest one that exists."""
        return self.slides[max(0, min(number, self.last))]

    def of_step(self, step: int) -> int:
        """The slide that shows a step; 0 when none does."""
        return next((one.number for one in self.slides if one.step <= step <= one.last and one.step), 0)

    def tried_at(self, slide: Slide) -> list[ErrorCard]:
        """Steps that did what this slide's step does, and failed where it did not."""
        steps = range(slide.step, slide.last + 1) if slide.step else ()
        return [one for one in self.chapter.cards if one.sibling is not None and one.sibling.step in steps]

    def masked(self, text: str) -> str:
        """Any text of this recording without what is sealed in it."""
        return masked(text, self.chapter.known)

    def told(self, slide: Slide, exchange: Exchange) -> str:
        """Another response to this slide's request, as its own is shown."""
        entry = self.chapter.entries[slide.number - 1]
        return answer_text(replace(entry.step, exchange=exchange), self.chapter.known)


def deck(recording: Recording, exchanges: Sequence[Exchange], beside: Beside = ALONE) -> Deck:
    """Steps alike in a row are one slide, noise is none. Notes are set aside first: nothing on a slide, no tip of an
    arrow, may tell what is for the speaker."""
    notes = {one.step: one.notes for one in exchanges if one.notes}
    # What a demo noted is the name of its step: the first line. Everything else was written for the speaker.
    names = {one.step: name_of(one) for one in exchanges if one.notes and DEMO in one.tags}
    exchanges = [replace(one, notes=()) if one.notes else one for one in exchanges]
    chapter = guide([(replace(recording, notes=()), exchanges)], beside=beside).chapters[0]
    failed = {card.failing.id: card for card in chapter.cards}
    title, lead = chapter.scenario.title, about(chapter.scenario)
    first = Slide(0, title, notes=tuple(note.strip() for note in recording.notes if note.strip()))
    steps = [
        replace(
            _named(slide, names.get(slide.step, "")),
            notes=tuple(note for step in range(slide.step, slide.last + 1) for note in notes.get(step, ())),
        )
        for slide in (_slide(number, entry, chapter, failed) for number, entry in enumerate(chapter.entries, 1))
    ]
    ending = "How to get, or avoid, an error" if chapter.cards else "All of it"
    last = Slide(len(steps) + 1, ending, cards=chapter.cards)
    return Deck(recording, title, lead, (first, *steps, last), chapter, tuple(exchanges))


def _named(slide: Slide, name: str) -> Slide:
    return replace(slide, heading=name, path=slide.heading) if name else slide


def _slide(number: int, entry: GuideEntry, chapter: GuideChapter, failed: dict[str, ErrorCard]) -> Slide:
    step, one = entry.step, entry.step.exchange
    card = failed.get(one.id)
    keeps = tuple(f"{keep.variable} ({kept_as(keep)}) for step {_steps(keep.used)}" for keep in step.keeps)
    return Slide(
        number, heading(step), step.number, one, entry.last, entry.times, place(one), took(one), request_text(step),
        answer_text(step, chapter.known), keeps, cards=(card,) if card else (), obstacle=step.obstacle or "",
    )  # fmt: skip


def _steps(used: Sequence[int]) -> str:
    shown = ", ".join(map(str, used[:6]))
    return f"{shown} …" if len(used) > 6 else shown


def hue_of(exchange: Exchange) -> str:
    """The colour of a response, which its words say too: ok, redirect, warn, bad."""
    status = exchange.status or 0
    if exchange.failure or status >= 500 or not status:
        return "bad"
    return "warn" if status >= 400 else "redirect" if status >= 300 else "ok"


def status_of(exchange: Exchange) -> str:
    if exchange.failure:
        return f"{exchange.status or ''} {exchange.failure.kind.replace('_', ' ')}".strip()
    reason = exchange.response.reason if exchange.response else ""
    return f"{exchange.status_words} {reason}".strip()


def marked(text: str) -> Markup:
    """Text with its variables marked; everything else is escaped."""
    return Markup(_VARIABLE.sub(r"<var>\1</var>", str(escape(text))))


def picture(found: Deck, slide: Slide, address: str) -> Markup:
    """The calls around a slide's, that one lit; on the last slide all of them. `address` is in front of the links."""
    diagram = found.chapter.diagram
    if slide.step:
        diagram = _window(found, slide, diagram)
    steps = {one.id: one.step for one in found.exchanges}
    drawn = svg(diagram, link=lambda id: f"{address}/{found.of_step(steps.get(id, 0))}")
    drawn = _SEALED.sub("secret", _BOX.sub(_without_title, drawn, count=1))
    lit = rf'<g class="step ([^"]*)" data-step="{slide.step}">'
    # Markup: `svg` escapes all text, so that no label can look like the tag that is sought here.
    return Markup(re.sub(lit, rf'<g class="step \1 now" data-step="{slide.step}">', drawn) if slide.step else drawn)


def _window(found: Deck, slide: Slide, whole: Diagram) -> Diagram:
    """A few rows of the whole diagram, so that every participant stays in its place; else a small one of its own."""
    rows = [row for chapter in whole.chapters for row in chapter.rows]
    at = next((index for index, row in enumerate(rows) if _holds(row, slide)), None)
    if at is None or len(whole.participants) > PARTICIPANTS:
        near = [one for one in found.exchanges if abs(one.step - slide.step) <= AROUND]
        return sequence(found.recording, near)
    shown = tuple(rows[max(0, at - AROUND) : at + AROUND + 1])
    return replace(whole, chapters=(Rows(shown, slide.step, slide.last),), hidden="", overview=None)


def _holds(row: Row, slide: Slide) -> bool:
    return any(slide.step <= call.step <= slide.last for call in calls([row]))


def _without_title(box: re.Match[str]) -> str:
    wide, tall = float(box[1]), float(box[2]) - HEADING - FOOT
    return f'viewBox="0 {HEADING:g} {wide:g} {tall:g}" width="{wide:g}" height="{tall:g}"'
