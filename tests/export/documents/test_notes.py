"""Notes as HTML, and as descriptions that are Markdown."""

from __future__ import annotations

import pytest

from gateway.export.documents.notes import harmless, prose


def test_a_note_is_markdown_without_html():
    assert prose("**Bold** and `code` <b>\n\n- one\n- two") == (
        "<p><strong>Bold</strong> and <code>code</code> &lt;b&gt;</p><ul><li>one</li><li>two</li></ul>"
    )


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ("Order **a book** & pay: GET /a?b=1&c=2", "Order **a book** & pay: GET /a?b=1&c=2"),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("&lt;b&gt; &#x3c;", "&amp;lt;b&amp;gt; &amp;#x3c;"),
        ("[x](javascript:alert(1))", "[x]\\(javascript:alert(1))"),
        ("[x](https://example.invalid)", "[x](https://example.invalid)"),
        ("<a href = 'JavaScript:x'>", "&lt;a href \\= 'JavaScript:x'>"),
    ],
)
def test_a_description_runs_nothing(told, written):
    assert harmless(told) == written
