"""Where two XML or HTML documents are unequal: elements by name, repeated ones by their keys, attributes. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import Final
from xml.etree import ElementTree

from .json_difference import MISSING, Change, aligned, change_of, common_ends

LARGEST: Final = 4 << 20  # characters that are taken apart
DEEPEST: Final = 100  # levels; what lies below is compared as a whole
# What tells one of several like elements from the others: attributes and children of these names.
KEYS: Final = ("id", "href", "key", "name", "uid", "code", "number", "nr", "ref", "url", "loc", "guid")
DECLARES: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class NotMarkup(ValueError):
    """A text that cannot be taken apart: not well formed, too large, or with entities of its own."""


def xml_changes(before: str, after: str) -> Iterator[Change]:
    """Every unequal element and attribute: "/Order/Total", "/Order/Total/@currency", "/list/item[2]". NotMarkup."""
    one, other = _parsed(before), _parsed(after)
    if _local(one.tag) != _local(other.tag):
        yield Change(f"/{_local(one.tag)}", "type", f"<{_local(one.tag)}>", f"<{_local(other.tag)}>")
        return
    yield from _elements(one, other, f"/{_local(one.tag)}", 0)


def _parsed(text: str) -> ElementTree.Element:
    """The root; declared entities are refused: a few lines of them expand to gigabytes (CWE-776)."""
    if len(text) > LARGEST or DECLARES.search(text, 0, LARGEST):
        raise NotMarkup("too large, or with a document type of its own")
    try:
        return ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff")))
    except (ElementTree.ParseError, ValueError) as error:
        raise NotMarkup(str(error)) from None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _space(tag: str) -> str:
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def _elements(one: ElementTree.Element, other: ElementTree.Element, pointer: str, depth: int) -> Iterator[Change]:
    if _space(one.tag) != _space(other.tag):
        yield Change(f"{pointer}/@xmlns", "changed", _space(one.tag), _space(other.tag))
    for name in dict.fromkeys((*one.attrib, *other.attrib)):
        values = one.attrib.get(name, MISSING), other.attrib.get(name, MISSING)
        if values[0] != values[1]:
            yield change_of(f"{pointer}/@{_local(name)}", *values)
    texts = _text(one), _text(other)
    if texts[0] != texts[1] and (len(one) == len(other) == 0 or (texts[0] and texts[1])):
        yield Change(pointer, "changed", *texts)
    if depth >= DEEPEST:
        if _whole(one) != _whole(other):
            yield Change(pointer, "changed", _whole(one), _whole(other))
        return
    groups = _grouped(one), _grouped(other)
    for tag in dict.fromkeys((*groups[0], *groups[1])):
        yield from _children(groups[0].get(tag, []), groups[1].get(tag, []), f"{pointer}/{_local(tag)}", depth + 1)


def _text(element: ElementTree.Element) -> str:
    """The text of an element without the space around it; of mixed content all that stands between its children."""
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    return " ".join(" ".join(pieces).split()) if len(element) else (element.text or "").strip()


def _grouped(element: ElementTree.Element) -> dict[str, list[ElementTree.Element]]:
    found: dict[str, list[ElementTree.Element]] = {}
    for child in element:
        found.setdefault(_local(child.tag), []).append(child)
    return found


def _children(
    before: Sequence[ElementTree.Element], after: Sequence[ElementTree.Element], pointer: str, depth: int
) -> Iterator[Change]:
    """Elements of one name below one parent."""
    several = len(before) > 1 or len(after) > 1
    if several and len(before) == len(after):
        wholes = [_whole(one) for one in before], [_whole(one) for one in after]
        if wholes[0] != wholes[1] and Counter(wholes[0]) == Counter(wholes[1]):
            yield Change(pointer, "order", wholes[0], wholes[1])
            return
    for i, j in _paired(before, after):
        place = f"{pointer}[{_label(before, after, i, j)}]" if several else pointer
        if i is None and j is not None:
            yield Change(place, "added", MISSING, _shown(after[j]))
        elif j is None and i is not None:
            yield Change(place, "removed", _shown(before[i]), MISSING)
        elif i is not None and j is not None:
            yield from _elements(before[i], after[j], place, depth)


def _label(
    before: Sequence[ElementTree.Element], after: Sequence[ElementTree.Element], i: int | None, j: int | None
) -> str:
    """How one of several elements is called: the name of a member of XML-RPC, else its number from 1."""
    element = before[i] if i is not None else after[j or 0]
    name = _key(element, "name") if _local(element.tag) == "member" else None
    return name if name and re.fullmatch(r"[\w.-]{1,60}", name) else str((i if i is not None else j or 0) + 1)


def _paired(
    before: Sequence[ElementTree.Element], after: Sequence[ElementTree.Element]
) -> list[tuple[int | None, int | None]]:
    """By a key that tells all of them apart, else by content, else by place."""
    if len(before) == len(after) == 1:
        return [(0, 0)]
    for key in KEYS:
        keys = [_key(one, key) for one in before], [_key(one, key) for one in after]
        if None in keys[0] or None in keys[1] or any(max(Counter(each).values(), default=1) > 1 for each in keys):
            continue
        places = {word: index for index, word in enumerate(keys[1])}
        if len(places.keys() & set(keys[0])) * 2 >= max(len(before), len(after)):
            found: list[tuple[int | None, int | None]] = [(i, places.get(word)) for i, word in enumerate(keys[0])]
            return found + [(None, j) for j, word in enumerate(keys[1]) if word not in set(keys[0])]
    wholes = [_whole(one) for one in before], [_whole(one) for one in after]
    start, end = common_ends(*wholes)
    middle = aligned(*wholes, range(start, len(before) - end), range(start, len(after) - end))
    equal = [(len(before) - end + index, len(after) - end + index) for index in range(end)]
    return [*((index, index) for index in range(start)), *middle, *equal]


def _key(element: ElementTree.Element, key: str) -> str | None:
    for name, value in element.attrib.items():
        if _local(name).lower() == key:
            return value
    return next((_text(child) for child in element if _local(child.tag).lower() == key), None)


def _whole(element: ElementTree.Element) -> str:
    return " ".join(part.strip() for part in element.itertext() if part.strip()) + "".join(
        f" {name}={value}" for child in element.iter() for name, value in sorted(child.attrib.items())
    )


def _shown(element: ElementTree.Element) -> str:
    return _whole(element).strip() or f"<{_local(element.tag)}/>"


# -- HTML


class _Pieces(HTMLParser):
    """A page as a flat list of its tags and texts; scripts and styles are texts, comments are nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str], str]] = []  # (tag or "", attributes, text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}, ""))

    def handle_endtag(self, tag: str) -> None:
        pass  # what is left open or closed twice looks the same in a browser

    def handle_data(self, data: str) -> None:
        if text := " ".join(data.split()):
            self.found.append(("", {}, text))


