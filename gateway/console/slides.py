"""A recording as slides: its title, a slide for every step, and at the end why steps failed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from ..diagrams.story import Story, name_of, story
from ..diagrams.story_html import reason_html, story_html
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
from ..replay.reasons import explained

DEMO = "demo"  # the tag of calls that a demo sent
PARTICIPANTS = 7  # with the client; more of them would make the picture too small for the far end of a room
_VARIABLE = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_SEALED = re.compile(r"sealed_[a-z0-9_]*")  # labels may end in the middle of one


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
    def cluster(self) -> str:
        return self.exchange.cluster if self.exchange else ""

    @property
    def environment(self) -> str:
        return self.exchange.environment if self.exchange else ""

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
    story: Story
    environments: tuple[str, ...] = ()

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

    def why(self, slide: Slide) -> Markup:
        """The card that says why a slide's step failed; empty for one that did not."""
        rows = {one.call.step: one for one in self.story.calls}
        row = rows.get(slide.step)
        first = rows.get(row.like) if row and row.like else row
        if row is None or first is None or first.reason is None:
            return Markup()
        return self.markup(reason_html(self.story, first.reason, row.tone))

    def markup(self, drawn: str) -> Markup:
        """What a writer of HTML made, without what is sealed in it. Writers escape all text."""
        return Markup(_SEALED.sub("secret", self.masked(drawn).replace("<secret>", "secret")))

    def masked(self, text: str) -> str:
        """Any text of this recording without what is sealed in it."""
        return masked(text, self.chapter.known)

    def told(self, slide: Slide, exchange: Exchange) -> str:
        """Another response to this slide's request, as its own is shown."""
        entry = self.chapter.entries[slide.number - 1]
        return answer_text(replace(entry.step, exchange=exchange), self.chapter.known)


def deck(
    recording: Recording, exchanges: Sequence[Exchange], beside: Beside = ALONE, environments: Sequence[str] = ()
) -> Deck:
    """Steps alike in a row are one slide, noise is none. `environments` are those of routes.yaml.

    Notes are set aside first: nothing on a slide may tell what is for the speaker.
    """
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
    ending = "Errors, and how to avoid them" if chapter.cards else "The whole story"
    last = Slide(len(steps) + 1, ending, cards=chapter.cards)
    told = _story(recording, exchanges, names, beside, environments)
    return Deck(recording, title, lead, (first, *steps, last), chapter, tuple(exchanges), told, tuple(environments))


def _story(
    recording: Recording, exchanges: Sequence[Exchange], names: dict[int, str], beside: Beside,
    environments: Sequence[str],
) -> Story:  # fmt: skip
    """The rows of all slides. Of the notes only a demo's names of its steps are in them."""
    named = [replace(one, notes=(names[one.step],)) if names.get(one.step) else one for one in exchanges]
    return story(
        named, explained(named), environments=environments, decisions=beside.decisions(recording.id),
        chunks=beside.chunks,
    )  # fmt: skip


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
    """The calls around a slide's, that one lit; on the last slide all of them, the reasons of failures beside them.
    `address` is in front of the links."""
    steps = {one.id: one.step for one in found.exchanges}
    if not steps:
        return Markup("<p>No calls yet.</p>")
    drawn = story_html(
        _near(found, slide) if slide.step else found.story,
        link=lambda id: f"{address}/{found.of_step(steps.get(id, 0))}",
        lit=slide.step, reasons=not slide.step,
    )  # fmt: skip
    return found.markup(drawn)


def _near(found: Deck, slide: Slide) -> Story:
    """The rows of this slide and of those before and behind it, every participant in its place; where these are many,
    a story of their own."""
    steps = {found.slide(number).step for number in (slide.number - 1, slide.number, slide.number + 1)} - {0}
    if len(found.story.columns) <= PARTICIPANTS:
        return replace(found.story, rows=tuple(one for one in found.story.calls if one.call.step in steps))
    near = [one for one in found.exchanges if one.step in steps]
    return story(near, explained(near), environments=found.environments)
