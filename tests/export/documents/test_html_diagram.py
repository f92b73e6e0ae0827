"""The document's diagram leads to where its steps are told.

Covers: export/documents/html_parts, export/documents/html_style.
"""

from __future__ import annotations

import re

import pytest

from gateway.export.documents import html


@pytest.mark.parametrize("count", [9, 400])
def test_every_link_of_the_picture_leads_into_the_document(count, an_exchange, a_recording):
    """Steps of a diagram; cells of an overview, to the first of their steps."""
    words = ["".join("abcdefghij"[int(digit)] for digit in str(step)) for step in range(1, count + 1)]
    steps = [an_exchange(at, target=f"/api/orders/{word}") for at, word in enumerate(words, 1)]
    text = html.dump([(a_recording(count), steps)], version="1")
    picture = re.search(r'<div class="picture".*?</div>', text, re.DOTALL)[0]
    links = re.findall(r'<a href="#([^"]*)"', picture)
    assert len(links) >= 9
    assert set(links) <= set(re.findall(r' id="([^"]*)"', text))


def test_values_are_offered_where_there_are_any(bookshop, an_exchange, a_recording):
    text = html.dump([bookshop], version="1")
    assert re.findall(r'<button [^>]*value="([^"]*)"', text) == ["token", "order_id"]
    assert '<g class="flows" data-value="order_id" data-steps="3 4 5 6">' in text
    assert 'class="values"' not in html.dump([(a_recording(1), [an_exchange(1)])], version="1")
