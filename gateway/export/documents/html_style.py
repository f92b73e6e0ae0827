"""How the HTML document looks, and the script that presents it: both stand inside the file. Pure."""

# ruff: noqa: E501 - a rule of CSS reads best on one line
from __future__ import annotations

from . import html_diagram

LOOK = (
    """\
:root { color-scheme: light dark; --bg: #fff; --raised: #f6f8fb; --text: #1e293b; --muted: #5b6678; --line: #d5dce6;
  --link: #1d4ed8; --ok: #146c43; --redirect: #0369a1; --warn: #9a4c00; --bad: #b3202e; --mark: #e8efff; }
:root[data-bs-theme="dark"] { color-scheme: dark; --bg: #10161f; --raised: #1a2330; --text: #e6ebf2; --muted: #a5b1c2;
  --line: #354154; --link: #8ab4ff; --ok: #4ade80; --redirect: #38bdf8; --warn: #fbbf24; --bad: #fb8585;
  --mark: #22304a; }
:root[data-bs-theme="light"] { color-scheme: light; }
@media screen and (prefers-color-scheme: dark) { :root:not([data-bs-theme="light"]) { --bg: #10161f; --raised: #1a2330;
  --text: #e6ebf2; --muted: #a5b1c2; --line: #354154; --link: #8ab4ff; --ok: #4ade80; --redirect: #38bdf8;
  --warn: #fbbf24; --bad: #fb8585; --mark: #22304a; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; }
body { margin: 0; background: var(--bg); color: var(--text); line-height: 1.55;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, button:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
header { position: sticky; top: 0; z-index: 2; display: flex; gap: .6rem; align-items: center; padding: .6rem 1.25rem;
  background: var(--bg); border-bottom: 1px solid var(--line); }
header strong { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
header output { color: var(--muted); font-variant-numeric: tabular-nums; }
button { font: inherit; font-size: .9rem; padding: .3rem .8rem; color: var(--text); background: var(--raised);
  border: 1px solid var(--line); border-radius: .4rem; cursor: pointer; }
button:hover { border-color: var(--link); }
.page { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 88rem; margin: 0 auto; }
nav { position: sticky; top: 3.4rem; align-self: start; max-height: calc(100vh - 3.4rem); overflow: auto;
  padding: 1.25rem .5rem 2rem 1.25rem; font-size: .9rem; }
nav h2 { font-size: .8rem; letter-spacing: .04em; text-transform: uppercase; color: var(--muted); margin: 1.1rem 0 .3rem; }
nav ol, nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: flex; gap: .5rem; padding: .2rem .5rem; border-radius: .35rem; color: inherit; text-decoration: none; }
nav a:hover, nav a[aria-current] { background: var(--mark); }
nav a span:first-child { flex: none; min-width: 1.6rem; color: var(--muted); text-align: right; }
nav a span:nth-child(2) { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
main { min-width: 0; padding: 1.5rem 1.5rem 5rem; border-left: 1px solid var(--line); }
h1 { font-size: 2rem; line-height: 1.2; margin: .2rem 0 .8rem; overflow-wrap: anywhere; }
h2 { font-size: 1.45rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1.15rem; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h4, h2.label { font-size: .8rem; letter-spacing: .04em; text-transform: uppercase; color: var(--muted); margin: 0 0 .3rem; }
.lead { font-size: 1.1rem; color: var(--muted); max-width: 52rem; margin: 0 0 1rem; }
.note { max-width: 52rem; font-size: 1.05rem; }
.note p { margin: .4rem 0; }
.muted { color: var(--muted); }
code, pre { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; unicode-bidi: isolate; }
pre { margin: 0; padding: .7rem .9rem; overflow: auto; background: var(--raised); border: 1px solid var(--line);
  border-radius: .5rem; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; tab-size: 2; }
var { font-style: normal; padding: 0 .2em; border-radius: .25em; background: var(--mark); color: var(--link); }
.step, .card { margin: 1.1rem 0; padding: 1rem 1.2rem 1.2rem; border: 1px solid var(--line); border-radius: .7rem; }
.step:target, .card:target { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
.card { border-left: .35rem solid var(--warn); }
.facts { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: baseline; color: var(--muted); margin: 0 0 .6rem; }
.number { display: inline-block; min-width: 1.7em; padding: 0 .4em; margin-right: .35em; border-radius: 1em;
  background: var(--mark); text-align: center; font-variant-numeric: tabular-nums; }
.status { font-weight: 650; white-space: nowrap; }
.ok { color: var(--ok); } .redirect { color: var(--redirect); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: .9rem 1rem; }
.pair > div { min-width: 0; }
.tabs { display: flex; flex-wrap: wrap; gap: .15rem .4rem; }
.tabs > input { position: absolute; opacity: 0; }
.tabs > label { padding: .15rem .6rem; border-bottom: 2px solid transparent; cursor: pointer; }
.tabs > input:checked + label { border-bottom-color: currentColor; font-weight: 600; }
.tabs > input:focus-visible + label { outline: 2px solid currentColor; }
.tabs > pre { display: none; flex: 1 0 100%; }
.tabs > input:nth-of-type(1):checked ~ pre:nth-of-type(1), .tabs > input:nth-of-type(2):checked ~ pre:nth-of-type(2),
.tabs > input:nth-of-type(3):checked ~ pre:nth-of-type(3), .tabs > input:nth-of-type(4):checked ~ pre:nth-of-type(4),
.tabs > input:nth-of-type(5):checked ~ pre:nth-of-type(5), .tabs > input:nth-of-type(6):checked ~ pre:nth-of-type(6)
{ display: block; }
details { margin-top: .6rem; }
summary { cursor: pointer; color: var(--link); width: fit-content; }
details[open] > summary { margin-bottom: .4rem; }
.keeps { margin: .7rem 0 0; padding: 0; list-style: none; }
.keeps li { padding: .15rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: .95rem; }
th, td { padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--muted); font-weight: 600; }
td.was { text-decoration: underline; text-decoration-color: var(--bad); text-underline-offset: .25em; }
td.is { text-decoration: underline; text-decoration-color: var(--ok); text-underline-offset: .25em; }
footer { margin-top: 3rem; color: var(--muted); font-size: .9rem; }
dialog { max-width: 30rem; border: 1px solid var(--line); border-radius: .7rem; background: var(--bg); color: var(--text); }
kbd { padding: .05em .4em; border: 1px solid var(--line); border-radius: .3em; background: var(--raised); }
.front main { max-width: 60rem; margin: 0 auto; border: 0; } .front h2 { margin-top: 0; }
.presenting { font-size: 1.45rem; }
.presenting .page { display: block; max-width: none; }
.presenting nav, .presenting footer { display: none; }
.presenting main { border: 0; padding: 1rem 4vw 3rem; }
.presenting [data-slide] { display: none; }
.presenting [data-slide].now { display: block; border: 0; margin: 0; padding: 1rem 0; box-shadow: none; }
.presenting main > h2 { display: none; }
.presenting h1 { font-size: 2.6rem; } .presenting h2 { font-size: 2rem; margin-top: 0; } .presenting h3 { font-size: 1.9rem; }
.presenting .note { font-size: 1em; } .presenting .about { display: none; }
.presenting h4 { font-size: 1rem; } .presenting pre { font-size: 1.2rem; } .presenting table { font-size: 1.3rem; }
@media (max-width: 60rem) { .page { display: block; } nav { display: none; } main { border: 0; padding: 1rem; } }
@media print { header, nav, dialog { display: none !important; } .page { display: block; } main { border: 0; padding: 0; }
  body { font-size: 10.5pt; } .step, .card { break-inside: avoid-page; } pre { white-space: pre-wrap; } h2, h3 { break-after: avoid; }
  details:not([open]) { display: none; } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
"""
    + html_diagram.LOOK
)

