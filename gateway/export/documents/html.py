""" "How to use these APIs" as one HTML file: nothing is loaded, and it presents itself by keys. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape

from ...diagrams import STYLE
from ...model.exchange import Exchange
from ...model.operations import named_operation
from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import secrets_by_place
from .error_cards import ErrorCard
from .guide import (
    Guide,
    GuideChapter,
    GuideEntry,
    about,
    answer_text,
    error_anchor,
    error_rows,
    errors_title,
    folded,
    guide,
    heading,
    kept_as,
    masked,
    name_or_path,
    place,
    request_text,
    took,
)
from .html_diagram import picture
from .html_parts import block, code, hue, link, linked, status, table, text
from .html_style import LOOK, SCRIPT
from .notes import prose
from .snippets import snippets
from .what_ifs import Compared, DocumentWhatIf, Other


def what_if(one: DocumentWhatIf, chapter: GuideChapter) -> Iterator[str]:
    """A card: what one does otherwise, what comes of it, and why."""
    exchange = one.exchange
    target = masked(f"{exchange.method} {exchange.request.target}", chapter.known)
    anchor = chapter.anchors.get(exchange.id, "")
    yield (
        f'<article class="card" id="{anchor}" data-slide>\n<h3>{status(exchange)} What if: {text(one.title)}</h3>\n'
        f'<p class="facts"><span>{link(exchange.step, chapter)} changed</span>'
        f"<span>{text(place(exchange))}</span><span>{code(target)}</span></p>"
    )
    yield from (f'<div class="note">{prose(note)}</div>' for note in one.notes if note.strip())
    if one.sentence:
        yield f"<p>{linked(one.sentence, chapter)}</p>"
    if one.says and one.says not in one.sentence:
        yield f"<p>The response says: {code(one.says)}</p>"
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


def _afterwards(one: DocumentWhatIf, chapter: GuideChapter) -> Iterator[str]:
    if one.after:
        told = ", ".join(f"{link(step, chapter)} {here} instead of {there}" for step, there, here in one.after)
        yield f"<p>Because of it: {told}.</p>"
    if one.stopped:
        yield f"<p>Step {one.stopped + 1} and later ones could not be sent: what they need never came.</p>"


def compared(one: Compared, chapter: GuideChapter) -> Iterator[str]:
    """A table of the steps that answered otherwise, or from elsewhere."""
    where = f" ({text(', '.join(one.places))})" if one.places else ""
    yield f"<section data-slide>\n<h2>The same chain again: {text(one.title)}{where}</h2>"
    if not one.others:
        yield "<p>Every step was answered as before.</p></section>"
        return
    yield table(("Step", "Recorded", "This time", "What differs"), [_other_row(other, chapter) for other in one.others])
    yield "</section>"


def _other_row(other: Other, chapter: GuideChapter) -> tuple[str, ...]:
    step, here = other.step, other.here
    what = f"{link(step.step, chapter)} {code(f'{step.method} {step.path}')}"
    there = f"{status(step)} {text(place(step))}"
    now = f"{status(here)} {text(place(here))}" if here else "not sent"
    told = "<br>".join(f"{code(spot)}: {code(old)} → {code(new)}" for spot, old, new in other.differences)
    return what, there, now, told or ("nothing else" if here and here.status != step.status else "nothing")


_STYLE = LOOK + STYLE


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """One file for all recordings, the first one's title above it."""
    found = guide(recordings, beside=beside)
    return "\n".join(_page(found, version)) + "\n"


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _page(found: Guide, version: str) -> Iterator[str]:
    policy = (
        f"default-src 'none'; style-src 'sha256-{_hash(_STYLE)}'; script-src 'sha256-{_hash(SCRIPT)}'; base-uri 'none'"
    )
    title = text(found.title)
    yield (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="What-If Gateway {text(version)}">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<header><strong>{title}</strong><output></output>"
        f'<button type="button" id="present" hidden>Present</button>'
        f'<button type="button" id="theme" hidden>Dark or light</button>'
        f'<button type="button" id="help" aria-label="Keys" hidden>?</button></header>\n{_keys()}\n<div class="page">'
    )
    yield from _contents(found)
    yield "<main>"
    for index, chapter in enumerate(found.chapters):
        yield from _chapter(chapter, index)
    if found.operations:
        yield from _reference(found)
    yield (
        f"<footer>Written by What-If Gateway {text(version)} from a recording. "
        "Secrets were sealed and are not in this file.</footer>\n</main>\n</div>"
    )
    yield f"<script>{SCRIPT}</script>\n</body>\n</html>"


