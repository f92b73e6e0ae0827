"""The HTML document's diagram: participants that stay in view, and the arrows of one value at a time. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ...diagrams import heads, svg
from .guide import GuideChapter
from .html_parts import text

MOST = 40  # values that are offered to follow
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
@media print { .values { display: none; } .picture { border: 0; } .picture svg { min-width: 0; } }
"""
SCRIPT = """\
  const pictures = [...document.querySelectorAll(".picture")];
  const bars = [...document.querySelectorAll(".values")];
  const follow = (bar, name) => {
    const box = bar.nextElementSibling;
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
    """The diagram of a chapter; its steps link to their paragraphs."""
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
