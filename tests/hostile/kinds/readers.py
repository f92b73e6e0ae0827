"""What a viewer types into the forms of a demo: it is text, whatever it looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from urllib.parse import urlencode

from ..lab import OPERATOR, Lab
from . import Kind, Trial

DEMO = """title: Typed
steps:
  - title: One
    call: POST a:/typed
    form: {q: "1", n: {type: number, default: 1}, tok: {type: password}}
    headers: {X-Plain: "x"}
"""
INNER = ("6*7", "'a' * 10**9", '"a".rjust(2*10**8)', "q.__class__", "self", "config", "range(10**9) | list", "tok", "lipsum()", "cycler.__init__",
         "[].append(1)", "q | attr('__class__')", "joiner", "namespace", "().__class__.__base__.__subclasses__()", "7*'7'", "n ** 99", "dict(a=1)")  # fmt: skip
SHELLS = ("{{ %s }}", "{{%s}}", "x{{ %s }}y", "{%% if %s %%}1{%% endif %%}", "{%% set a = %s %%}{{ a }}", "{{- %s -}}", "{# %s #}", "${%s}", "#{%s}",
          "{%% for a in %s %%}{{ a }}{%% endfor %%}", "{{ %s }}{{ %s }}")  # fmt: skip
BOXES = ("f.q", "own.path", "own.headers", "own.name", "own.delay", "own.via", "own.why")
BUTTONS = ("", "*preview", "*try")
MEMORY = 96 << 20  # bytes that one of them may take


def prepare(lab: Lab) -> None:
    link = lab.api("POST", "access/links", {"role": "viewer"}, token=OPERATOR).json()["url"]
    path = link[link.index("/_gateway") :]
    first = lab.ask("GET", path, [("Sec-Fetch-Site", "none"), ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")])
    cookies = [value.partition(";")[0] for value in first.all("set-cookie")]
    page = lab.ask("GET", "/demos/typed/one", [("Cookie", "; ".join(cookies)), ("Accept", "text/html")])
    cookies += [value.partition(";")[0] for value in page.all("set-cookie")]
    token = re.search(rb'name="csrf_token" value="([0-9a-f]+)"', page.body)
    if token is None:
        raise RuntimeError(f"no form: {page.status}")
    lab.notes |= {"viewer": "; ".join(cookies), "csrf": token[1].decode()}


def _attempt(box: str, text: str, button: str, lab: Lab) -> str:
    typed = {
        "f.q": "1",
        "f.n": "1",
        "f.tok": "secret-of-reader",
        "own.name": "n",
        "own.delay": "1ms",
        "csrf_token": lab.notes["csrf"],
    }
    typed[box] = (
        f"X-Typed: {text}" if box == "own.headers" else f"POST a:/typed?x={text}" if box == "own.path" else text
    )
    typed["what_if"] = button
    before, peak = len(lab.dev.seen), lab.peak()
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Cookie", lab.notes["viewer"]),
        ("Accept", "text/html"),
    ]
    answer = lab.ask("POST", "/demos/typed/one", headers, urlencode(typed).encode(), patience=30.0)
    if lab.peak() - peak > MEMORY:
        return f"took {(lab.peak() - peak) >> 20} MiB"
    if answer.status not in (200, 303, 422, 400, 404):
        return f"answered {answer.status}"
    if box == "f.q" and button != "*preview" and len(lab.dev.seen) == before:
        return f"was not sent: {answer.status}"
    for request in lab.dev.seen[before:]:
        sent = " ".join(
            [
                request.target,
                request.body.decode("latin-1"),
                *(value for name, value in request.headers if name == "x-typed"),
            ]
        )
        if "42" in sent or "7777777" in sent or "<class" in sent or "secret-of-reader" in request.target:
            return f"was worked out: {sent[:200]}"
        if box == "f.q" and "{" in text and "%7B" not in sent and "{" not in sent:
            return f"is not the text that was typed: {sent[:200]}"
    return ""


def trials(rng: Random, count: int) -> Iterator[Trial]:
    for _ in range(count):
        shell, box, button = rng.choice(SHELLS), rng.choice(BOXES), rng.choice(BUTTONS)
        inner = rng.choice(INNER)
        text = shell % ((inner,) * shell.replace("%%", "").count("%s"))
        yield Trial(
            f"{box} {button} {text}", lambda lab, box=box, text=text, button=button: _attempt(box, text, button, lab)
        )


KIND = Kind(
    "readers", "what a reader types is text", 150, trials, setup="signed", prepare=prepare,
    files={"templates/demos/typed/demo.yaml": DEMO},
)  # fmt: skip