def _keys() -> str:
    rows = (
        ("p", "present, or leave"),
        ("→ space j", "next"),
        ("← k", "back"),
        ("Home End", "first, last"),
        ("f", "full screen"),
        ("t", "dark or light"),
        ("v", "follow the next value in the diagram"),
        ("Esc", "leave"),
    )
    shown = "".join(
        f"<tr><td>{' '.join(f'<kbd>{key}</kbd>' for key in keys.split())}</td><td>{what}</td></tr>"
        for keys, what in rows
    )
    return (
        f'<dialog aria-label="Keys"><table>{shown}</table><form method="dialog"><button>Close</button></form></dialog>'
    )


def _contents(found: Guide) -> Iterator[str]:
    yield '<nav aria-label="Contents">'
    for chapter in found.chapters:
        yield f"<h2>{text(chapter.scenario.title if len(found.chapters) > 1 else 'Steps')}</h2>\n<ol>"
        for entry in chapter.entries:
            one = entry.step.exchange
            yield (
                f'<li><a href="#{entry.anchor}"><span>{entry.step.number}</span>'
                f"<span>{text(_short(name_or_path(entry.step)))}</span>"
                f'<span class="{hue(one)}">{one.status or "—"}</span></a></li>'
            )
        yield "</ol>"
    for chapter in found.chapters:
        yield from _contents_what_ifs(chapter)
    rest = [("#errors", "Errors")] if any(one.cards for one in found.chapters[:1]) else []
    links = "".join(f'<li><a href="{to}"><span>·</span><span>{words}</span></a></li>' for to, words in rest)
    reference = '<li><a href="#reference"><span>·</span><span>Reference</span></a></li>'
    yield f"<h2>Look up</h2><ul>{links}{reference}</ul></nav>"


def _contents_what_ifs(chapter: GuideChapter) -> Iterator[str]:
    if chapter.what_ifs:
        rows = (
            f'<li><a href="#{chapter.anchors[one.exchange.id]}"><span>{one.exchange.step}</span>'
            f"<span>{text(one.title)}</span>"
            f'<span class="{hue(one.exchange)}">{one.exchange.status or "—"}</span></a></li>'
            for one in chapter.what_ifs
        )
        yield f"<h2>What if</h2>\n<ol>{''.join(rows)}</ol>"


def _short(heading: str) -> str:
    return heading.replace("{{", "{").replace("}}", "}")


def _chapter(chapter: GuideChapter, index: int) -> Iterator[str]:
    found = chapter.scenario
    rank = "h1" if index == 0 else "h2"
    yield f'<section data-slide>\n<{rank}>{text(found.title)}</{rank}>\n<p class="lead">{text(about(found))}</p>'
    yield from (f'<div class="note">{prose(note)}</div>' for note in found.recording.notes if note.strip())
    yield table(
        ("API", "On", *(["Version"] if any(chapter.versions.values()) else []), "Variable", "Recorded at"),
        [
            (
                text(one.name or "the gateway itself"),
                text(", ".join(one.environments)),
                *([text(chapter.versions[one] or "unknown")] if any(chapter.versions.values()) else []),
                code(one.variable),
                code(one.base),
            )
            for one in found.targets
        ],
    )
    if any(one.secret for one in found.inputs):
        yield '<h2 class="label">You bring</h2>'
        yield table(
            ("Variable", "What it is", "Recorded"),
            [
                (" … ".join(f"<var>{name}</var>" for name in variables), text(about), "a secret")
                for variables, about in secrets_by_place(found)
            ],
        )
    yield "</section>"
    yield f"<section data-slide>\n<h2>How the APIs talk</h2>\n{picture(chapter)}</section>"
    yield "<h2>Step by step</h2>"
    for entry in chapter.entries:
        yield from _entry(chapter, entry)
    if chapter.cards or chapter.what_ifs:
        yield f"<h2{'' if index else ' id=errors'}>{errors_title(chapter)}</h2>"
        for card in chapter.cards:
            yield from _card(card, chapter)
        for one in chapter.what_ifs:
            yield from what_if(one, chapter)
    for other in chapter.compared:
        yield from compared(other, chapter)
    if found.hidden:
        yield f'<p class="muted">Not shown: {text(found.hidden.removeprefix("hidden: "))}.</p>'


