"""Elements and attributes of XML, with the names they have: of responses as places, of requests as needs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .information import LIMIT
from .lexicon import FILLER, WRAPPERS
from .names import entity_of, role_of, words
from .response_value import ValuePlace
from .urls import followable, is_url, pieces

TAG: Final = re.compile(r"<(/?)(?:[\w.-]+:)?([\w.-]+)((?:\s[^<>]*?)?)(/?)>([^<]*)")
ATTRIBUTE: Final = re.compile(r"""\s(?:[\w.-]+:)?([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
HEAD: Final = 400  # characters in which a document says what it is
RPC: Final = re.compile(r"<method(?:Call|Response)\b")  # XML-RPC
NUMBERS: Final = re.compile(
    r"<array>\s*+<data>\s*+(?:<value>\s*+<(?:int|i4|i8)>-?[0-9]++</(?:int|i4|i8)>\s*+</value>\s*+)++</data>"
)
ENVELOPE: Final = frozenset(
    ("envelope", "body", "header", "response", "request", "multistatu", "propstat", "prop", "root")
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A value of an XML text: the element (and its attribute), how many of its kind come before, what it is about."""

    element: str
    attribute: str
    number: int
    value: str
    start: int
    end: int
    about: tuple[str, ...]
    label: str | None = None  # what XML-RPC calls it: the name of the member that it is the value of
    member: int = 0  # of that name, which one it is; members have no order

    @property
    def name(self) -> str:
        return (self.attribute or self.element) if self.label is None else self.label

    @property
    def place(self) -> str:
        """ "OrderNumber", "Order~2@ref": the second order's attribute."""
        return (
            self.element
            + (f"~{self.number}" if self.number > 1 else "")
            + (f"@{self.attribute}" if self.attribute else "")
        )

    @property
    def regex(self) -> str:
        """Finds it again. No step back over an element: a page without it is read once."""
        if self.member:
            times = f"{{{self.member}}}" if self.member > 1 else ""
            there = rf"(?s)\A(?>.*?<name>\s*{re.escape(self.label or '')}\s*</name>){times}"
            return there + r"\s*<value>\s*(?:<[\w.]+>\s*)?([^<]*?)\s*<"
        return self._there + (r"([^\"'<>]*)" if self.attribute else r"([^<]*?)\s*<")

    @property
    def last(self) -> str:
        """Finds the last segment of the URL that it is."""
        return self._there + r"[^<>\"'?#]*/([^<>\"'?#/\s]+)"

    @property
    def _there(self) -> str:
        opening = rf"<(?:[\w.-]+:)?{re.escape(self.element)}"
        there = rf"(?s)\A(?>.*?{opening}(?=[\s>]))" + (f"{{{self.number}}}" if self.number > 1 else "")
        if self.attribute:
            return there + rf"[^<>]*?\s(?:[\w.-]+:)?{re.escape(self.attribute)}\s*=\s*[\"']"
        return there + r"[^<>]*>\s*"


def marks(text: str, about: tuple[str, ...], *, all: bool = False) -> Iterator[Mark]:
    """The texts of elements, and attributes. What has entities is left out, unless `all`: it reads otherwise."""
    if RPC.search(text[:HEAD]):
        yield from _rpc_marks(text[: 1 << 20], about, all)
        return
    counts: dict[str, int] = {}
    around: list[tuple[str, ...]] = [about]
    for match in TAG.finditer(text[: 1 << 20]):
        closing, element, _, empty, inner = match.groups()
        if closing:
            around = around[:-1] or [about]
            continue
        counts[element] = counts.get(element, 0) + 1
        if not element.startswith("xmlns"):
            yield from _attributes(match, element, counts[element], around[-1], all)
        value = inner.strip()
        if not empty:
            if value and (all or (len(value) <= LIMIT and "&" not in value)):
                start = match.start(5) + len(inner) - len(inner.lstrip())
                yield Mark(element, "", counts[element], value, start, start + len(value), around[-1])
            around.append(_about(element) or around[-1])


def _rpc_marks(text: str, about: tuple[str, ...], all: bool) -> Iterator[Mark]:
    """The values of a call or a response of XML-RPC: by the names of their members, and ids in lists of numbers.

    The names themselves are no values: bound to those of a response, they would name other members.
    """
    counts: dict[str, int] = {}
    members: list[str] = []
    names: dict[str, int] = {}
    is_member = False
    numbers = [match.span() for match in NUMBERS.finditer(text)]
    alone = text.count("<value") == 1  # post.remove(5081), and the number that post.add gives
    for match in TAG.finditer(text):
        closing, element, _, empty, inner = match.groups()
        if element == "member":
            members = members[:-1] if closing else [*members, ""]
        if closing or empty:
            continue
        counts[element] = counts.get(element, 0) + 1
        value = inner.strip()
        if element == "name" and members:
            members[-1], names[value], is_member = value, names.get(value, 0) + 1, True
        elif element in ("array", "struct"):
            is_member = False
        elif value and element not in ("name", "methodName") and (all or (len(value) <= LIMIT and "&" not in value)):
            listed = any(start <= match.start() < end for start, end in numbers)
            named = next((name for name in reversed(members) if name), "")
            label = "_".join((*words(named), "id")) if listed else named or ("id" if alone else "")
            start = match.start(5) + len(inner) - len(inner.lstrip())
            which = names[named] if is_member else 0
            yield Mark(element, "", counts[element], value, start, start + len(value), about, label, which)
            is_member = False


def _attributes(match: re.Match[str], element: str, number: int, around: tuple[str, ...], all: bool) -> Iterator[Mark]:
    about = _about(element) or around
    for found in ATTRIBUTE.finditer(match[3]):
        group = 2 if found[2] is not None else 3
        value = found[group]
        plain = len(value) <= LIMIT and "&" not in value and "xmlns" not in found[0] and ":/" not in value
        if value and (all or plain):
            start = match.start(3) + found.start(group)
            yield Mark(element, found[1], number, value, start, start + len(value), about)


def _about(element: str) -> tuple[str, ...]:
    """The thing that an element is about: PlaceOrderResponse is about an order, an envelope about nothing."""
    found = tuple(
        word for word in words(element) if word not in ENVELOPE and word not in WRAPPERS and word not in FILLER
    )
    return entity_of("_".join(found)) if found else ()


def xml_places(text: str, about: tuple[str, ...]) -> Iterator[ValuePlace]:
    """What an XML response shows."""
    for mark in marks(text, about):
        yield ValuePlace("text", f"#match={mark.regex}", mark.name, mark.value, role_of(mark.name, mark.about))
        if is_url(mark.value) and (last := pieces(mark.value)) and last[-1].kind == "segment" and not last[-1].literal:
            found, link = last[-1], followable(mark.value)
            yield ValuePlace("text", f"#match={mark.last}", found.name, found.value, role_of(found.name), link=link)
