"""The document as Markdown and as HTML: nothing recorded can become markup, nothing is lost, no secret is in it.

Covers: export/scenario/path_templates.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from gateway.export.documents import html, markdown
from gateway.export.documents.guide import guide
from gateway.export.documents.notes import prose

NASTY = [
    "<script>alert(1)</script>",
    "</pre></code><img src=x onerror=alert(1)>",
    "```\n# not a heading\n````",
    "| a | b |\n|---|---|",
    "[click](javascript:alert(1))",
    "{{7*7}} {% raw %} %getenv ; # &amp; \u202e\u2066 \U0001f4d6 \x1b[31m",
    "a" * 10_000,
]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words, self.stack = [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.stack.append(tag)

    def handle_data(self, data):
        self.words += data


def parsed(text):
    parser = Tags()
    parser.feed(text)
    parser.close()
    return parser


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_nothing_recorded_becomes_markup(nasty, an_exchange, a_recording):
    exchange = an_exchange(
        1, method="POST", sent=nasty.encode(), received=nasty.encode(), answer_headers=(("Content-Type", "text/plain"),),
        headers=(("X-Odd", nasty.replace("\n", " ")), ("Content-Type", "text/plain")), notes=(nasty,), status=404,
        reason=nasty[:40], cluster="orders",
    )  # fmt: skip
    plain = an_exchange(1, method="POST", sent=b"x", received=b"x", notes=("x",), status=404, reason="x")
    page = parsed(html.dump([(a_recording(1, title=nasty, notes=(nasty,)), [exchange])], version="1"))
    usual = parsed(html.dump([(a_recording(1, title="x", notes=("x",)), [plain])], version="1"))
    allowed = {
        "br",
        "em",
        "strong",
        "code",
        "li",
        "ul",
        "p",
        "details",
        "summary",
        "var",
        "pre",
        "tspan",
        "tr",
        "td",
        "b",
    }
    assert {tag for tag, _ in page.tags} - {tag for tag, _ in usual.tags} <= allowed
    assert not [
        attrs for _, attrs in page.tags if any(name.startswith("on") or name in ("src", "style") for name in attrs)
    ]
    assert all(attrs["href"].startswith("#") for tag, attrs in page.tags if tag == "a")
    assert nasty.split("\n")[0][:30].replace("\x1b", "\\x1b") in page.words
    text = markdown.dump([(a_recording(1, title=nasty, notes=()), [exchange])], version="1")
    assert "# not a heading" not in headings(text)


def headings(text):
    """Lines that begin with # outside fences, as CommonMark reads them."""
    found, fence = [], ""
    for line in text.split("\n"):
        ticks = re.match(r"`{3,}", line)
        if not fence and ticks:
            fence = ticks[0]
        elif fence and re.fullmatch(rf"{fence}`*\s*", line):
            fence = ""
        elif not fence and line.startswith("#"):
            found.append(line)
    return found


def test_no_placeholder_is_left(bookshop):
    for module in (html, markdown):
        assert "sealed_" not in module.dump([bookshop], version="1")


def test_the_html_loads_nothing(bookshop):
    page = parsed(html.dump([bookshop], version="1"))
    assert not [
        tag
        for tag, attrs in page.tags
        if {"src", "data", "action", "srcset"} & set(attrs) or tag in ("link", "img", "iframe")
    ]
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_every_link_leads_somewhere(bookshop):
    page = parsed(html.dump([bookshop], version="1"))
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"} <= ids


def test_calls_in_a_row_are_told_once(an_exchange, a_recording):
    steps = [an_exchange(step) for step in range(1, 449)]
    entries = guide([(a_recording(448), steps)]).chapters[0].entries
    assert [(entry.step.number, entry.last, entry.times) for entry in entries] == [(1, 448, 448)]


def test_two_recordings_have_anchors_of_their_own(bookshop):
    page = parsed(html.dump([bookshop, bookshop], version="1"))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("note", "markup"),
    [
        ("a **b** *c* `d<`", "<p>a <strong>b</strong> <em>c</em> <code>d&lt;</code></p>"),
        ("- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("<b>[x](javascript:y)</b>", "<p>&lt;b&gt;[x](javascript:y)&lt;/b&gt;</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
    ],
)
def test_notes_are_prose(note, markup):
    assert prose(note) == markup


XML = (("Content-Type", "application/xml"),)


def test_xml_is_laid_out_as_json_is(an_exchange, a_recording):
    step = an_exchange(method="POST", headers=XML, sent=b"<order><isbn>1</isbn></order>", answer_headers=XML,
                       received=b"<order><id>7</id><lines><line> a  b </line></lines></order>")  # fmt: skip
    page = markdown.dump([(a_recording(1), [step])], version="1")
    assert "\n<order>\n  <isbn>1</isbn>\n</order>\n" in page
    assert "\n<order>\n  <id>7</id>\n  <lines>\n    <line> a  b </line>\n  </lines>\n</order>\n" in page


def test_html_that_is_shown_stays_as_it_is(an_exchange, a_recording):
    step = an_exchange(answer_headers=(("Content-Type", "text/html"),), received=b"<p><b>x</b></p>")
    assert "<p><b>x</b></p>" in markdown.dump([(a_recording(1), [step])], version="1")


def test_the_contents_call_operations_by_their_names(an_exchange, a_recording):
    sent = b'{"operationName": "Pay", "query": "mutation Pay { pay { id } }"}'
    headers = (("Content-Type", "application/json"),)
    page = html.dump([(a_recording(1), [an_exchange(method="POST", headers=headers, sent=sent)])], version="1")
    assert "<span>mutation Pay</span>" in page[page.index("<nav") : page.index("</nav>")]
