"""The table of formats and finding one in it.

Covers: demos/form, export/readers/curl/form.
"""

from __future__ import annotations

import pytest

from gateway.errors import UsageError
from gateway.export import FORMATS, dump, format_named


def test_a_format_is_found_by_name():
    assert format_named("har") is FORMATS["har"]


def test_an_unknown_format_names_the_nearest_and_all():
    with pytest.raises(UsageError) as caught:
        format_named("mermad")
    assert caught.value.message == "there is no format 'mermad'; did you mean 'mermaid'?"
    assert caught.value.hint == f"one of {', '.join(FORMATS)}"
    assert caught.value.exit_code == 2


def test_a_diagram_shows_one_recording(bookshop):
    with pytest.raises(UsageError, match="mermaid shows one recording, not 2"):
        dump(FORMATS["mermaid"], [bookshop, bookshop], version="1")


def test_suffixes_are_unambiguous():
    assert len({format.suffix for format in FORMATS.values()}) == len(FORMATS)
