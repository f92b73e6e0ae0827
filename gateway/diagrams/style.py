"""The colours and type of SVG diagrams, as CSS for light, dark and print. Pure.

Plain values instead of custom properties: slide programs that import SVG do not know `var()`.
"""

from __future__ import annotations

from ..model.palette import DARK, ENVIRONMENTS, LIGHT

HUES = tuple(f"env-{number}" for number in range(1, ENVIRONMENTS + 1))
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif'

_SHAPES = f"""\
.seq text {{ font-family: {FONT}; font-size: 13px; white-space: pre; }}
.seq .title {{ font-size: 19px; font-weight: 600; }}
.seq .about, .seq .foot, .seq .chapter {{ font-size: 12px; }}
.seq .chapter, .seq .env-name, .seq .number, .seq .method, .seq .head-name {{ font-weight: 600; }}
.seq .env-name, .seq .frame-name {{ font-size: 12px; }}
.seq .life {{ stroke-width: 1.2; stroke-dasharray: 2 4; }}
.seq .arrow {{ stroke-width: 1.6; fill: none; }}
.seq .back {{ stroke-dasharray: 5 3; }}
.seq .run {{ stroke-dasharray: 1 3; }}
.seq .frame, .seq .env {{ stroke-width: 1; fill-opacity: 0.07; stroke-opacity: 0.45; }}
.seq .frame {{ fill: none; stroke-opacity: 0.9; }}
.seq .between {{ stroke-width: 1; stroke-dasharray: 6 4; }}
.seq .section, .seq .value, .seq .change, .seq .sign {{ font-weight: 600; }}
.seq .value {{ font-style: italic; }}
.seq .chosen {{ text-decoration: underline; }}
.seq .change {{ font-size: 16px; }}
.seq .flow {{ fill: none; stroke-width: 1.6; }}
.seq .column, .seq .count {{ font-size: 11px; }}
.seq .cell {{ fill-opacity: 0.13; stroke-width: 1; stroke-opacity: 0.6; }}
.seq .added .hit, .seq .removed .hit, .seq .changed .hit {{ fill-opacity: 0.08; }}
.seq .same {{ opacity: 0.6; }}
.seq .head, .seq .tab, .seq .pill {{ stroke-width: 1.2; }}
.seq .hit {{ fill-opacity: 0; }}
.seq a:hover .hit, .seq a:focus .hit {{ fill-opacity: 0.09; }}
.seq a {{ cursor: pointer; text-decoration: none; }}
"""

_LIGHT = {
    "paper": "#ffffff", "raised": "#f8fafc", "text": "#1e293b", "muted": "#5b6678",
    "line": "#94a3b8", "strong": "#334155",
    "ok": "#15803d", "redirect": "#0369a1", "client-error": "#b45309", "server-error": "#b91c1c",
    "failed": "#b91c1c", "open": "#5b6678", "moved": "#6d28d9", "equal": "#5b6678", "value": "#6d28d9",
    "added": "#15803d", "removed": "#b91c1c", "changed": "#b45309",
    **{name: colour for name, colour in LIGHT.items() if name in HUES},
}  # fmt: skip
_DARK = {
    "paper": "#10161f", "raised": "#1b2431", "text": "#e6ebf2", "muted": "#9aa7b8",
    "line": "#566275", "strong": "#b6c2d2",
    "ok": "#4ade80", "redirect": "#38bdf8", "client-error": "#fbbf24", "server-error": "#f87171",
    "failed": "#f87171", "open": "#9aa7b8", "moved": "#c4b5fd", "equal": "#9aa7b8", "value": "#c4b5fd",
    "added": "#4ade80", "removed": "#f87171", "changed": "#fbbf24",
    **{name: colour for name, colour in DARK.items() if name in HUES},
}  # fmt: skip
_OUTCOMES = ("ok", "redirect", "client-error", "server-error", "failed", "open")


def _colours(palette: dict[str, str], scope: str) -> str:
    rules = [
        ("text", f"fill: {palette['text']};"),
        (".paper", f"fill: {palette['paper']};"),
        (".muted, {0} .about, {0} .foot, {0} .chapter, {0} .column", f"fill: {palette['muted']};"),
        (".life, {0} .frame, {0} .between", f"stroke: {palette['line']};"),
        (".head, {0} .tab, {0} .pill", f"fill: {palette['raised']}; stroke: {palette['line']};"),
        (".arrow", f"stroke: {palette['strong']};"),
        (".tip, {0} .bar, {0} .hit", f"fill: {palette['strong']};"),
        (".value, {0} .flow-tip", f"fill: {palette['value']};"),
        (".flow", f"stroke: {palette['value']};"),
    ]
    for outcome in _OUTCOMES:
        colour = palette[outcome]
        rules.append((f".{outcome} .answer, {{0}} .{outcome} .tip-back, {{0}} .{outcome} .bar", f"fill: {colour};"))
        rules.append((f".{outcome} .back, {{0}} .{outcome} .cross", f"stroke: {colour};"))
        rules.append((f".{outcome} .cell", f"fill: {colour}; stroke: {colour};"))
    for kind in ("moved", "equal"):
        rules.append((f".{kind}", f"stroke: {palette[kind]};"))
        rules.append((f"text.{kind}", f"fill: {palette[kind]}; stroke: none;"))
    rules += [
        (f".{one} .hit, {{0}} .{one} .change", f"fill: {palette[one]};") for one in ("added", "removed", "changed")
    ]
    for name in HUES:
        rules.append((f"rect.{name}", f"fill: {palette[name]}; stroke: {palette[name]};"))
        rules.append((f"text.{name}", f"fill: {palette[name]};"))
    return "".join(f"{scope} {selector.format(scope)} {{ {body} }}\n" for selector, body in rules)


