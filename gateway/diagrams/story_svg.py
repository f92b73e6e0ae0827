"""The lanes of a story as SVG: heads, one picture a step, one a move. Pure.

Each is as wide and as tall as its place: x is per cent, so nothing is measured and no style is needed. A row is drawn
twice, with all lifelines and, for narrow screens and paper, with two; the style sheet shows one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.text import shortened
from .diagram import values_of
from .story import CLIENT, NARROW, Story, StoryCall, StoryMove
from .svg import number, xml

NAME, PATH, HEAD, REMARK = 34, 46, 22, 40  # characters that fit beside each other
BESIDE: float = 99.6  # where a line leads to the card beside the lane


def story_heads(story: Story) -> str:
    """The participants, below the names of their environments; for the top of the rows."""
    parts = [f'<rect class="band env-{one.hue}" x="{number(one.x)}%" width="{number(one.width)}%" height="100%"/>'
             for one in story.bands]  # fmt: skip
    parts += [
        f'<text class="env-name env-{one.hue}" x="{_middle(one.x, one.width)}%" y="15" text-anchor="middle">'
        f"{xml(shortened(one.environment, HEAD))}</text>"
        for one in story.bands
    ]
    for index, column in enumerate(story.columns):
        anchor = "start" if index == 0 else "middle"
        x = number(column.x - 1.6 if index == 0 else column.x)
        name = xml(shortened(column.participant.cluster, HEAD))
        parts.append(f'<text class="head-name" x="{x}%" y="35" text-anchor="{anchor}">{name}</text>')
        parts.append(_life(column.x, "44", "100%"))
    return f'<svg class="seq-row" width="100%" height="100%" aria-hidden="true">{"".join(parts)}</svg>'


def lane(story: Story, row: StoryCall, *, paths: bool = False) -> str:
    """One step; `paths` puts method and path before the name that people gave it."""
    label = xml(told(story, row))
    return (
        f'<svg class="seq-row {row.tone}" width="100%" height="100%" role="img" aria-label="{label}">'
        f'<g class="wide">{"".join(_wide(story, row, paths=paths))}</g>'
        f'<g class="narrow">{"".join(_narrow(story, row, paths=paths))}</g></svg>'
    )


def told(story: Story, row: StoryCall) -> str:
    """The step in words: "Step 5: What if: unknown ISBN, GET /books/978-9, catalogue on qa, 404 Not Found"."""
    one = story.columns[row.call.participant].participant
    at = one.cluster + (f" on {one.environment}" if one.environment else "")
    name = f"{row.name}, " if row.name else ""
    return f"Step {row.call.step}: {name}{row.call.method} {row.path}, {at}, {row.call.answer}"


def move_lane(story: Story, move: StoryMove) -> str:
    """A cluster lives elsewhere from here on: a line across all lifelines."""
    words = f"{shortened(move.cluster, HEAD)}: {shortened(move.before, HEAD)} → {shortened(move.after, HEAD)}"
    wide = min(5 + 0.85 * len(words), 60)
    pill = (
        f'<line class="moved" x1="{number(CLIENT)}%" x2="100%" y1="24" y2="24"/>'
        f'<rect class="pill" x="8%" y="12" width="{number(wide)}%" height="24" rx="12"/>'
        f'<text class="moved" x="{number(8 + wide / 2)}%" y="28" text-anchor="middle">{xml(words)}</text>'
    )
    label = xml(f"{move.cluster} moved from {move.before} to {move.after}")
    ground = "".join(_ground(story))
    return (
        f'<svg class="seq-row" width="100%" height="100%" role="img" aria-label="{label}">'
        f'<g class="wide">{ground}</g>{pill}</svg>'
    )


def ground(story: Story) -> str:
    """Lifelines and environments alone, behind a row of words."""
    marks = f'<g class="wide">{"".join(_ground(story))}</g>'
    return f'<svg class="seq-row" width="100%" height="100%" aria-hidden="true">{marks}</svg>'


def _ground(story: Story) -> Iterator[str]:
    for one in story.bands:
        yield f'<rect class="band env-{one.hue}" x="{number(one.x)}%" width="{number(one.width)}%" height="100%"/>'
    for column in story.columns:
        yield _life(column.x, "0", "100%")


def _life(x: float, top: str, end: str) -> str:
    return f'<line class="life" x1="{number(x)}%" x2="{number(x)}%" y1="{top}" y2="{end}"/>'


def _middle(x: float, width: float) -> str:
    return number(x + width / 2)


def _wide(story: Story, row: StoryCall, *, paths: bool) -> Iterator[str]:
    target = story.columns[row.call.participant].x
    yield from _ground(story)
    if row.failed:
        yield '<rect class="hot" x="0.5%" y="1" width="99%" height="49" rx="7"/>'
        if row.reason:
            yield f'<line class="to-card" x1="{number(BESIDE)}%" x2="102.5%" y1="25" y2="25"/>'
    yield f'<text class="call" x="{number(CLIENT + 1.1)}%" y="18">{_label(row, paths=paths)}</text>'
    yield f'<text class="response" x="{number(CLIENT + 1.1)}%" y="40">{_answer(row)}</text>'
    yield from _arrows(CLIENT, target)


def _narrow(story: Story, row: StoryCall, *, paths: bool) -> Iterator[str]:
    """The client and whom it called, whose name is in every row."""
    client, target = NARROW
    column = story.columns[row.call.participant]
    if column.hue:
        yield f'<rect class="band env-{column.hue}" x="66%" width="33%" height="100%"/>'
    yield _life(client, "0", "100%")
    yield _life(target, "0", "100%")
    if row.failed:
        yield '<rect class="hot" x="0.5%" y="1" width="99%" height="49" rx="7"/>'
    yield f'<text class="call" x="{number(client + 2.6)}%" y="18">{_label(row, paths=paths, narrow=True)}</text>'
    yield f'<text class="response" x="{number(client + 2.6)}%" y="40">{_answer(row, narrow=True)}</text>'
    name = xml(shortened(column.participant.cluster, 14))
    yield f'<text class="head-name" x="{number(target)}%" y="18" text-anchor="middle">{name}</text>'
    if column.participant.environment:
        environment = xml(shortened(column.participant.environment, 10))
        yield f'<text class="env-name env-{column.hue}" x="{number(target + 3)}%" y="40">{environment}</text>'
    yield from _arrows(client, target)


def _label(row: StoryCall, *, paths: bool, narrow: bool = False) -> str:
    step = f'<tspan class="number">{row.call.step}</tspan> '
    asked = xml(shortened(f"{row.call.method} {row.path}".strip(), 24 if narrow else PATH))
    remark = f' <tspan class="muted">({xml(shortened(row.call.remark, REMARK))})</tspan>' if row.call.remark else ""
    if not row.name:
        return f'{step}<tspan class="mono">{asked}</tspan>{remark}'
    name = f'<tspan class="name">{xml(shortened(row.name, 22 if narrow else NAME))}</tspan>'
    mono = f'<tspan class="mono muted">{asked}</tspan>'
    if narrow:
        return step + (mono if paths else name)
    return step + " ".join((mono, name) if paths else (name, mono)) + remark


def _answer(row: StoryCall, *, narrow: bool = False) -> str:
    answer = f'<tspan class="answer">{xml(shortened(row.call.answer, 22 if narrow else REMARK))}</tspan>'
    facts = (*row.call.facts, *(() if narrow else (run.text for run in row.call.runs[:1])))
    more = f' <tspan class="muted">{xml(" · ".join(facts))}</tspan>' if facts else ""
    given = "" if narrow else values_of(tuple(one.name for one in row.gives))  # there they stand below
    return answer + more + (f' <tspan class="value">{xml(given)}</tspan>' if given else "")


def _arrows(client: float, target: float) -> Iterator[str]:
    """The request, the time that it took as a bar on the lifeline, the response."""
    x, c = number(target), number(client)
    yield f'<line class="arrow" x1="{c}%" x2="{x}%" y1="25" y2="25"/>'
    yield f'<svg x="{x}%" y="25" overflow="visible"><path class="tip" d="M-4 0l-9-4.5v9z"/></svg>'
    yield f'<line class="arrow back" x1="{c}%" x2="{x}%" y1="45" y2="45"/>'
    yield f'<svg x="{c}%" y="45" overflow="visible"><path class="tip-back" d="M0 0l9-4.5v9z"/></svg>'
    yield f'<svg x="{x}%" y="25" overflow="visible"><rect class="bar" x="-3.5" width="7" height="20" rx="2"/></svg>'
