"""curl commands as people paste them: every command becomes a step without an answer. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from ..errors import UsageError
from ..model.exchange import Exchange
from ..model.message import Body, Request
from ..model.recording import Recording
from .imported_recording import Imported, Locate, placed
from .urls import ascii_url, split_origin

# Options with a value that say nothing about the request itself.
_VALUED = frozenset(
    {"-o", "--output", "-w", "--write-out", "-m", "--max-time", "--connect-timeout", "--retry", "--retry-delay", "-x"}
    | {"--proxy", "--cacert", "--cert", "--key", "-E", "--resolve", "--connect-to", "--interface", "--limit-rate", "-c"}
    | {"--cookie-jar", "--ciphers", "--tls-max", "-D", "--dump-header", "--noproxy"}
)
_REFUSED = {
    "-F": "forms with files", "--form": "forms with files", "-T": "uploads", "--upload-file": "uploads",
    "-K": "other files", "--config": "other files",
}  # fmt: skip
_LETTERS = "sSkLivgfNq#0123469"  # switches that may be written together
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(.))", re.DOTALL)
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "0": "\0"}


@dataclass(slots=True)
class Asked:
    """What the options of one command add up to."""

    url: str = ""
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    media: str = "application/x-www-form-urlencoded"
    as_query: bool = False
    head: bool = False


def load(text: str, locate: Locate) -> list[Imported]:
    """One recording with a step per command."""
    found = [_exchange(step, words, locate) for step, words in enumerate(commands(text), 1)]
    if not found:
        raise UsageError("no curl command is in this text")
    return [Imported(Recording(id="", title="", session="", kind="import"), tuple(found))]


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command that begins with curl; `NAME=value` in front of it is passed over."""
    for words in _lines(text):
        while words and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=.*|\$|%", words[0], re.DOTALL):
            words = words[1:]
        if words and words[0].rpartition("/")[2] in ("curl", "curl.exe"):
            yield words[1:]


def _lines(text: str) -> Iterator[list[str]]:
    """Words, command by command, by the quoting of bash. Variables and substitutions stay text: nothing is run."""
    words: list[str] = []
    word: str | None = None
    at = 0
    while at < len(text):
        char = text[at]
        if char in "'\"" or text.startswith("$'", at):
            part, at = _quoted(text, at)
            word = (word or "") + part
            continue
        if char == "\\" and at + 1 < len(text):
            follows = "\r\n" if text.startswith("\r\n", at + 1) else text[at + 1]
            word = word if follows in ("\n", "\r\n") else (word or "") + follows
            at += 1 + len(follows)
            continue
        if char == "#" and word is None:
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
            continue
        if char in " \t\r\n;|&":
            if word is not None:
                words.append(word)
                word = None
            if char in "\n;|&" and words:
                yield words
                words = []
        else:
            word = (word or "") + char
        at += 1
    if word is not None:
        words.append(word)
    if words:
        yield words


def _quoted(text: str, at: int) -> tuple[str, int]:
    """The content of the quotes that begin here, and where they end."""
    kind = "$'" if text.startswith("$'", at) else text[at]
    begin, end = at + len(kind), at + len(kind)
    while end < len(text) and text[end] != kind[-1]:
        end += 2 if text[end] == "\\" and kind != "'" else 1
    if end >= len(text):
        line = text.count("\n", 0, at) + 1
        raise UsageError("a quote is not closed", where=f"line {line}")
    inside = text[begin:end]
    if kind == "$'":
        inside = _ESCAPE.sub(_sign, inside)
    elif kind == '"':
        inside = re.sub(r"\\(\n|[\"\\$`])", lambda match: "" if match[1] == "\n" else match[1], inside)
    return inside, end + 1


def _sign(match: re.Match[str]) -> str:
    for digits, base in ((match[1], 8), (match[2], 16), (match[3], 16), (match[4], 16)):
        if digits:
            code = int(digits, base)
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    return _SIGNS.get(match[5], match[5])


