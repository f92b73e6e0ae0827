"""Where a runner finds a value of a response again: a member, a header, a cookie, or a piece of the body. Pure.

Runners share no language for XML or HTML, but each of them can search a text. The expressions here are the part that
bash, Python, JavaScript and Rust (Hurl) read in the same way: one group, no look around, no possessive and no lazy
repeats. Each is tried on the recorded response, and one that does not find the recorded value is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...correlation import Source
from ...correlation.extract import extract
from ...correlation.html_values import TAG as HTML_TAG
from ...correlation.html_values import attributes
from ...correlation.xml_values import Mark, marks
from ...model.bodies import text_of
from ...model.exchange import Exchange

_SEGMENT = r"[^/?#]+"
_UNQUOTED = '^W?/?"(.*)"$'
_OTHERS_READ = re.compile(r"\(\?(?!:)|[*+?}][+?]")  # of Python alone, or read in several ways
_TOKEN = r"([^<>\"'& \t\r\n]+)"


@dataclass(frozen=True, slots=True)
class KeptPlace:
    """`part` is "json", "header", "cookie" or "body"; `path` a JSON pointer (RFC 6901), or the name of what it is.

    `pattern`, where it is not "", has one group, which finds the value in what stands there. `behind` is a text that
    comes `times` times before the place of the body that is meant.
    """

    part: str
    path: str
    pattern: str = ""
    behind: str = ""
    times: int = 0

    @property
    def regex(self) -> str:
        """The pattern together with what it skips, for JavaScript, Python and Rust."""
        if not self.times:
            return self.pattern
        return rf"(?:{_literal(self.behind)}[\s\S]*?){{{self.times}}}{self.pattern}"


def kept_place(source: Source, transforms: tuple[str, ...], exchange: Exchange) -> KeptPlace | None:
    """Where runners read the value of a source; None for what they cannot read, such as the claims of a token."""
    wanted, found = extract(exchange, source, transforms), _place(source, exchange)
    if wanted is None or found is None:
        return None
    if transforms:
        if transforms != ("unquote",) or found.pattern:
            return None
        found = KeptPlace(found.part, found.path, _UNQUOTED)
    if not found.pattern:
        return found
    text = _text(found, exchange)
    match = re.search(found.regex, text) if text is not None else None
    return found if match and match[1] == wanted else None


def _place(source: Source, exchange: Exchange) -> KeptPlace | None:
    path, _, piece = source.path.partition("#")
    if source.part == "cookie":
        return KeptPlace("cookie", source.path)
    if source.part == "html":
        return _of_html(source.path, exchange)
    if source.part == "text":
        return _of_text(piece, exchange)
    if source.part not in ("json", "header", "location"):
        return None
    if path.startswith("link;rel="):
        return _of_link(path.removeprefix("link;rel="), piece)
    pattern = _pattern(piece)
    return None if pattern is None else KeptPlace("json" if source.part == "json" else "header", path, pattern)


def _pattern(piece: str) -> str | None:
    kind, _, key = piece.partition("=")
    if not piece:
        return ""
    if kind == "segment" and re.fullmatch(r"-[1-9]", key):
        behind = int(key[1:]) - 1
        return rf"/({_SEGMENT})" + (rf"(?:/{_SEGMENT}){{{behind}}}" if behind else "") + r"/?(?:[?#].*)?$"
    if kind == "query" and re.fullmatch(r"[\w.-]+", key):
        return rf"[?&]{re.escape(key)}=([^&#]*)"
    if kind == "match":
        pattern = key.removeprefix("^(?!https?:)")
        pattern = pattern if pattern == key else f"^{pattern}"
        return None if _OTHERS_READ.search(pattern) or re.compile(pattern).groups != 1 else pattern
    return None


def _of_link(rel: str, piece: str) -> KeptPlace | None:
    """A link of RFC 8288, whose relation stands behind its target."""
    kind, _, key = piece.partition("=")
    if not rel or not re.fullmatch(r"[\w-]+", rel):
        return None
    if not piece:
        inner = "<([^>]*)>"
    elif kind == "query" and re.fullmatch(r"[\w.-]+", key):
        inner = rf"<[^>]*[?&]{_literal(key)}=([^&#>]*)[^>]*>"
    else:
        return None
    return KeptPlace("header", "link", rf'{inner}; *rel="?{rel}')


def _of_text(piece: str, exchange: Exchange) -> KeptPlace | None:
    regex = piece.removeprefix("match=")
    text = text_of(exchange.response) if exchange.response else None
    if text is None or regex == piece:
        return None
    mark = next((one for one in marks(text, ()) if one.regex == regex), None)
    if mark is not None:
        return _of_xml(mark, text)
    return KeptPlace("body", "the text", r"([^\s]+)") if regex == r"\s*(\S+)\s*" else None


def _of_xml(mark: Mark, text: str) -> KeptPlace | None:
    """Names and prefixes as the recorded response has them."""
    begin = text.rfind("<", 0, mark.start)
    tag = re.compile(r"<[\w.:-]+").match(text, begin)
    if tag is None:
        return None
    end = text[tag.end()]
    behind = tag[0] + (end if end == ">" else "")
    if mark.attribute:
        pattern = rf"{_literal(tag[0])}[^<>]*[ \t\r\n:]{_literal(mark.attribute)}=[\"']([^\"'<>]*)[\"']"
    else:
        pattern = _literal(behind) + (r"\s*" if end == ">" else r"[^<>]*>\s*") + _value(mark.value)
    return KeptPlace("body", f"<{mark.place}>", pattern, behind, text.count(behind, 0, begin))


def _value(recorded: str) -> str:
    return "([^<]*)" if re.search(r"\s", recorded) else r"([^<\s]+)"


def _of_html(path: str, exchange: Exchange) -> KeptPlace | None:
    """The value of a field or of a meta element: attributes in the order in which they were written."""
    found = re.fullmatch(r"(input|meta)\[(.+)\]", path)
    text = text_of(exchange.response) if exchange.response else None
    if found is None or text is None:
        return None
    kind, name, value = found[1], found[2], "content" if found[1] == "meta" else "value"
    for tag in HTML_TAG.finditer(text):
        given = attributes(tag[2])
        if tag[1].lower() == kind and name in (given.get("name"), given.get("property"), given.get("itemprop")):
            called = rf"[ \t\r\n][A-Za-z]+=[\"']?{_literal(name)}[\"']?"
            holds = rf"[ \t\r\n]{value}=[\"']?{_TOKEN}[\"']?"
            inner = [called, holds] if _begins_with_name(tag[2], name, value) else [holds, called]
            return KeptPlace("body", path, rf"<{tag[1]}{'[^<>]*'.join(['', *inner])}")
    return None


def _begins_with_name(text: str, name: str, value: str) -> bool:
    at, held = text.find(name), re.search(rf"\s{value}\s*=", text)
    return held is None or 0 <= at < held.start()


def _text(place: KeptPlace, exchange: Exchange) -> str | None:
    """What a pattern is tried on."""
    if exchange.response is None:
        return None
    if place.part == "body":
        return text_of(exchange.response)
    if place.part == "json":
        return extract(exchange, Source(exchange.step, "json", place.path))
    return exchange.response.header(place.path)


def _literal(text: str) -> str:
    """Text as itself in every one of these languages."""
    return re.sub(
        r"[^\w<>/: =\"'&%@!~,;-]", lambda sign: rf"[{sign[0]}]" if sign[0] not in "^\\" else rf"\{sign[0]}", text
    )
