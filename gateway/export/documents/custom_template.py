"""Documents through somebody's own Jinja2 templates: sandboxed, with plain data to write from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from ...diagrams import mermaid, svg
from ...errors import UsageError
from .error_cards import ErrorCard
from .guide import (
    Guide,
    GuideChapter,
    GuideEntry,
    about,
    answer_text,
    curl_of,
    errors_title,
    heading,
    kept_as,
    masked,
    place,
    request_text,
    took,
)
from .notes import prose
from .what_ifs import DocumentWhatIf

MARKUP = (".html", ".htm", ".xhtml", ".xml", ".svg")
Data = dict[str, Any]


def rendered(templates: Mapping[str, str], name: str, data: Mapping[str, Any]) -> str:
    """The template filled in; UsageError says where and why it fails. Markup is escaped, other texts are not."""
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.DictLoader(dict(templates)),
        autoescape=lambda one: PurePosixPath(one or name).suffix.lower() in MARKUP,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["prose"] = lambda note: Markup(prose(str(note)))
    try:
        return environment.get_template(name).render(dict(data))
    except jinja2.TemplateNotFound as error:
        raise UsageError(f"there is no template '{error.name}'", where=name) from None
    except jinja2.TemplateSyntaxError as error:
        raise UsageError(str(error.message), where=f"{error.name or name}:{error.lineno}") from None
    except Exception as error:  # an author's template may fail in any way that Python can
        raise UsageError(str(error), where=name, hint="docs/formats.md lists what a template may use") from None


def guide_data(found: Guide, version: str) -> Data:
    """Everything that our own document says, as texts, numbers, lists and dictionaries."""
    return {
        "title": found.title,
        "version": version,
        "chapters": [_chapter(chapter) for chapter in found.chapters],
        "operations": [
            {
                "cluster": one.cluster,
                "method": one.method,
                "path": one.path,
                "answers": [{"status": status, "step": exchange.step} for status, exchange in one.answers],
            }
            for one in found.operations
        ],
    }


def _chapter(chapter: GuideChapter) -> Data:
    found = chapter.scenario
    return {
        "title": found.title,
        "about": about(found),
        "notes": [note for note in found.recording.notes if note.strip()],
        "started_at": found.recording.started_at,
        "clusters": [
            {
                "name": one.name or "gateway",
                "variable": one.variable,
                "base": one.base,
                "environments": list(one.environments),
                "version": chapter.versions[one],
            }
            for one in found.targets
        ],
        "secrets": [{"variable": one.variable, "about": one.about} for one in found.inputs if one.secret],
        "mermaid": mermaid(chapter.diagram),
        "svg": Markup(svg(chapter.diagram, link=lambda exchange: f"#{chapter.anchors.get(exchange, '')}")),
        "steps": [_step(entry, chapter) for entry in chapter.entries],
        "errors_title": errors_title(chapter),
        "cards": [_card(card, chapter) for card in chapter.cards],
        "what_ifs": [_what_if(one, chapter) for one in chapter.what_ifs],
        "compared": [
            {
                "title": one.title,
                "places": list(one.places),
                "steps": [
                    {
                        "number": other.step.step,
                        "recorded": other.step.status,
                        "status": other.here.status if other.here else None,
                        "place": place(other.here) if other.here else "",
                        "differences": [
                            {"where": where, "recorded": then, "replayed": now}
                            for where, then, now in other.differences
                        ],
                    }
                    for other in one.others
                ],
            }
            for one in chapter.compared
        ],
        "hidden": found.hidden,
    }


def _step(entry: GuideEntry, chapter: GuideChapter) -> Data:
    step = entry.step
    return {
        "number": step.number,
        "anchor": entry.anchor,
        "heading": heading(step),
        "method": step.method,
        "path": masked(step.exchange.request.target, chapter.known),
        "cluster": step.exchange.cluster,
        "environment": step.exchange.environment,
        "place": place(step.exchange),
        "status": step.status,
        "took": took(step.exchange),
        "times": entry.times,
        "last": entry.last,
        "notes": list(entry.notes),
        "request": request_text(step),
        "answer": answer_text(step, chapter.known),
        "curl": curl_of(step),
        "obstacle": step.obstacle,
        "keeps": [{"variable": keep.variable, "from": kept_as(keep), "used": list(keep.used)} for keep in step.keeps],
    }


def _card(card: ErrorCard, chapter: GuideChapter) -> Data:
    return {
        "step": card.failing.step,
        "status": card.failing.status,
        "request": masked(f"{card.failing.method} {card.failing.request.target}", chapter.known),
        "says": card.says,
        "sentence": card.sentence,
        "sibling": card.sibling.step if card.sibling else None,
        "rows": [{"where": row.place, "failing": row.failing, "succeeding": row.succeeding} for row in card.rows],
    }


def _what_if(one: DocumentWhatIf, chapter: GuideChapter) -> Data:
    return {
        "title": one.title,
        "anchor": chapter.anchors.get(one.exchange.id, ""),
        "step": one.exchange.step,
        "status": one.exchange.status,
        "place": place(one.exchange),
        "request": masked(f"{one.exchange.method} {one.exchange.request.target}", chapter.known),
        "notes": [note for note in one.notes if note.strip()],
        "sentence": one.sentence,
        "says": one.says,
        "rows": [{"where": row.place, "failing": row.failing, "succeeding": row.succeeding} for row in one.rows],
        "after": [{"step": step, "recorded": then, "status": now} for step, then, now in one.after],
    }
