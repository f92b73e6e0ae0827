"""The syntax of shell scripts, as far as commands and their words need it: text in, a tree out. Pure.

POSIX.1-2017, Shell Command Language, with the arrays, here strings and $'...' of bash. A word keeps which of its pieces
are text, variables or commands; nothing is expanded here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ....errors import UsageError

DEEP = 50  # constructs in constructs
_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|c(.)|(.))", re.DOTALL
)
_SIGNS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"e": b"\x1b",
          b"E": b"\x1b"}  # fmt: skip
_REDIRECT = re.compile(r"\d*(<<<|<<-|<<|<>|<&|<|>>|>\||>&|&>>|&>|>)")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]\n]*\])?\+?=")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_OPERATOR = re.compile(r"\n|;;&?|;&|;|&&|&(?!>)|\|\||\|&|\||\(|\)")
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`]+")
_IN_QUOTES = re.compile(r'[^"\\$`]+')
_IN_DOCUMENT = re.compile(r"[^\\$`]+")
_FUNCTION = re.compile(
    r"(?:function[ \t]++([\w:.-]++)[ \t]*+(?:\([ \t]*+\))?|([\w:.-]++)[ \t]*+\([ \t]*+\))\s*+(?=[{(])"
)
_PARAMETER = re.compile(r"\$\{([A-Za-z_]\w*|\d+|[@*])(\[[@*]\])?(:?[-=?+])?")
_OPENING = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time"})
_CLOSING = frozenset({"fi", "done", "esac", "}", "then", "else", "elif", "do", ";;"})


@dataclass(frozen=True, slots=True)
class ShellPiece:
    """`raw` is what stands in the text; `name` the variable's; `when_empty`: its default stands for "" as well."""

    kind: Literal["text", "variable", "array", "command", "other"]
    text: str
    quoted: bool = False
    raw: str = ""
    name: str = ""
    default: ShellWord | None = None
    when_empty: bool = False
    first: int = 0  # of an array: the items from here on


@dataclass(frozen=True, slots=True)
class ShellWord:
    pieces: tuple[ShellPiece, ...] = ()

    @property
    def is_bare(self) -> bool:
        """Nothing of it is quoted, and nothing a variable."""
        return all(piece.kind == "text" and not piece.quoted for piece in self.pieces) and len(self.pieces) < 2

    @property
    def bare(self) -> str:
        return self.pieces[0].text if self.is_bare and self.pieces else ""


@dataclass(slots=True)
class Redirect:
    operator: str
    word: ShellWord


@dataclass(slots=True)
class Simple:
    """A simple command; an assignment is (name, value, the items where it is an array)."""

    line: int
    assignments: list[tuple[str, ShellWord, tuple[ShellWord, ...] | None]] = field(default_factory=list)
    words: list[ShellWord] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Pipeline:
    parts: list[Node]


@dataclass(slots=True)
class ShellBlock:
    nodes: list[Node]


@dataclass(slots=True)
class For:
    line: int
    name: str
    words: list[ShellWord]
    body: Node


@dataclass(slots=True)
class Function:
    name: str
    body: Node


Node: TypeAlias = Simple | Pipeline | ShellBlock | For | Function


def parse(text: str, first_line: int = 1) -> ShellBlock:
    """The tree of a script, leniently: what closes nothing is passed over. UsageError where a quote is not closed."""
    reader = _ShellReader(text.replace("\r\n", "\n"), first_line)
    nodes: list[Node] = []
    while not reader.at_end():
        nodes += reader.statements(0).nodes
        if not reader.at_end() and not reader.take_operator():
            reader.skip_closing()
    return ShellBlock(nodes)


