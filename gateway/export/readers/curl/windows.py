"""Finds the curl commands of Windows: cmd.exe with its carets, and PowerShell with its own commands. Pure.

Browsers copy "as cURL (cmd)" in two forms: quotes plain, or every sign behind a caret. cmd.exe takes the carets away
first, then the C runtime splits what is left into arguments (learn.microsoft.com, "Parsing C command-line arguments").
"Copy as PowerShell" gives Invoke-WebRequest, of which the request is made here in curl's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....errors import UsageError
from ..import_report import Omission
from .shell import CurlWords

_CMDLET = re.compile(r"\b(?:Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b", re.IGNORECASE)
_SESSION = re.compile(r"\$\w+\.UserAgent\s*=\s*", re.IGNORECASE)
_COOKIE = re.compile(r"New-Object\s+System\.Net\.Cookie\(", re.IGNORECASE)
_SLASHES = re.compile(r"\\+")
# Parameter -> (curl's option, what stands before the value).
_PARAMETERS = {
    "": ("--url", ""), "-uri": ("--url", ""), "-method": ("-X", ""), "-contenttype": ("-H", "Content-Type: "),
    "-body": ("--data-raw", ""), "-useragent": ("-A", ""), "-infile": ("--data-binary", "@"),
}  # fmt: skip
_SWITCHES = frozenset({"-usebasicparsing", "-skipcertificatecheck", "-disablekeepalive", "-passthru"})
_BACKTICK = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}


def is_cmd(text: str) -> bool:
    """Whether something stands there that only cmd.exe has: a caret before a quote or at the end of a line, and JSON
    whose quotes are written twice."""
    return bool(re.search(r'(?:^|\s)\^"|\^[ \t]*\r?\n', text)) or bool(re.search(r'"[{[]+""\w', text))


def is_powershell(text: str) -> bool:
    """Whether the text calls PowerShell's own commands, or continues its lines with a backtick."""
    if _CMDLET.search(text) and not re.search(r"^[ \t]*curl\s", text, re.MULTILINE):
        return True
    return bool(re.search(r"\bcurl\.exe\b", text) and re.search(r"`[ \t]*\r?\n", text))


# cmd.exe


def cmd_commands(text: str) -> tuple[list[CurlWords], list[Omission]]:
    """Every command that begins with curl."""
    found = []
    for line, plain in _plain_lines(text):
        words = list(_arguments(plain))
        name = re.split(r"[\\/]", words[0])[-1].lower() if words else ""
        if name.lstrip("@") in ("curl", "curl.exe"):
            found.append(CurlWords(tuple(words[1:]), f"line {line}"))
    return found, []


def _plain_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number, text) of every command, its carets taken away; `&` and `|` outside quotes end one."""
    text = text.replace("\r\n", "\n")
    line = begun = 1
    current: list[str] = []
    quoted, at = False, 0
    while at < len(text):
        char = text[at]
        if char == "^" and not quoted:
            following = text[at + 1 : at + 2]
            at += 2
            if following == "\n":  # the line goes on; a second line end is meant
                line += 1
                following = text[at : at + 1] if text[at : at + 1] == "\n" else ""
                at += len(following)
                line += len(following)
            current.append(following)
            continue
        if char == '"':
            quoted = not quoted
        if char == "\n" or (char in "&|" and not quoted):
            yield begun, "".join(current)
            current, quoted = [], False
            line += char == "\n"
            begun = line
        else:
            current.append(char)
        at += 1
    yield begun, "".join(current)


def _arguments(text: str) -> Iterator[str]:
    """As the C runtime splits: 2n backslashes before a quote are n, one more makes the quote text, "" is a quote."""
    at, size = 0, len(text)
    while at < size:
        if text[at] in " \t":
            at += 1
            continue
        word: list[str] = []
        quoted = False
        while at < size and (quoted or text[at] not in " \t"):
            run = _SLASHES.match(text, at)
            slashes = len(run[0]) if run else 0
            if slashes and text[at + slashes : at + slashes + 1] == '"':
                word.append("\\" * (slashes // 2))
                at += slashes
                if slashes % 2:
                    word.append('"')
                    at += 1
                continue
            if slashes:
                word.append("\\" * slashes)
                at += slashes
            elif text[at] == '"':
                if quoted and text[at + 1 : at + 2] == '"':
                    word.append('"')
                    at += 1
                else:
                    quoted = not quoted
                at += 1
            else:
                word.append(text[at])
                at += 1
        yield "".join(word)


# PowerShell


def powershell_commands(text: str) -> tuple[list[CurlWords], list[Omission]]:
    """Calls of Invoke-WebRequest and Invoke-RestMethod in curl's words, and of curl.exe."""
    text = text.replace("\r\n", "\n")
    agent = next((_Values(text, found.end()).value() for found in _SESSION.finditer(text)), None)
    cookies = [_cookie(text, found.end()) for found in _COOKIE.finditer(text)]
    found: list[tuple[int, CurlWords]] = []
    for call in _CMDLET.finditer(text):
        where = f"line {text.count(chr(10), 0, call.start()) + 1}"
        words = list(_request_words(_Values(text, call.end()), where))
        if agent and "-A" not in words and "--session" in words:
            words += ["-A", agent]
        if cookies and "--session" in words:
            words += ["-b", "; ".join(cookies)]
        found.append((call.start(), CurlWords(tuple(word for word in words if word != "--session"), where)))
    for call in re.finditer(r"(?:^|[;&|\n])[ \t]*+(?:&[ \t]*+)?curl\.exe\b", text):
        where = f"line {text.count(chr(10), 0, call.end()) + 1}"
        found.append((call.start(), CurlWords(tuple(_Values(text, call.end()).words()), where)))
    return [command for _, command in sorted(found, key=lambda item: item[0])], []


