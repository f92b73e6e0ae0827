"""Confluence's storage format: what is code, a sign, a link; every line in linear time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.export.documents.storage_format import code_spans, storage


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a `b` c", ["`b`"]),
        ("``a ` b``", ["``a ` b``"]),
        ("``` a `b` c", ["`b`"]),
        (r"\`a` b`", ["` b`"]),
        (r"\\`a` b", ["`a`"]),
        (r"`a\` b", [r"`a\`"]),
        ("`a`` b", []),
        ("`a`` b`", ["`a`` b`"]),
        ("", []),
    ],
)
def test_code_ends_at_as_many_backticks(line: str, code: list[str]) -> None:
    """The examples of CommonMark 0.31, section 6.1, in short."""
    assert [line[begin:end] for begin, end in code_spans(line).items()] == code


@given(st.text("`\\ab ", max_size=60))
def test_code_spans_are_in_order_and_end_as_they_begin(line: str) -> None:
    at = 0
    for begin, end in code_spans(line).items():
        assert at <= begin < end
        ticks = len(line[begin:end]) - len(line[begin:end].lstrip("`"))
        assert line[begin:end].endswith("`" * ticks) and end - begin > 2 * ticks
        assert line[end : end + 1] != "`"
        at = end


@pytest.mark.parametrize(
    ("line", "html"),
    [
        ("a **b `c`** *d*", "a <strong>b <code>c</code></strong> <em>d</em>"),
        (r"\*a\* \`b\`", "*a* `b`"),
        (r"[a \[b\]](#x)", '<ac:link ac:anchor="x"><ac:link-body>a [b]</ac:link-body></ac:link>'),
        ("[a](http://elsewhere.example/)", "a"),
        ("[[a](#x)", '[<ac:link ac:anchor="x"><ac:link-body>a</ac:link-body></ac:link>'),
        ("``` a", "``` a"),
        (r"`a\|b` <x>", "<code>a|b</code> &lt;x&gt;"),
    ],
)
def test_signs_code_and_links_in_a_line(line: str, html: str) -> None:
    assert storage(f"x {line}", "x.svg") == f"<p>x {html}</p>\n"