class _ShellReader:
    """Reads one text from its beginning to its end."""

    def __init__(self, text: str, first_line: int = 1) -> None:
        self._text, self._at = text, 0
        self._first_line = first_line
        self._counted = (0, first_line)  # a place, and the line it is in
        self._pending: list[tuple[Redirect, str, bool, bool]] = []  # here documents whose text follows this line

    # Statements.

    def statements(self, depth: int) -> ShellBlock:
        """Until something that closes a construct, or a closing parenthesis, or the end."""
        if depth > DEEP:
            raise UsageError(f"the text has more than {DEEP} constructs in constructs", where=self._where())
        nodes: list[Node] = []
        while True:
            self._blanks()
            operator = _OPERATOR.match(self._text, self._at)
            if operator and operator[0] in (")", ";;", ";&", ";;&"):
                break
            if operator and operator[0] != "(":
                self.take_operator()
                continue
            if self.at_end() or self._peek() in _CLOSING:
                break
            nodes.append(self._pipeline(depth))
        return ShellBlock(nodes)

    def _pipeline(self, depth: int) -> Node:
        parts = [self._command(depth)]
        while True:
            self._blanks()
            operator = _OPERATOR.match(self._text, self._at)
            if not operator or operator[0] not in ("|", "|&"):
                break
            self.take_operator()
            while self._text.startswith("\n", self._at):
                self.take_operator()
                self._blanks()
            parts.append(self._command(depth))
        return parts[0] if len(parts) == 1 else Pipeline(parts)

    def _command(self, depth: int) -> Node:
        self._blanks()
        if self._text.startswith("(", self._at):
            self._at += 1
            return self._closed(")", depth)
        word = self._peek()
        if word in ("if", "while", "until", "{"):
            self._word()
            return self._closed({"if": "fi", "{": "}"}.get(word, "done"), depth)
        if word in _OPENING:
            self._word()
            return self._command(depth + 1) if depth < DEEP else self.statements(depth + 1)
        if word in ("for", "select"):
            return self._for(depth)
        if word == "case":
            return self._case(depth)
        return self._function(depth) or self._simple()

    def _closed(self, end: str, depth: int) -> ShellBlock:
        """Every branch up to the word that ends the construct."""
        nodes: list[Node] = []
        while not self.at_end():
            nodes += self.statements(depth + 1).nodes
            if end == ")":
                self.take_operator()
                break
            word = self._peek()
            if word:
                self._word()
            elif not self.take_operator():
                break
            if word == end:
                break
        return ShellBlock([*nodes, *self._trailing()])

    def _trailing(self) -> list[Node]:
        """Redirects behind a construct are passed over."""
        self._blanks()
        while _REDIRECT.match(self._text, self._at):
            self._redirect(Simple(0))
            self._blanks()
        return []

    def _for(self, depth: int) -> Node:
        line = self._line()
        self._word()
        self._blanks()
        if self._text.startswith("((", self._at):  # for ((i = 0; i < 3; i++))
            end = self._text.find("))", self._at)
            self._at = len(self._text) if end < 0 else end + 2
            name = ""
            words: list[ShellWord] = []
        else:
            name = self._word().bare
            self._blanks()
            words = []
            if self._peek() == "in":
                self._word()
                words = self._words()
        while self._text[self._at : self._at + 1] in (";", "\n", " ", "\t"):
            self._at += 1
        if self._peek() in ("do", "{"):
            self._word()
        return For(line, name, words, self._closed("done", depth))

    def _words(self) -> list[ShellWord]:
        found: list[ShellWord] = []
        while True:
            self._blanks()
            if self.at_end() or _OPERATOR.match(self._text, self._at):
                return found
            found.append(self._word())

    def _case(self, depth: int) -> Node:
        self._word()
        self._word()
        nodes: list[Node] = []
        while not self.at_end():
            self._blanks()
            if self._peek() == "esac":
                self._word()
                break
            end = self._text.find(")", self._at)  # a pattern
            if end < 0:
                break
            self._at = end + 1
            nodes += self.statements(depth + 1).nodes
            self._blanks()
            if not self.take_operator() and self._peek() != "esac":
                self.skip_closing()
        return ShellBlock(nodes)

    def _function(self, depth: int) -> Node | None:
        found = _FUNCTION.match(self._text, self._at)
        if not found:
            return None
        self._at = found.end()
        return Function(found[1] or found[2], self._command(depth + 1))

    def _simple(self) -> Simple:
        command = Simple(self._line())
        begin = self._at
        while True:
            self._blanks()
            if self.at_end() or _OPERATOR.match(self._text, self._at):
                break
            if _REDIRECT.match(self._text, self._at):
                self._redirect(command)
                continue
            assigned = _ASSIGNMENT.match(self._text, self._at) if not command.words else None
            if assigned:
                self._at = assigned.end()
                command.assignments.append((assigned[1], *self._assigned()))
            else:
                command.words.append(self._word())
        if self._at == begin:
            self._at += 1
        return command

    def _assigned(self) -> tuple[ShellWord, tuple[ShellWord, ...] | None]:
        if not self._text.startswith("(", self._at):
            following = self._text[self._at : self._at + 1]
            return (ShellWord(), None) if following in ("", " ", "\t", "\n", ";") else (self._word(), None)
        self._at += 1
        items: list[ShellWord] = []
        while True:
            self._blanks()
            if self.at_end() or self._text[self._at] == ")":
                self._at += 1
                return ShellWord(
                    tuple(piece for item in items for piece in item.pieces if piece.kind == "command")
                ), tuple(items)
            if not self.take_operator():
                items.append(self._word())

    def _redirect(self, command: Simple) -> None:
        found = _REDIRECT.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        self._blanks()
        word = self._word()
        redirect = Redirect(found[1], word)
        command.redirects.append(redirect)
        if found[1] in ("<<", "<<-"):
            end = "".join(piece.text for piece in word.pieces)
            literal = any(piece.quoted for piece in word.pieces)
            redirect.word = ShellWord()
            self._pending.append((redirect, end, literal, found[1] == "<<-"))

    # Tokens.

    def at_end(self) -> bool:
        return self._at >= len(self._text)

    def take_operator(self) -> bool:
        self._blanks()
        found = _OPERATOR.match(self._text, self._at)
        if not found:
            return False
        self._at = found.end()
        if found[0] == "\n":
            self._here_documents()
        return True

    def skip_closing(self) -> None:
        """Passes over a word that closes nothing."""
        before = self._at
        self._word()
        self._at = max(self._at, before + 1)

    def _here_documents(self) -> None:
        for redirect, end, literal, tabs in self._pending:
            lines = []
            while not self.at_end():
                stop = self._text.find("\n", self._at) + 1 or len(self._text)
                line = self._text[self._at : stop]
                self._at = stop
                line = line.lstrip("\t") if tabs else line
                if line.removesuffix("\n") == end:
                    break
                lines.append(line)
            text = "".join(lines)
            redirect.word = ShellWord((ShellPiece("text", text, quoted=True),)) if literal else _document(text)
        self._pending.clear()

    def _blanks(self) -> None:
        """Spaces, continued lines, and comments where a word could begin."""
        while self._at < len(self._text):
            if self._text[self._at] in " \t\r\v\f":
                self._at += 1
            elif self._text.startswith("\\\n", self._at):
                self._at += 2
            elif self._text[self._at] == "#" and (self._at == 0 or self._text[self._at - 1] in " \t\n;&|()"):
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                break

    def _peek(self) -> str:
        """The word that follows, where it is a plain one."""
        found = _PLAIN.match(self._text, self._at)
        if not found:
            return ""
        follows = self._text[found.end() : found.end() + 1]
        return found[0] if follows in ("", " ", "\t", "\n", ";", "&", "|", "(", ")", "\r") else ""

    def _line(self) -> int:
        before, lines = self._counted
        if before > self._at:
            before, lines = 0, self._first_line
        lines += self._text.count("\n", before, self._at)
        self._counted = (self._at, lines)
        return lines

    def _where(self) -> str:
        return f"line {self._line()}"

    # Words.

    def _word(self) -> ShellWord:
        self._blanks()
        pieces: list[ShellPiece] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in " \t\n\r" or _OPERATOR.match(self._text, self._at) or (char in "<>" and not self._is_process()):
                break
            if char == "\\":
                following = self._text[self._at + 1 : self._at + 2]
                self._at += 2
                if following != "\n":
                    pieces.append(ShellPiece("text", following, quoted=True))
            elif char == "'" or self._text.startswith("$'", self._at):
                pieces.append(self._single())
            elif char == '"' or self._text.startswith('$"', self._at):
                pieces += self._double()
            elif char in "$`":
                pieces.append(self._dollar(quoted=False))
            elif char in "<>":
                pieces.append(self._process())
            else:
                plain = _PLAIN.match(self._text, self._at)
                pieces.append(ShellPiece("text", plain[0] if plain else char))
                self._at += len(pieces[-1].text)
        return ShellWord(_merged(pieces))

    def document_piece(self) -> list[ShellPiece]:
        """One sign of a here document."""
        char = self._text[self._at]
        if char == "\\" and self._text[self._at + 1 : self._at + 2] in ("\\", "$", "`", "\n"):
            self._at += 2
            following = self._text[self._at - 1]
            return [ShellPiece("text", "" if following == "\n" else following, quoted=True)]
        if char in "$`":
            return [self._dollar(quoted=True)]
        plain = _IN_DOCUMENT.match(self._text, self._at)
        self._at += len(plain[0]) if plain else 1
        return [ShellPiece("text", plain[0] if plain else char, quoted=True)]

    def _is_process(self) -> bool:
        return self._text.startswith(("<(", ">("), self._at)

    def _process(self) -> ShellPiece:
        begin = self._at
        self._at += 2
        inner = self._balanced()
        return ShellPiece("command", inner, raw=self._text[begin : self._at])

    def _single(self) -> ShellPiece:
        ansi = self._text[self._at] == "$"
        begin = self._at + 1 + ansi
        end = begin
        while end < len(self._text) and self._text[end] != "'":
            end += 2 if ansi and self._text[end] == "\\" else 1
        if end >= len(self._text):
            raise UsageError("a quote is not closed", where=self._where())
        inside = self._text[begin:end]
        self._at = end + 1
        return ShellPiece("text", ansi_c(inside) if ansi else inside, quoted=True)

    def _double(self) -> list[ShellPiece]:
        where = self._where()
        self._at += 1 if self._text[self._at] == '"' else 2
        pieces = [ShellPiece("text", "", quoted=True)]
        while True:
            if self.at_end():
                raise UsageError("a quote is not closed", where=where)
            char = self._text[self._at]
            if char == '"':
                self._at += 1
                return pieces
            if char == "\\" and self._text[self._at + 1 : self._at + 2] in ("\\", '"', "$", "`", "\n"):
                following = self._text[self._at + 1]
                pieces.append(ShellPiece("text", "" if following == "\n" else following, quoted=True))
                self._at += 2
            elif char in "$`":
                pieces.append(self._dollar(quoted=True))
            else:
                plain = _IN_QUOTES.match(self._text, self._at)
                pieces.append(ShellPiece("text", plain[0] if plain else char, quoted=True))
                self._at += len(pieces[-1].text)

    def _dollar(self, *, quoted: bool) -> ShellPiece:
        """A variable, a command, or a dollar that is just one."""
        begin = self._at
        if self._text[begin] == "`":
            end = self._text.find("`", begin + 1)
            if end < 0:
                raise UsageError("a quote is not closed", where=self._where())
            self._at = end + 1
            inner = self._text[begin + 1 : end].replace("\\`", "`").replace("\\$", "$")
            return ShellPiece("command", inner, quoted, self._text[begin : self._at])
        if self._text.startswith("$((", begin):
            end = self._text.find("))", begin)
            self._at = len(self._text) if end < 0 else end + 2
            return ShellPiece("other", "", quoted, self._text[begin : self._at])
        if self._text.startswith("$(", begin):
            self._at += 2
            inner = self._balanced()
            return ShellPiece("command", inner, quoted, self._text[begin : self._at])
        if self._text.startswith("${", begin):
            return self._braced(quoted)
        name = _NAME.match(self._text, begin + 1)
        if not name:
            self._at += 1
            return ShellPiece("text", "$", quoted=True)
        self._at = name.end()
        kind: Literal["array", "variable"] = "array" if name[0] in "@*" else "variable"
        return ShellPiece(kind, "", quoted, self._text[begin : self._at], name[0])

    def _balanced(self) -> str:
        """The text up to the parenthesis that closes the one before it; quotes may hold others."""
        begin, depth = self._at, 1
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "\\":
                self._at += 2
                continue
            if char == "'":
                end = self._text.find("'", self._at + 1)
                self._at = len(self._text) if end < 0 else end + 1
                continue
            if char == '"':
                self._double()
                continue
            depth += (char == "(") - (char == ")")
            self._at += 1
            if depth == 0:
                return self._text[begin : self._at - 1]
        raise UsageError("$( is not closed", where=self._where())

    def _braced(self, quoted: bool) -> ShellPiece:
        begin = self._at
        found = _PARAMETER.match(self._text, begin)
        end = self._brace_end(begin + 2)
        self._at = end + 1
        raw = self._text[begin : self._at]
        if not found:
            return ShellPiece("other", "", quoted, raw)
        name, operator = found[1], found[3] or ""
        rest = self._text[found.end() : end]
        if found[2] or name in "@*":
            slice_ = re.fullmatch(r":(\d{1,3})", rest)
            if rest and not slice_:
                return ShellPiece("other", "", quoted, raw)
            first = int(slice_[1]) - (name in "@*") if slice_ else 0  # ${@:0} counts from the command itself
            return ShellPiece("array", "", quoted, raw, name, first=max(first, 0))
        if operator[-1:] in ("-", "="):
            return ShellPiece("variable", "", quoted, raw, name, _document(rest), operator.startswith(":"))
        if not rest or operator[-1:] == "?":
            return ShellPiece("variable", "", quoted, raw, name)
        return ShellPiece("other", "", quoted, raw)

    def _brace_end(self, at: int) -> int:
        depth = 1
        while at < len(self._text):
            char = self._text[at]
            depth += (char == "{") - (char == "}")
            if depth == 0:
                return at
            at += 2 if char == "\\" else 1
        raise UsageError("${ is not closed", where=self._where())


