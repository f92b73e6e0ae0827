"""Diagrams for the pages: what is drawn, and where its marks lead. Blocking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from markupsafe import Markup

from ..diagrams import Diagram, changes, heads, svg
from ..errors import NotFoundError, UsageError
from ..export import FORMATS
from ..export.format import Routing
from ..export.scenario.recording_groups import diagram_of
from ..model.exchange import Exchange
from ..model.recording import Recording
from .export import Wish, beside, gathered, read_steps

if TYPE_CHECKING:
    from ..protocols import Store
    from ..replay.compare import Comparison

MOST = 1000  # steps of a recording that are looked at for one picture
VALUES = 40  # values that a page offers to follow


@dataclass(frozen=True, slots=True)
class DiagramOptions:
    """What somebody wants to see: some steps, the way of one value, the what-ifs as well."""

    steps: str = ""  # "51-100"
    value: str = ""
    whatifs: bool = False

    def address(self, **changed: str) -> str:
        """The query of another look."""
        wanted = {"steps": self.steps, "value": self.value, "whatifs": "yes" if self.whatifs else ""} | changed
        return "?view=picture&" + urlencode({name: value for name, value in wanted.items() if value}) + "#sequence"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A diagram for a page. Its text was escaped by `svg`."""

    diagram: Diagram
    heads: Markup
    picture: Markup
    values: tuple[str, ...]
    look: DiagramOptions


def looking(query: Mapping[str, str]) -> DiagramOptions:
    """steps=51-100, value=order_id, whatifs=yes; steps that are none are all of them."""
    steps = query.get("steps", "")
    try:
        read_steps(steps)
    except UsageError:
        steps = ""
    return DiagramOptions(steps, query.get("value", "")[:100], query.get("whatifs", "") == "yes")


def drawn(
    store: Store,
    recording: Recording,
    chosen: Sequence[Exchange] | None,
    look: DiagramOptions,
    environments: Sequence[str] = (),
) -> Drawn | None:
    """The diagram of a recording, or of the exchanges that a filter chose; None without steps."""
    steps = look.steps or (f"1-{MOST}" if recording.steps > MOST else "")
    found = [(recording, chosen)] if chosen is not None else _read(store, recording, look, steps)
    if not found or not found[0][1]:
        return None
    diagram = diagram_of(found[0], found, beside(store, Routing(environments=tuple(environments))))
    names = tuple(dict.fromkeys(one.name for one in diagram.values))[:VALUES]
    value = look.value if look.value in names else ""

    def part(first: int, last: int) -> str:
        return look.address(steps=f"{first}-{last}")

    # Markup: the one place where a page takes markup that it did not write; tests feed it hostile recordings.
    strip = Markup(heads(diagram, value=value)) if diagram.chapters else Markup("")
    whole = Markup(svg(diagram, link=exchange_page, part=part, value=value, headless=bool(diagram.chapters)))
    return Drawn(diagram, strip, whole, names, look)


def _read(
    store: Store, recording: Recording, look: DiagramOptions, steps: str
) -> Sequence[tuple[Recording, Sequence[Exchange]]]:
    return gathered(store, Wish(FORMATS["svg"], [recording.id], variants=look.whatifs, steps=steps))


def both(store: Store, comparison: Comparison) -> Markup:
    """Two recordings as one picture; "" for two single steps, which are no sequence."""
    if len(comparison.steps) < 2:
        return Markup("")
    return Markup(svg(difference_of(store, comparison), link=exchange_page))


def difference_of(store: Store, comparison: Comparison) -> Diagram:
    """The diagram of two recordings, under their titles."""
    return changes(_title(store, comparison.a), _title(store, comparison.b), comparison.steps)


def _title(store: Store, ref: str) -> str:
    try:
        return store.recording(ref).title or ref
    except NotFoundError:  # REC/STEP, or the id of an exchange
        return ref


def exchange_page(id: str) -> str:
    return f"/_gateway/exchanges/{quote(id, safe='')}"
