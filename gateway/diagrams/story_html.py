"""The rows of a story as HTML for slides and documents: lanes as on the pages, plain words beside them. Pure.

Pages have a template of their own, since their reasons have forms. What is drawn is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..replay.reasons import ReasonGroup
from .story import Story, StoryCall, StoryMove, StoryRounds, StoryRow
from .story_svg import ground, lane, move_lane, story_heads
from .svg import xml

Link = Callable[[str], str]  # id of an exchange -> the address to which its row leads


def story_html(
    story: Story, *, link: Link, rows: Sequence[StoryRow] | None = None, lit: int = 0, reasons: bool = True
) -> str:
    """All rows, or those that are given, below the participants. `lit` is the step that stands out, 0 for none;
    without `reasons` there is no column beside the lanes. Folded rounds stand open: nothing folds on paper."""
    beside = '<div class="beside">What each step gave, and why it failed</div>' if reasons else ""
    head = f'<div class="story-head"><div class="lane">{story_heads(story)}</div>{beside}</div>'
    shown = "".join(_rows(story, story.rows if rows is None else rows, link, lit, reasons))
    return f'<div class="story{"" if reasons else " bare"}">{head}\n{shown}</div>'


def reason_html(story: Story, group: ReasonGroup, tone: str = "warn") -> str:
    """The card of a reason: its cause with the place in its colour, and what the server said."""
    first, count = group.first, group.count
    times = f"<b>{count} × {xml(first.status or 'no response')}.</b> " if count > 1 else ""
    contrast = f"; {_placed(story, first.contrast)}" if first.contrast else "."
    says = f'<p class="says">“{xml(first.quotation)}”</p>' if first.quotation else ""
    cause = f"<p>{times}<b>{_placed(story, first.cause)}</b>{contrast}</p>"
    return f'<div class="why {tone}">{cause}{says}</div>'


def _placed(story: Story, words: str) -> str:
    """ "catalogue@qa" and "@qa" with the environment in its colour."""
    text = xml(words)
    for hue, environment in {(one.hue, one.participant.environment) for one in story.columns}:
        for cluster in [one.participant.cluster for one in story.columns] if environment else ():
            text = text.replace(xml(f"{cluster}@{environment}"), f"{xml(cluster)} {_env(hue, environment)}")
        if environment:
            text = text.replace(xml(f" @{environment}"), f" {_env(hue, environment)}")
    return text


def _env(hue: int, environment: str) -> str:
    return f'<b class="env env-{hue}">{xml(environment)}</b>'


def _rows(story: Story, rows: Sequence[StoryRow], link: Link, lit: int, reasons: bool) -> Iterator[str]:
    for row in rows:
        if isinstance(row, StoryMove):
            yield _row("", f'<div class="lane">{move_lane(story, row)}</div>', _moved(row) if reasons else None)
        elif isinstance(row, StoryRounds):
            number = f"Round {row.first}" if row.first == row.last else f"Rounds {row.first} to {row.last}"
            words = f"{number}, steps {row.steps[0]} to {row.steps[1]}"
            yield _row("round", f'<div class="lane">{ground(story)}<b>{words}</b></div>', "" if reasons else None)
            yield from _rows(story, row.rows, link, lit, reasons)
        else:
            classes = " ".join(
                ("failing",) * row.failed + (("now",) if row.call.step == lit else ("aside",) if lit else ())
            )
            address = xml(link(row.call.exchange))
            place = f'<a class="lane" href="{address}" data-step="{row.call.step}">{lane(story, row)}</a>'
            yield _row(classes, place, _beside(story, row) if reasons else None)


def _row(classes: str, lane: str, beside: str | None) -> str:
    words = "" if beside is None else f'<div class="beside">{beside}</div>'
    return f'<div class="{f"story-row {classes}".strip()}">{lane}{words}</div>\n'


def _moved(row: StoryMove) -> str:
    return xml(f"moved {row.at[11:19]} (UTC) by {row.by}" if row.at else f"lives on {row.after} from here on")


def _beside(story: Story, row: StoryCall) -> str:
    if row.reason:
        return reason_html(story, row.reason, row.tone)
    if row.like:
        return f"as step {row.like}"
    return "".join(
        f"<div><var>{xml(one.name)}</var> {xml(one.shown) or 'masked'} → "
        f"{'steps' if len(one.uses) > 1 else 'step'} {', '.join(str(step) for step, _ in one.uses[:4])}</div>"
        for one in row.gives[:4]
    )