def _document(text: str) -> ShellWord:
    """A here document, or a default value: variables count, quotes are text."""
    reader = _ShellReader(text)
    pieces: list[ShellPiece] = []
    while not reader.at_end():
        pieces += reader.document_piece()
    return ShellWord(_merged(pieces))


def _merged(pieces: list[ShellPiece]) -> tuple[ShellPiece, ...]:
    """Neighbours of one kind as one piece; bytes that were written apart and are one character become it."""
    found: list[ShellPiece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if last and last.kind == piece.kind == "text" and last.quoted == piece.quoted:
            found[-1] = ShellPiece("text", last.text + piece.text, piece.quoted)
        else:
            found.append(piece)
    return tuple(found)


def ansi_c(text: str) -> str:
    """$'...': escapes are bytes, which together may be UTF-8 (bash(1), QUOTING); what is none stays as a byte."""
    data = _ESCAPE.sub(_sign, text.encode("utf-8", "surrogateescape"))
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _sign(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, short, long, control, sign = match.groups()
    if octal or hexadecimal:
        return bytes((int(octal, 8) & 0xFF if octal else int(hexadecimal, 16),))
    if short or long:
        code = int(short or long, 16)
        return chr(code).encode("utf-8", "surrogatepass") if code < 0x110000 else b""
    if control:
        return bytes((control[0] & 0x1F,))
    return _SIGNS.get(sign, sign if sign in (b"'", b'"', b"\\", b"?") else b"\\" + sign)
