"""The shipped documentation as HTML: every construct that docs/ uses, nothing of the text as markup."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console.markdown import render
from gateway.paths import docs_dir

VOID = {"img", "br", "hr"}


class Nesting(HTMLParser):
    """Fails on a tag that is not closed, or in the wrong order."""

    def __init__(self):
        super().__init__()
        self.open, self.words = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def html(text):
    return str(render(text).html)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a `<b>` & *c* **d**", "<p>a <code>&lt;b&gt;</code> &amp; <em>c</em> <strong>d</strong></p>"),
        ("## What is sealed: `redact`", '<h2 id="what-is-sealed-redact">What is sealed: <code>redact</code></h2>'),
        ("one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>"),
        ("- a\n  b\n- c\n  - d", "<ul><li>a\nb</li>\n<li>c<ul><li>d</li></ul></li></ul>"),
        ("1. a\n\n   ```\n   <x>\n   ```\n2. b", '<ol><li>a<pre class="body" tabindex="0">&lt;x&gt;</pre></li>\n<li>b</li></ol>'),
        ("> said\n> so", "<blockquote><p>said\nso</p></blockquote>"),
        ("[a `b`](x.md#y)", '<p><a href="x.md#y">a <code>b</code></a></p>'),
        ("a <!-- b\nc --> d", "<p>a  d</p>"),
        (r"a \* b \* c", "<p>a * b * c</p>"),
        ("text\n- item", "<p>text</p>\n<ul><li>item</li></ul>"),
    ],
)  # fmt: skip
def test_constructs(text, made):
    assert html(text) == made


def test_a_pipe_in_code_is_no_cell():
    rows = html("| a | b |\n|---|---|\n| `x|y` | z \\| w |")
    assert re.findall(r"<td>(.*?)</td>", rows) == ["<code>x|y</code>", "z | w"]


@given(st.text(alphabet="ab \n#-*`|[]()!>\\<&1.:", max_size=200))
def test_no_text_becomes_markup_or_is_left_open(text):
    seen = Nesting()
    seen.feed(html(text))
    seen.close()
    assert seen.open == []


@pytest.mark.parametrize("file", sorted(docs_dir().glob("*.md")), ids=lambda file: file.name)
def test_every_document_of_ours_is_read_whole(file):
    text = file.read_text("utf-8")
    seen = Nesting()
    page = render(text)
    seen.feed(str(page.html))
    assert seen.open == []
    assert page.title
    prose = re.sub(r"```.*?```|<!--.*?-->", "", text, flags=re.DOTALL)
    left = "".join(seen.words)
    assert len(page.sections) == len(re.findall(r"(?m)^## ", prose))
    assert "](" not in re.sub(r"\S*`\S*", "", left)  # every link was one