# A long picture scrolls in its own box, below its participants; on paper it stands whole.
PAGE_STYLE = """\
@media screen {
  .picture { max-height: 92vh; overflow: auto; }
  .picture > svg.heads { position: sticky; top: 0; z-index: 1; display: block; }
  .picture > svg { display: block; }
}
"""

# Rows of a story (story_svg.py), for pages and documents that have the colours of the palette as custom properties.
STORY_STYLE = f"""\
.story {{ --lane: minmax(0, 2fr); position: relative; }}
.story-row, .story-head {{ display: grid; grid-template-columns: var(--lane) minmax(0, 1fr); column-gap: 20px; }}
.story-head {{ position: sticky; top: 40px; z-index: 3; background: var(--surface); }}
.story-head .lane {{ min-height: 48px; }}
.story-head .beside {{ align-self: center; font-weight: 600; font-size: .8125rem; color: var(--muted); }}
.lane {{ position: relative; display: block; min-height: 51px; color: inherit; text-decoration: none; }}
.lane > .seq-row {{ position: absolute; inset: 0; display: block; overflow: visible; }}
a.lane:hover .name, a.lane:hover .mono {{ text-decoration: underline; }}
.seq-row text {{ font-family: {FONT}; font-size: 12.5px; fill: var(--text); white-space: pre; }}
.seq-row .number, .seq-row .name, .seq-row .head-name, .seq-row .env-name, .seq-row .answer,
  .seq-row .value {{ font-weight: 650; }}
.seq-row .mono {{ font-family: var(--mono, ui-monospace, Menlo, Consolas, monospace); font-size: 12px; }}
.seq-row .muted {{ fill: var(--muted); }} .seq-row .value {{ fill: var(--accent); }}
.seq-row .band {{ fill: var(--env-bg); fill-opacity: .55; }}
.seq-row .env-name {{ fill: var(--env); font-size: 11.5px; }}
.seq-row .life {{ stroke: var(--control); stroke-dasharray: 1.5 4; stroke-width: 1.2; }}
.seq-row .hot {{ fill: var(--warn-bg); fill-opacity: .6; }} .seq-row.bad .hot {{ fill: var(--bad-bg); }}
.seq-row .arrow {{ stroke: var(--text); stroke-width: 1.5; fill: none; }} .seq-row .tip {{ fill: var(--text); }}
.seq-row .back {{ stroke: var(--tone); stroke-dasharray: 5 3; stroke-width: 1.8; }}
.seq-row .tip-back, .seq-row .bar {{ fill: var(--tone); }}
.seq-row .answer {{ fill: var(--tone); }} .seq-row .to-card {{ stroke: var(--tone); stroke-width: 1.8; }}
.seq-row {{ --tone: var(--ok); }} .seq-row.warn {{ --tone: var(--warn); }} .seq-row.bad {{ --tone: var(--bad); }}
.seq-row.open {{ --tone: var(--muted); }}
.seq-row line.moved {{ stroke: var(--accent); stroke-width: 1.5; }}
.seq-row text.moved {{ fill: var(--accent); font-weight: 650; }}
.seq-row .pill {{ fill: var(--surface); stroke: var(--accent); stroke-width: 1.2; }}
.seq-row .narrow {{ display: none; }}
.story-row > .beside {{ align-self: center; font-size: .8125rem; color: var(--muted); min-width: 0;
  overflow-wrap: anywhere; }}
.story-row.faint {{ opacity: .38; }} .story-row.lit > .lane {{ box-shadow: inset 3px 0 0 var(--accent); }}
.story-row.failing > .beside {{ padding: 3px 0 7px; align-self: start; }}
@media (max-width: 640px) {{
  .story-row {{ grid-template-columns: minmax(0, 1fr); }} .story-head {{ display: none; }}
  .seq-row .wide {{ display: none; }} .seq-row .narrow {{ display: inline; }}
  .story-row > .beside {{ padding: 0 4px 6px 22px; }} .story-row > .beside:empty {{ display: none; }}
}}
.story.bare > * {{ grid-template-columns: minmax(0, 1fr); }} .story-row.aside {{ opacity: .55; }}
.story-row.now .arrow {{ stroke-width: 2.6; }} .story.bare .to-card {{ display: none; }}
.story-row.now > .lane {{ background: var(--accent-bg); border-radius: 7px; }}
.story-row.round b {{ position: relative; font-size: .8125rem; padding: 16px 12px; display: block; }}
.beside .why {{ border: 1px solid var(--line); border-left: 4px solid var(--warn); border-radius: 9px; }}
.beside .why {{ padding: 7px 12px; background: var(--surface); color: var(--text); }}
.beside .why.bad {{ border-left-color: var(--bad); }} .beside .why p {{ margin: 0; }}
.beside .says {{ color: var(--muted); }}
@media print {{ .story-row {{ break-inside: avoid; }} .story-head {{ position: static; }} }}
"""

# Paper is white: dark colours are for screens only. A page that sets data-bs-theme overrules the system.
STYLE = (
    _SHAPES
    + _colours(_LIGHT, ".seq")
    + "@media screen and (prefers-color-scheme: dark) {\n"
    + _colours(_DARK, ':root:not([data-bs-theme="light"]) .seq')
    + "}\n@media screen {\n"
    + _colours(_DARK, ':root[data-bs-theme="dark"] .seq')
    + "}\n"
)
