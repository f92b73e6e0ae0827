"""Expressions and pages that a demo's author may write, by mistake or on purpose: limits of size and steps hold."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from random import Random

from ..lab import Lab
from . import Kind, Trial

COUNT = 250
PAGES = 4  # every so manyth is a page of the author's own
SEED = "authors"  # the demo's file is written before the trials get their random numbers
VALUES = (
    "'a'",
    "'ab' * 40000",
    "[1, 2, 3]",
    "'{:>%d}'",
    "'%%%dd'",
    "7",
    "10 ** 14",
    "'\\t' * 900",
    "{'a': 'b' * 9000}",
    "1.5",
    "[[1], [2]]",
    "'x\\n' * 9000",
)
NUMBERS = (2 * 10**8, 10**9, 5_000_000, 2**31, 2**63, 10**18)
FORMS = (
    "({v}).rjust({n})", "({v}).ljust({n})", "({v}).center({n})", "({v}).zfill({n})", "({v}).expandtabs({n})", "({v}) * {n}", "{n} * ({v})", "({v}) ** {n}",
    "({v}) % {n}", "({v}).format({n})", "({v}) | center({n})", "({v}) | indent({n})", "({v}) | replace('', ({v}))", "({v}) | join(({v}))", "({v}) | batch({n}, 0) | list",
    "({v}) | slice({n}) | list", "({v}) | tojson(indent={n})", "({v}) | round({n}, 'ceil')", "({v}) | wordwrap(1, wrapstring=({v}))", "({v}).replace('a', ({v}))",
    "({v}).join(({v}))", "({v}) | map('center', {n}) | list", "({v}) | sum(start=[])", "({v}) | format({n})", "({v}) | urlize", "({v}) | pprint | pprint | pprint",
    "({v}) ~ ({v}) ~ ({v}) ~ ({v})", "(({v}) | string) * {n}", "[({v})] * {n}", "({v}) | list | sort | unique | list | join(({v}))",
)  # fmt: skip
WHOLE = (
    "{{% for a in ({v}) | string * 900 %}}{{% for b in ({v}) | string * 900 %}}{{{{ a ~ b }}}}{{% endfor %}}{{% endfor %}}",
    "{{% macro f(x) %}}{{{{ f(x) }}}}{{{{ f(x) }}}}{{% endmacro %}}{{{{ f(({v})) }}}}",
    "{{% set a = ({v}) | string %}}{{% for i in a %}}{{{{ a.split('a') | join(a) }}}}{{% endfor %}}",
    "{{% for a in ({v}) | string %}}{{{{ a.rjust({n}) }}}}{{% endfor %}}",
)
MEMORY, SLOWEST = 96 << 20, 5.0


def _texts() -> list[str]:
    rng = Random(SEED)
    found = []
    for at in range(COUNT):
        value, number = rng.choice(VALUES), rng.choice(NUMBERS)
        value = value % number if "%d" in value else value
        shell = rng.choice(WHOLE) if at % 6 == 0 else "{{{{ " + rng.choice(FORMS) + " }}}}"
        found.append(shell.format(v=value, n=number))
    return found


def _demos() -> dict[str, str]:
    """A demo for each, since one that is refused takes its whole file with it."""
    found = {}
    for at, text in enumerate(_texts()):
        if at % PAGES == 0:
            found[f"templates/demos/author{at}/own.html"] = text
            own = {"title": "One", "call": "POST a:/x", "page": "own.html"}
            found[f"templates/demos/author{at}/demo.yaml"] = json.dumps({"title": f"A{at}", "steps": [own]})
            continue
        step = {"title": "One", "call": "POST a:/x", "form": {"q": {"default": text}}, "headers": {"X-Made": text}}
        found[f"templates/demos/author{at}/demo.yaml"] = json.dumps({"title": f"A{at}", "steps": [step]})
    return found


def _attempt(at: int, lab: Lab) -> str:
    peak, begun = lab.peak(), time.monotonic()
    answer = lab.ask("GET", f"/demos/author{at}/one", [("Accept", "text/html")], patience=30.0)
    took = time.monotonic() - begun
    if lab.peak() - peak > MEMORY:
        return f"took {(lab.peak() - peak) >> 20} MiB"
    if took > SLOWEST or not answer.status:
        return f"took {took:.1f} s"
    return "" if answer.status in (200, 422) else f"answered {answer.status}"


def trials(rng: Random, count: int) -> Iterator[Trial]:
    texts = _texts()
    for at in rng.sample(range(COUNT), min(count, COUNT)):
        yield Trial(texts[at], lambda lab, at=at: _attempt(at, lab))


KIND = Kind("authors", "an author's expression or page stays within its limits", COUNT, trials, files=_demos())
