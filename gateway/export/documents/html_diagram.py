"""The HTML document's diagram: participants that stay in view, and the arrows of one value at a time. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ...diagrams import heads, svg
from ...diagrams.story import story
from ...diagrams.story_html import story_html
from ...replay.reasons import explained
from .guide import GuideChapter, masked
from .html_parts import text

MOST = 40  # values that are offered to follow
ROWS = 300  # steps that are drawn one below the other; of more there is the one picture alone
LOOK = """\
.values { display: flex; flex-wrap: wrap; gap: .4rem; align-items: baseline; margin: 0 0 .6rem; color: var(--muted); }
.values[hidden] { display: none; }
.values [aria-pressed="true"] { background: var(--mark); border-color: var(--link); }
.picture { border: 1px solid var(--line); border-radius: .7rem; overflow-x: auto; }
.picture:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.picture svg { display: block; max-width: 100%; height: auto; min-width: 40rem; margin: 0 auto; }
.picture .flows { display: none; } .picture .flows.now { display: inline; }
.picture.following .step { opacity: .45; } .picture.following .step.carries { opacity: 1; }
@media screen { .picture { max-height: 88vh; overflow: auto; }
  .picture > .heads { position: sticky; top: 0; z-index: 1; } .presenting .picture { max-height: 74vh; }
  .presenting .values { font-size: 1.1rem; } .presenting .values + .picture { max-height: 72vh; }
  .presenting .picture svg { max-width: none; } }
.rows { margin: 0 0 1rem; border: 1px solid var(--line); border-radius: .7rem; padding: .5rem .8rem; }
.rows .story-head { top: 3.4rem; }
.env { font-weight: 650; font-size: .8em; padding: 0 .35em; border-radius: .3em; }
.env { color: var(--env, var(--muted)); background: var(--env-bg, var(--raised)); }
@media print { .rows { border: 0; padding: 0; } .rows + details { display: none; } }
@media print { .values { display: none; } .picture { border: 0; } .picture svg { min-width: 0; } }
"""
SCRIPT = """\
  const pictures = [...document.querySelectorAll(".picture")];
  const bars = [...document.querySelectorAll(".values")];
  const follow = (bar, name) => {
    const box = bar.nextElementSibling, shell = bar.closest("details");
    if (shell) shell.open = true;
    const named = chip => chip.textContent.replace(/[{}]/g, "") === name;
    const flow = [...box.querySelectorAll(".flows")].find(one => one.dataset.value === name);
    const steps = flow ? flow.dataset.steps.split(" ") : [];
    bar.querySelectorAll("button").forEach(one => one.setAttribute("aria-pressed", one.value === name));
    box.classList.toggle("following", name !== "");
    box.querySelectorAll(".flows").forEach(one => one.classList.toggle("now", one.dataset.value === name));
    box.querySelectorAll(".value").forEach(one => one.classList.toggle("chosen", named(one)));
    box.querySelectorAll(".step").forEach(one => one.classList.toggle("carries",
      steps.includes(one.dataset.step) && !one.matches(".aside") || [...one.querySelectorAll(".value")].some(named)));
    const giver = box.querySelector(".step.carries"), seen = box.getBoundingClientRect();
    const there = giver && giver.getBoundingClientRect();
    if (there && (there.top < seen.top + 50 || there.bottom > seen.bottom)) box.scrollTop += there.top - seen.top - 90;
  };
  const nextValue = () => {
    const bar = bars.find(one => one.getBoundingClientRect().bottom > 0 && one.offsetParent) || bars[0];
    const values = bar ? ["", ...[...bar.querySelectorAll("button")].map(one => one.value)] : [];
    const now = bar && bar.querySelector("[aria-pressed='true']");
    if (bar) follow(bar, values[(values.indexOf(now ? now.value : "") + 1) % values.length]);
  };
  bars.forEach(bar => {
    bar.hidden = false;
    bar.addEventListener("click", event => {
      const one = event.target.closest("button");
      if (one) follow(bar, one.getAttribute("aria-pressed") === "true" ? "" : one.value);
    });
  });
  // While presenting, a picture is as large as the screen allows; one that would be too small to read scrolls.
  const sized = on => pictures.forEach(box => {
    const drawn = [...box.querySelectorAll("svg")];
    const wide = drawn[0].viewBox.baseVal.width;
    const tall = drawn.reduce((sum, one) => sum + one.viewBox.baseVal.height, 0);
    const across = (box.clientWidth - 2) / wide, whole = 0.73 * innerHeight / tall;
    const scale = Math.min(across, whole < 0.7 ? 1.3 : whole);
    drawn.forEach(one => { one.style.width = on && box.clientWidth ? `${wide * scale}px` : ""; });
  });
  addEventListener("resize", () => sized(on()));
"""


def picture(chapter: GuideChapter) -> str:
    """The steps of a chapter as rows, the reasons beside those that failed, and all of it in one picture, with its
    what-ifs and the arrows of values. Steps link to their paragraphs."""
    one = _one_picture(chapter)
    exchanges = [step.exchange for step in chapter.scenario.steps]
    if not 0 < len(exchanges) <= ROWS:
        return one
    beside = chapter.beside
    told = story(
        exchanges, explained(exchanges), environments=beside.environments, chunks=beside.chunks,
        decisions=beside.decisions(chapter.scenario.recording.id),
    )  # fmt: skip
    rows = story_html(told, link=lambda id: f"#{chapter.anchors.get(id, '')}")
    rows = masked(rows, chapter.known).replace("<secret>", "secret")  # a word here, no tag
    return (
        f'<div class="rows" role="region" aria-label="The story, one row a step" tabindex="0">{rows}</div>\n'
        f"<details><summary>All in one picture; follow a value</summary>\n{one}</details>"
    )


def _one_picture(chapter: GuideChapter) -> str:
    diagram = chapter.diagram
    names = list(dict.fromkeys(one.name for one in diagram.values))[:MOST] if diagram.chapters else []
    strip = heads(diagram, values=names) if diagram.chapters else ""
    whole = svg(
        diagram,
        link=lambda id: f"#{chapter.anchors.get(id, '')}",
        part=lambda first, last: f"#{_first(chapter, first, last)}",
        values=names,
        headless=bool(strip),
    )
    about = f'<p class="muted about">{text(diagram.about)}</p>\n' if strip else ""  # otherwise it stands in the picture
    return (
        f"{about}{_values(names)}"
        f'<div class="picture" role="region" aria-label="Sequence diagram" tabindex="0">{strip}{whole}</div>'
    )


def _first(chapter: GuideChapter, first: int, last: int) -> str:
    """Where the steps of a cell of an overview begin to be told."""
    return next((anchor for step, anchor in sorted(chapter.steps.items()) if first <= step <= last), "")


def _values(names: Sequence[str]) -> str:
    pressed = 'type="button" aria-pressed="false"'
    buttons = "".join(f'<button {pressed} value="{text(one)}">{text(one)}</button>' for one in names)
    return f'<p class="values" hidden><span>Follow a value:</span>{buttons}</p>\n' if names else ""
