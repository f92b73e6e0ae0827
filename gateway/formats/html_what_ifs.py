"""The HTML document's what-ifs, and the chain on other environments. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .guide import Chapter, masked, place
from .html_parts import code, link, linked, status, table, text
from .prose import prose
from .what_ifs import Compared, Other, WhatIf


def what_if(one: WhatIf, chapter: Chapter) -> Iterator[str]:
    """A card: what one does otherwise, what comes of it, and why."""
    exchange = one.exchange
    target = masked(f"{exchange.method} {exchange.request.target}", chapter.known)
    anchor = chapter.anchors.get(exchange.id, "")
    yield (
        f'<article class="card" id="{anchor}" data-slide>\n<h3>{status(exchange)} What if: {text(one.title)}</h3>\n'
        f'<p class="facts"><span>{link(exchange.step, chapter)} done otherwise</span>'
        f"<span>{text(place(exchange))}</span><span>{code(target)}</span></p>"
    )
    yield from (f'<div class="note">{prose(note)}</div>' for note in one.notes if note.strip())
    if one.sentence:
        yield f"<p>{linked(one.sentence, chapter)}</p>"
    if one.says and one.says not in one.sentence:
        yield f"<p>The answer says: {code(one.says)}</p>"
    if one.rows and one.sibling:
        head = ("Where", f"This gives {exchange.status}", f"This gives {one.sibling.status}")
        yield table(
            head,
            [
                (
                    f"<b>{text(row.place)}</b>",
                    f'<td class="was">{code(row.failing or "(not there)")}</td>',
                    f'<td class="is">{code(row.succeeding or "(not there)")}</td>',
                )
                for row in one.rows
            ],
        )
    yield from _afterwards(one, chapter)
    yield "</article>"


def _afterwards(one: WhatIf, chapter: Chapter) -> Iterator[str]:
    if one.after:
        told = ", ".join(f"{link(step, chapter)} {here} instead of {there}" for step, there, here in one.after)
        yield f"<p>Because of it: {told}.</p>"
    if one.stopped:
        yield f"<p>Step {one.stopped + 1} and later ones could not be sent: what they need never came.</p>"


def compared(one: Compared, chapter: Chapter) -> Iterator[str]:
    """A table of the steps that answered otherwise, or from elsewhere."""
    where = f" ({text(', '.join(one.places))})" if one.places else ""
    yield f"<section data-slide>\n<h2>The same chain again: {text(one.title)}{where}</h2>"
    if not one.others:
        yield "<p>Every step was answered as before.</p></section>"
        return
    yield table(("Step", "Recorded", "This time", "What differs"), [_other_row(other, chapter) for other in one.others])
    yield "</section>"


def _other_row(other: Other, chapter: Chapter) -> tuple[str, ...]:
    step, here = other.step, other.here
    what = f"{link(step.step, chapter)} {code(f'{step.method} {step.path}')}"
    there = f"{status(step)} {text(place(step))}"
    now = f"{status(here)} {text(place(here))}" if here else "not sent"
    told = "<br>".join(f"{code(spot)}: {code(old)} → {code(new)}" for spot, old, new in other.differences)
    return what, there, now, told or ("nothing else" if here and here.status != step.status else "nothing")
