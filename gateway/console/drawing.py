"""A recording's diagram and an exchange's curl script, for the pages. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from markupsafe import Markup

from .. import __version__
from ..diagrams import sequence, svg
from ..formats import dump, format_named
from ..model.exchange import Exchange
from ..model.recording import Recording


def picture(recording: Recording, exchanges: Sequence[Exchange]) -> Markup:
    """The sequence diagram as an <svg> element; "" without steps. Its text is escaped by `svg`."""
    if not exchanges:
        return Markup("")
    # Markup: the one place where a page takes markup that it did not write; tests feed it hostile recordings.
    return Markup(svg(sequence(recording, exchanges), link=exchange_page))


def curl_script(recording: Recording, exchange: Exchange) -> str:
    """A script that sends this one exchange again; secrets are variables."""
    return dump(format_named("curl"), [(recording, [exchange])], version=__version__)


def exchange_page(id: str) -> str:
    return f"/_gateway/exchanges/{quote(id, safe='')}"
