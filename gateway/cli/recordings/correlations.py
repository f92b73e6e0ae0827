"""`gateway show REC --correlations`, and what `gateway annotate` decides about them. I/O."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...correlation import Correlations, Verdicts, correlate, correlations_json
from ...errors import UsageError
from ...model.text import visible
from ...replay.correlation_decisions import decisions_yaml, gathered
from .text import cut, table

if TYPE_CHECKING:
    from ...correlation import Decisions
    from ...model.exchange import Exchange
    from ..client import RunningGateway

API = "/_gateway/api/v1/recordings/"


def print_correlations(
    exchanges: Sequence[Exchange], decisions: Decisions, *, step: int | None = None, as_json: bool = False
) -> None:
    """Which values flow where: all of a recording's, or those that one step needs."""
    found = correlate(exchanges, decisions)
    print(json.dumps(correlations_json(found, step=step), indent=2) if as_json else correlations_text(found, step=step))


def print_decisions(title: str, exchanges: Sequence[Exchange], decisions: Decisions) -> None:
    """What was decided, as YAML that `gateway annotate --decisions` reads."""
    print(decisions_yaml(title, decisions, exchanges), end="")


def correlations_text(found: Correlations, *, step: int | None = None) -> str:
    """Bindings and inputs as two tables."""
    bindings = [each for each in found.bindings if step in (None, each.sink.step)]
    rows = [
        (
            each.id, each.status, f"{each.confidence:.2f}", cut(each.variable, 24), cut(str(each.sink), 40),
            cut("|".join((str(each.source), *each.transforms)), 48), cut(each.value, 28), cut(each.why, 80),
        )
        for each in bindings
    ]  # fmt: skip
    inputs = [
        (
            cut(each.variable, 24),
            cut(str(each.sink), 40),
            "secret" if each.secret else cut(each.value, 28),
            each.generator,
        )
        for each in found.inputs
        if step is None or any(sink.step == step for sink in each.sinks)
    ]
    head = ("id", "status", "sure", "value of", "needed at", "comes from", "recorded", "why")
    lines = [table(head, rows, right=frozenset(("sure",))) if rows else "no value of an answer is needed later"]
    if inputs:
        lines += ["", "said by the client first:", table(("name", "at", "recorded", "could be made by"), inputs)]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Said:
    """What the options decide: by hand, by a YAML text, by a second run (how it was named)."""

    verdicts: Verdicts
    yaml: str = ""
    second: str = ""


def verdicts_of(args: Any) -> Said | None:
    """None when they decide nothing."""
    verdicts = Verdicts(tuple(args.accept), tuple(args.reject), tuple(args.declare), tuple(args.forget))
    text = _text_of(args.decisions) if args.decisions else ""
    if args.decisions and not text.strip():
        raise UsageError("the file is empty", where=args.decisions)
    said = Said(verdicts, text, args.second_run or "")
    return None if said == Said(Verdicts()) else said


def _text_of(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=name) from None


def decide(
    said: Said, id: str, *, server: RunningGateway | None, exchanges: Callable[[str], Sequence[Exchange]],
    decisions: Callable[[], Decisions], write: Callable[[dict[str, Any]], None],
) -> str:  # fmt: skip
    """Ask the gateway that runs, or check and write here; what was decided, in words."""
    if server is not None:
        body = {name: what for name, what in (("yaml", said.yaml), ("second", said.second)) if what}
        server.call("PATCH", f"{API}{quote(id, safe='')}/correlations", asdict(said.verdicts) | body)
        told = asdict(said.verdicts) | ({"second run": [said.second]} if said.second else {})
        return _words(told | ({"decisions": ["as written"]} if said.yaml else {}))
    second = exchanges(said.second) if said.second else None
    found = asdict(gathered(said.verdicts, exchanges(id), decisions(), text=said.yaml, second=second))
    write(found)
    return _words(found)


def _words(told: Mapping[str, Sequence[str]]) -> str:
    return visible("; ".join(f"{name} {', '.join(what)}" for name, what in told.items() if what))