def _cookie(text: str, at: int) -> str:
    values = _Values(text, at)
    name = values.value()
    values.skip(",")
    return f"{name}={values.value()}"


def _request_words(values: _Values, where: str) -> Iterator[str]:
    """The parameters of one call as options of curl."""
    named = False
    for parameter in values.parameters():
        name = parameter.lower()
        named = named or name in ("-uri", "")
        if name == "-headers":
            for key, value in values.table():
                yield from ("-H", f"{key}: {value}" if value else f"{key};")
        elif name == "-websession":
            values.value()
            yield "--session"
        elif name in _PARAMETERS:
            option, begin = _PARAMETERS[name]
            value = values.value()
            yield from (option, begin + (value.upper() if name == "-method" else value))
        elif name not in _SWITCHES:
            values.value()
    if not named:
        raise UsageError("the command has no -Uri", where=where)


class _Values:
    """Reads the values of PowerShell: texts in either quotes, tables, and the bytes of a text."""

    def __init__(self, text: str, at: int) -> None:
        self._text, self._at = text, at

    def skip(self, sign: str) -> None:
        self._blanks()
        if self._text.startswith(sign, self._at):
            self._at += len(sign)

    def parameters(self) -> Iterator[str]:
        """The names of parameters, until the command ends; "" for a value without a name."""
        while True:
            self._blanks()
            if self._at >= len(self._text) or self._text[self._at] in "\n;|)":
                return
            found = re.compile(r"-[A-Za-z]+:?").match(self._text, self._at)
            if found:
                self._at = found.end()
                yield found[0].rstrip(":")
            else:
                yield ""

    def words(self) -> Iterator[str]:
        """The arguments of a program."""
        while True:
            self._blanks()
            if self._at >= len(self._text) or self._text[self._at] in "\n;|":
                return
            yield self.value()

    def table(self) -> Iterator[tuple[str, str]]:
        """@{ "name"="value"; ... }"""
        self.skip("@{")
        while self._at < len(self._text):
            while self._text[self._at : self._at + 1] in (" ", "\t", "\n", ";"):
                self._at += 1
            if self._text.startswith("}", self._at):
                self._at += 1
                return
            key = self.value()
            self.skip("=")
            yield key, self.value()

    def value(self) -> str:
        self._blanks()
        found = re.compile(r"\(?\[System\.Text\.Encoding\]::\w+\.GetBytes\(").match(self._text, self._at)
        if found:
            self._at = found.end()
            inner = self.value()
            while self._text[self._at : self._at + 1] == ")":
                self._at += 1
            return inner
        sign = self._text[self._at : self._at + 1]
        if sign in ("'", '"'):
            return self._quoted(sign)
        plain = re.compile(r"""[^\s;,|(){}=]+""").match(self._text, self._at)
        self._at = plain.end() if plain else self._at + 1
        return plain[0] if plain else ""

    def _quoted(self, sign: str) -> str:
        """A quote twice is one; in double quotes a backtick escapes, and $([char]233) is a character."""
        begin = self._at
        found: list[str] = []
        self._at += 1
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == sign:
                self._at += 1
                if not self._text.startswith(sign, self._at):
                    return "".join(found)
                found.append(sign)
                self._at += 1
            elif char == "`" and sign == '"':
                following = self._text[self._at + 1 : self._at + 2]
                found.append(_BACKTICK.get(following, following))
                self._at += 2
            elif sign == '"' and (
                code := re.compile(r"\$\(\[char\](0x[0-9a-fA-F]+|\d+)\)").match(self._text, self._at)
            ):
                found.append(chr(min(int(code[1], 0), 0x10FFFF)))
                self._at = code.end()
            else:
                found.append(char)
                self._at += 1
        raise UsageError("a quote is not closed", where=f"line {self._text.count(chr(10), 0, begin) + 1}")

    def _blanks(self) -> None:
        while self._at < len(self._text):
            if self._text[self._at] in " \t":
                self._at += 1
            elif (found := re.compile(r"`[ \t]*\n").match(self._text, self._at)) is not None:
                self._at = found.end()
            else:
                return
