"""`gateway show REC --correlations`, and what `gateway annotate` decides about them. I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..model.visible import visible
from ..replay.correlation import Correlations, Verdicts, checked, correlate, correlations_json
from .shown import cut, table

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..replay.correlation import Decisions
    from .client import Server

API = "/_gateway/api/v1/recordings/"


def print_correlations(
    exchanges: Sequence[Exchange], decisions: Decisions, *, step: int | None = None, as_json: bool = False
) -> None:
    """Which values flow where: all of a recording's, or those that one step needs."""
    found = correlate(exchanges, decisions)
    print(json.dumps(correlations_json(found, step=step), indent=2) if as_json else correlations_text(found, step=step))


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


def verdicts_of(args: Any) -> Verdicts | None:
    """What the options decide; None when they decide nothing."""
    found = Verdicts(tuple(args.accept), tuple(args.reject), tuple(args.declare), tuple(args.forget))
    return found if any(asdict(found).values()) else None


def decide(
    verdicts: Verdicts, id: str, *, server: Server | None, exchanges: Callable[[], Sequence[Exchange]],
    said: Callable[[], Decisions], write: Callable[[dict[str, Any]], None],
) -> str:  # fmt: skip
    """Ask the gateway that runs, or check and write here; what was decided, in words."""
    if server is not None:
        server.call("PATCH", f"{API}{quote(id, safe='')}/correlations", asdict(verdicts))
    else:
        write(asdict(checked(verdicts, exchanges(), said())))
    return visible("; ".join(f"{name} {', '.join(what)}" for name, what in asdict(verdicts).items() if what))
