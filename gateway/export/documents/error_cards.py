"""How to get, or avoid, an error: a failing step beside its nearest successful sibling. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...model.exchange import Exchange
from ...model.text import shortened
from ...replay.error_card import sibling
from ...replay.error_words import error_words
from ...replay.reasons import Reason, explained
from ..scenario.sealed_secrets import PLACEHOLDER

SHOWN = 120  # characters of a value
MOST = 8  # rows of a card
ABSENT = "(not there)"


@dataclass(frozen=True, slots=True)
class ErrorCardRow:
    """One unequal place of the two requests."""

    place: str  # "path", "query lang", "body /isbn", "header Authorization", "environment"
    failing: str
    succeeding: str


@dataclass(frozen=True, slots=True)
class ErrorCard:
    """One failure, what it says of itself, and what a request that succeeds does differently."""

    failing: Exchange
    says: str
    sibling: Exchange | None
    rows: tuple[ErrorCardRow, ...]
    sentence: str  # in plain text


def cards(exchanges: Sequence[Exchange]) -> tuple[ErrorCard, ...]:
    """One card for every cause of a failure, in the order of the steps: by the engine of the pages (replay/reasons)."""
    known = {one.id: one for one in exchanges}
    return tuple(_counted(_card(group.first, known), group.count) for group in explained(exchanges).groups)


def _counted(card: ErrorCard, count: int) -> ErrorCard:
    """Equal causes are listed once, with their number of steps."""
    return card if count < 2 else replace(card, sentence=f"{card.sentence} It is so with {count} steps.".strip())


def _card(why: Reason, known: Mapping[str, Exchange]) -> ErrorCard:
    """A reason beside the success that is nearest to it."""
    failing = known[why.exchange]
    near = known.get(why.succeeded) or sibling(failing, [*known.values()])
    if near is None:
        return ErrorCard(
            failing, says(failing), None, (), f"No {failing.method} of this kind succeeded in this recording."
        )
    if why.card is None:
        return ErrorCard(failing, says(failing), near, (), "")
    rows = tuple(ErrorCardRow(row.place, *_apart(row.failing, row.succeeding)) for row in why.card.rows[:MOST])
    words = _short_words(why.card.sentence.partition(" It says: ")[0])
    return ErrorCard(failing, says(failing), near, rows, f"{words} Step {near.step} is the one that succeeded.")


def _short(text: str) -> str:
    hidden = PLACEHOLDER.sub(b"<secret>", text.encode("utf-8", "replace")).decode()
    return shortened(hidden, SHOWN)


def _apart(failing: str, succeeding: str) -> tuple[str, str]:
    """Shown values; two different secrets read as such."""
    one, other = _short(failing) or ABSENT, _short(succeeding) or ABSENT
    return (one, other) if one != other else (f"{one} (one value)", f"{other} (another)")


def _short_words(text: str) -> str:
    return PLACEHOLDER.sub(b"<secret>", text.encode("utf-8", "replace")).decode()


def says(exchange: Exchange) -> str:
    """The response's own words about its failure."""
    return _short(error_words(exchange))
