"""XML laid out: lines for elements, and not a character of a value changed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.pretty_xml import DEEP, LIMIT, pretty_xml


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("<a><b>1</b><c/></a>", ["<a>", "  <b>1</b>", "  <c/>", "</a>"]),
        ('<?xml version="1.0"?><a x="1 > 0"><b> two  words </b></a>', ['<?xml version="1.0"?>', '<a x="1 > 0">', "  <b> two  words </b>", "</a>"]),
        ("<a>\r\n   <b>\n\n<c>1</c></b>  </a>\n", ["<a>", "  <b>", "    <c>1</c>", "  </b>", "</a>"]),
        ("<p>mixed <b>text</b> stays</p>", ["<p>mixed <b>text</b> stays</p>"]),
        ("<a><!-- <b> --><x:c y='\"'>1</x:c></a>", ["<a>", "  <!-- <b> -->", "  <x:c y='\"'>1</x:c>", "</a>"]),
        ("<a><![CDATA[<b>]]></a>", ["<a><![CDATA[<b>]]></a>"]),
        ("<!DOCTYPE a><a></a>", ["<!DOCTYPE a>", "<a></a>"]),
        ("<id>{{order_id}}</id>", ["<id>{{order_id}}</id>"]),
    ],
)  # fmt: skip
def test_elements_have_lines_of_their_own(text, lines):
    found = pretty_xml(text)
    assert found is not None
    assert found.split("\n") == lines


@pytest.mark.parametrize(
    "text",
    ["", "plain", "<a>", "<a></b>", "</a>", "<a><b></a></b>", "<a", '<a b="></a>', "<!-- open", "<a/><b/>", "1 < 2", "{}",
     "<a>" * (DEEP + 1) + "</a>" * (DEEP + 1), f"<a>{'x' * LIMIT}</a>"],
    ids=range(14),
)  # fmt: skip
def test_what_is_no_xml_is_left_alone(text):
    assert pretty_xml(text) is None


LEAVES = st.sampled_from(["", "1", " a b ", "&lt;", "<!-- c -->", "<![CDATA[x]]>"]).map(lambda text: f"<l>{text}</l>")
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4).map(lambda found: f"<n k='v'>{' '.join(found)}</n>"),
    max_leaves=12,
)


@given(TREES)
def test_no_value_changes(text):
    found = pretty_xml(text)
    assert found is not None
    leaves = [(one.tag, one.text) for one in ET.fromstring(found).iter("l")]
    assert leaves == [(one.tag, one.text) for one in ET.fromstring(text).iter("l")]
    assert re.sub(r"\s+", "", found) == re.sub(r"\s+", "", text)


@given(st.text(st.sampled_from("<>/ab!-?[]\"' "), max_size=60))
def test_any_text_is_laid_out_or_left_alone(text):
    found = pretty_xml(f"<a>{text}")
    assert found is None or re.sub(r"\s+", "", found) == re.sub(r"\s+", "", f"<a>{text}")