def _entry(chapter: GuideChapter, entry: GuideEntry) -> Iterator[str]:
    step = entry.step
    times = f"<span>{entry.times} times in a row, up to step {entry.last}</span>" if entry.times > 1 else ""
    yield (
        f'<article class="step" id="{entry.anchor}" data-slide>\n<h3><span class="number">{step.number}</span>'
        f"{code(heading(step))}</h3>\n"
        f'<p class="facts">{status(step.exchange)}<span>{text(place(step.exchange))}</span>'
        f"<span>{text(took(step.exchange))}</span>{times}</p>"
    )
    yield from (f'<div class="note">{prose(note)}</div>' for note in entry.notes)
    if step.obstacle:
        yield f'<p class="muted">No client can send this from the recording: {text(step.obstacle)}.</p>'
    answer = answer_text(step, chapter.known)
    shown, left = folded(answer)
    whole = (
        f"<details><summary>The whole response: {left} more lines</summary>{block(answer)}</details>" if left else ""
    )
    yield (
        f'<div class="pair"><div><h4>Request</h4>{block(request_text(step))}</div>'
        f"<div><h4>Response</h4>{block(shown)}{whole}</div></div>"
    )
    if step.keeps:
        items = "".join(
            f"<li><var>{keep.variable}</var> is kept from {code(kept_as(keep))} for "
            + ", ".join(link(number, chapter) for number in keep.used[:12])
            + ("…" if len(keep.used) > 12 else "")
            + "</li>"
            for keep in step.keeps
        )
        yield f'<ul class="keeps">{items}</ul>'
    if anchor := error_anchor(step.exchange, chapter):
        yield f'<p><a href="#{anchor}">How to get, or avoid, this error</a></p>'
    yield from _tabs(entry)
    yield "</article>"


def _tabs(entry: GuideEntry) -> Iterator[str]:
    """The request in several languages, one at a time, without a script: radio buttons are the tabs."""
    found = list(snippets(entry.step))
    if not found:
        return
    name = f"code-{entry.anchor}"
    heads = "".join(
        f'<input type="radio" name="{name}" id="{name}-{index}"{"" if index else " checked"}>'
        f'<label for="{name}-{index}">{text(one.language)}</label>'
        for index, one in enumerate(found)
    )
    panels = "".join(f'<pre data-language="{text(one.language)}">{escape(one.code)}</pre>' for one in found)
    languages = ", ".join(one.language for one in found)
    yield f'<details><summary>{text(languages)}</summary><div class="tabs">{heads}{panels}</div></details>'


def _card(card: ErrorCard, chapter: GuideChapter) -> Iterator[str]:
    failing, sibling = card.failing, card.sibling
    target = masked(f"{failing.method} {failing.request.target}", chapter.known)
    yield (
        f'<article class="card" id="{error_anchor(failing, chapter)}" data-slide>\n'
        f"<h3>{status(failing)} {code(_named(failing, target))}</h3>\n"
        f'<p class="facts"><span>{link(failing.step, chapter)}, {text(place(failing))}</span></p>'
    )
    yield from (f'<div class="note">{prose(note)}</div>' for note in failing.notes if note.strip())
    if card.says:
        yield f"<p>The response says: {code(card.says)}</p>"
    yield f"<p>{linked(card.sentence, chapter)}</p>"
    if card.rows and sibling:
        yield table(
            ("Where", f"step {failing.step}: {failing.status}", f"step {sibling.step}: {sibling.status}"),
            [
                (
                    f"<b>{text(row.place)}</b>",
                    f'<td class="was">{code(row.failing)}</td>',
                    f'<td class="is">{code(row.succeeding)}</td>',
                )
                for row in card.rows
            ],
        )
    yield "</article>"


def _named(exchange: Exchange, target: str) -> str:
    operation = named_operation(exchange)
    return f"{operation.label} · {target}" if operation else target


def _errors(found: Guide) -> Iterator[str]:
    """Every error of the document, with how to get and avoid it."""
    rows = [
        (
            status(exchange),
            code(_named(exchange, masked(f"{exchange.method} {exchange.request.target}", chapter.known))),
            text(says) or "nothing",
            linked(sentence, chapter),
            link(exchange.step, chapter),
        )
        for chapter in found.chapters
        for exchange, says, sentence in error_rows(chapter)
    ]
    if rows:
        yield "<h3>All errors</h3>"
        yield table(("Error", "Call", "The response says", "How to get, or avoid, it", "Step"), rows)


def _reference(found: Guide) -> Iterator[str]:
    anchors = {id: anchor for chapter in found.chapters for id, anchor in chapter.anchors.items()}
    yield '<section id="reference" data-slide>\n<h2>Reference</h2>'
    yield "<p>Every operation that was seen, and what it answered.</p>"
    rows = []
    for one in found.operations:
        answers = ", ".join(_answered(each, anchors) for _, each in one.answers)
        rows.append((text(one.cluster), code(f"{one.method} {one.path}"), answers))
    yield table(("API", "Operation", "Responses"), rows)
    yield from _errors(found)
    yield "</section>"


def _answered(exchange: Exchange, anchors: dict[str, str]) -> str:
    anchor = anchors.get(exchange.id)
    where = f'<a href="#{anchor}">step {exchange.step}</a>' if anchor else f"step {exchange.step} of a what-if"
    return f"{status(exchange)} ({where})"