def _exchange(step: int, words: list[str], locate: Locate) -> Exchange:
    asked = _read(words, f"command {step}")
    url = asked.url if "://" in asked.url.partition("?")[0] else f"http://{asked.url}"
    data = "&".join(asked.data).encode("utf-8", "replace")
    if asked.as_query and data:
        url += ("&" if "?" in url else "?") + data.decode()
        data = b""
    origin, rest = split_origin(ascii_url(url.partition("#")[0]))
    if not origin.lower().startswith(("http://", "https://")) or origin.endswith("://"):
        raise UsageError(f"{asked.url[:80]!r} is no URL over HTTP", where=f"command {step}")
    if data and not any(name.lower() == "content-type" for name, _ in asked.headers):
        asked.headers.append(("Content-Type", asked.media))
    method = asked.method or ("HEAD" if asked.head else "POST" if data else "GET")
    target = rest if rest.startswith("/") else f"/{rest}"
    request = Request(headers=tuple(asked.headers), body=Body(len(data), data), method=method, target=target)
    exchange = Exchange(
        id="", recording="", step=step, session="", started_at="", url=origin + target, request=request
    )  # fmt: skip
    return placed(exchange, locate)


def _read(words: list[str], where: str) -> Asked:
    asked = Asked()
    rest = iter(words)
    for word in rest:
        name, equals, inline = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in _REFUSED:
            raise UsageError(f"{name}: {_REFUSED[name]} are not read", where=where, hint="paste the data itself")
        if not word.startswith("-") or word == "-":
            asked.url = asked.url or word
        elif name in _VALUED:
            if not equals:
                next(rest, "")
        elif name in _OPTIONS:
            value = inline if equals else next(rest, None)
            if value is None:
                raise UsageError(f"{name} lacks its value", where=where)
            _apply(asked, _OPTIONS[name], value, where)
        elif name in ("-G", "--get", "-I", "--head"):
            asked.as_query |= name in ("-G", "--get")
            asked.head |= name in ("-I", "--head")
        elif not word.startswith("--"):
            _short(asked, word, where)
    if not asked.url:
        raise UsageError("the command has no URL", where=where)
    return asked


def _short(asked: Asked, word: str, where: str) -> None:
    """-XPOST, or switches written together."""
    if word[:2] in _OPTIONS:
        _apply(asked, _OPTIONS[word[:2]], word[2:], where)
    elif not set(word[1:]) <= set(_LETTERS):
        raise UsageError(f"{word} is not an option that is understood here", where=where)


_OPTIONS = {
    "-X": "method", "--request": "method", "-H": "header", "--header": "header", "--url": "url",
    "-d": "data", "--data": "data", "--data-ascii": "data", "--data-binary": "data", "--data-raw": "raw",
    "--data-urlencode": "encoded", "--json": "json", "-u": "user", "--user": "user", "-A": "User-Agent",
    "--user-agent": "User-Agent", "-e": "Referer", "--referer": "Referer", "-b": "cookie", "--cookie": "cookie",
}  # fmt: skip


def _apply(asked: Asked, what: str, value: str, where: str) -> None:
    if what == "method":
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value):
            raise UsageError(f"{value[:40]!r} is no method", where=where)
        asked.method = value
    elif what == "url":
        asked.url = asked.url or value
    elif what == "header":
        _header(asked, value)
    elif what == "user":
        asked.headers.append(("Authorization", f"Basic {b64encode(value.encode()).decode()}"))
    elif what == "cookie":
        if "=" not in value:
            raise UsageError("a file of cookies is not read", where=where, hint="-b 'name=value'")
        asked.headers.append(("Cookie", _line(value)))
    elif what in ("User-Agent", "Referer"):
        asked.headers.append((what, _line(value)))
    else:
        _data(asked, what, value, where)


def _header(asked: Asked, value: str) -> None:
    name, colon, content = value.partition(":")
    if not colon:
        name, colon, content = value.partition(";")  # curl's way to send an empty field
    if name.strip() and (content.strip() or value.endswith(";")):
        asked.headers.append((_line(name.strip()), _line(content.strip())))


def _data(asked: Asked, what: str, value: str, where: str) -> None:
    if what != "raw" and value.startswith("@"):
        raise UsageError(f"{value[:40]!r} names a file, which is not read", where=where, hint="paste the data itself")
    if what == "encoded":
        name, equals, content = value.partition("=")
        value = f"{name}={quote_plus(content)}" if equals and name else quote_plus(content or name)
    elif what == "json":
        asked.media = "application/json"
        asked.headers.append(("Accept", "application/json"))
    asked.data.append(value)


def _line(text: str) -> str:
    return re.sub(r"[\r\n\0]+", " ", text)