_PAGE = """\
(() => {
  const root = document.documentElement, body = document.body;
  const slides = [...document.querySelectorAll("[data-slide]")];
  const where = document.querySelector("header output"), help = document.querySelector("dialog");
  let at = 0;
  const on = () => body.classList.contains("presenting");
@PICTURES@  const show = index => {
    at = Math.max(0, Math.min(slides.length - 1, index));
    slides.forEach((slide, i) => slide.classList.toggle("now", i === at));
    where.textContent = on() ? `${at + 1} / ${slides.length}` : "";
    if (on()) {
      scrollTo(0, 0);
      sized(true);
      if (slides[at].id) history.replaceState(null, "", `#${slides[at].id}`);
    }
  };
  const nearest = () => {
    const named = slides.findIndex(slide => slide.id && `#${slide.id}` === location.hash);
    const seen = slides.findIndex(slide => slide.getBoundingClientRect().bottom > 120);
    return named >= 0 ? named : Math.max(0, seen);
  };
  const present = yes => {
    const first = yes ? nearest() : at;
    body.classList.toggle("presenting", yes);
    sized(false);
    document.getElementById("present").textContent = yes ? "Leave" : "Present";
    show(first);
    if (!yes) slides[at].scrollIntoView();
  };
  const theme = () => {
    const dark = root.dataset.bsTheme ? root.dataset.bsTheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.bsTheme = dark ? "light" : "dark";
  };
  const full = () => document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
  const keys = {
    ArrowRight: () => show(at + 1), " ": () => show(at + 1), PageDown: () => show(at + 1), j: () => show(at + 1),
    ArrowLeft: () => show(at - 1), PageUp: () => show(at - 1), k: () => show(at - 1),
    Home: () => show(0), End: () => show(slides.length - 1), Escape: () => present(false),
  };
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    if (event.key === " " && event.target.closest("button, summary, a")) return;
    const act = { p: () => present(!on()), t: theme, f: full, v: nextValue, "?": () => help.showModal() }[event.key]
      || (on() && keys[event.key]);
    if (act) { event.preventDefault(); act(); }
  });
  document.getElementById("present").addEventListener("click", () => present(!on()));
  document.getElementById("theme").addEventListener("click", theme);
  document.getElementById("help").addEventListener("click", () => help.showModal());
  document.querySelectorAll("header button").forEach(button => { button.hidden = false; });
  addEventListener("hashchange", () => {
    const named = slides.findIndex(slide => `#${slide.id}` === location.hash);
    if (on() && named >= 0 && named !== at) show(named);
  });
  addEventListener("beforeprint", () => { if (on()) present(false); });
})();
"""
SCRIPT = _PAGE.replace("@PICTURES@", html_diagram.SCRIPT)
