"""An exchange as commands to copy: curl, HTTPie, Python. Secrets are variables. Pure."""

from __future__ import annotations

import shlex
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote

from .. import __version__
from ..export import dump, format_named
from ..export.scenario.scenario import Scenario, ScenarioStep, scenario
from ..export.scenario.templated_text import Text, VariableUse, settled
from ..model.exchange import Exchange
from ..model.recording import Recording


@dataclass(frozen=True, slots=True)
class Copy:
    """One way to send the request again; `name` is unique on the page."""

    name: str
    title: str
    text: str


def copies(recording: Recording, exchange: Exchange) -> tuple[Copy, ...]:
    """The same request for three tools."""
    alone = [(recording, [exchange])]
    return (
        Copy("curl", "curl", dump(format_named("curl"), alone, version=__version__)),
        Copy("httpie", "HTTPie", httpie(recording, exchange)),
        Copy("python", "Python", dump(format_named("python"), alone, version=__version__)),
    )


def httpie(recording: Recording, exchange: Exchange) -> str:
    """An `http` command; a comment where no client can send the request."""
    found = scenario(recording, [exchange])
    step = found.steps[0]
    if step.obstacle:
        return f"# cannot be sent again: {step.obstacle}\n"
    lines = [f"http --ignore-stdin {shlex.quote(step.method)} {_address(step)}"]
    lines += [f"  {_header(name, value)}" for name, value in step.headers]
    if step.body.text:
        lines.append(f"  --raw {_word(settled(step.body.text))}")
    elif step.body.data:
        lines = [line.replace("--ignore-stdin ", "") for line in lines]
        return _secrets(found) + f"base64 -d <<< {b64encode(step.body.data).decode()} | " + " \\\n".join(lines) + "\n"
    return _secrets(found) + " \\\n".join(lines) + "\n"


def _secrets(found: Scenario) -> str:
    return "".join(f"# {one.variable}: {one.about}\n" for one in found.inputs if one.secret)


def _address(step: ScenarioStep) -> str:
    path = tuple(
        quote(part.recorded, safe="") if isinstance(part, VariableUse) and part.given else part for part in step.path
    )
    return _word((step.target.base, *path))


def _header(name: str, value: Text) -> str:
    """A space keeps HTTPie from reading `Name:=json` and `Name:@file` where a value begins like that."""
    text = settled(value)
    if not text or text == ("",):
        return shlex.quote(f"{name};")
    risky = isinstance(text[0], str) and text[0].startswith(("=", "@"))
    return _word((f"{name}:{' ' if risky else ''}", *text))


def _word(text: Text) -> str:
    """One word of a shell: literals quoted, variables between them."""
    pieces: list[str] = []
    for part in text:
        if isinstance(part, VariableUse):
            pieces.append(f'"${{{part.name}:?}}"')
        elif pieces and not pieces[-1].startswith('"$'):
            pieces[-1] += part
        else:
            pieces.append(part)
    return "".join(piece if piece.startswith('"$') else shlex.quote(piece) for piece in pieces) or "''"