def html_changes(before: str, after: str) -> Iterator[tuple[Change, str]]:
    """Every unequal attribute and text of two pages, each with the name under which its value stands. NotMarkup.

    An attribute's name is its own, that of `value` and `content` the one of its field: `csrf_token` of
    `<input name=csrf_token value=...>`.
    """
    one, other = _pieces(before), _pieces(after)
    outlines = [_outline(each) for each in one], [_outline(each) for each in other]
    start, end = common_ends(*outlines)
    middle = aligned(*outlines, range(start, len(one) - end), range(start, len(other) - end))
    pairs = [
        *((i, i) for i in range(start)),
        *middle,
        *((len(one) - end + i, len(other) - end + i) for i in range(end)),
    ]
    inside = ""
    for i, j in pairs:
        if i is not None and one[i][0]:
            inside = one[i][0]
        if i is None and j is not None:
            yield Change(_place(other[j], inside), "added", MISSING, _said(other[j])), ""
        elif j is None and i is not None:
            yield Change(_place(one[i], inside), "removed", _said(one[i]), MISSING), ""
        elif i is not None and j is not None and one[i] != other[j]:
            yield from _piece(one[i], other[j], inside)


def _pieces(text: str) -> list[tuple[str, dict[str, str], str]]:
    if len(text) > LARGEST:
        raise NotMarkup("too large")
    parser = _Pieces()
    parser.feed(text)
    parser.close()
    return parser.found


def _outline(piece: tuple[str, dict[str, str], str]) -> str:
    """What has to be equal for two pieces to be each other's counterpart."""
    tag, attributes, _ = piece
    return f"{tag} {' '.join(sorted(attributes))} {attributes.get('name', '')}"


def _place(piece: tuple[str, dict[str, str], str], inside: str) -> str:
    tag, attributes, _ = piece
    name = attributes.get("name") or attributes.get("property") or ""
    return f"{tag or inside or 'text'}{f' {name}' if name else ''}"


def _said(piece: tuple[str, dict[str, str], str]) -> str:
    tag, attributes, text = piece
    return text or "<" + " ".join([tag, *(f'{name}="{value}"' for name, value in attributes.items())]) + ">"


def _piece(
    one: tuple[str, dict[str, str], str], other: tuple[str, dict[str, str], str], inside: str
) -> Iterator[tuple[Change, str]]:
    place = _place(one, inside)
    if one[0] != other[0]:
        yield Change(place, "changed", _said(one), _said(other)), ""
        return
    if one[2] != other[2]:
        yield Change(place, "changed", one[2], other[2]), ""
    for name in dict.fromkeys((*one[1], *other[1])):
        values = one[1].get(name, MISSING), other[1].get(name, MISSING)
        if values[0] != values[1]:
            known = one[1].get("name") or one[1].get("property") or one[1].get("itemprop") or one[1].get("id") or ""
            yield change_of(f"{place} @{name}", *values), known if name in ("value", "content") else name
