"""Finds the curl commands of a shell script: words as bash would make them, nothing is run. Pure.

Understood: quotes, variables that the text itself gives a value, arrays, for loops over words that are known,
functions, pipes from echo, printf and cat, here documents, commands inside $(...). Both branches of `if` and `case`
and one pass of `while` are taken. What only a running shell knows stays as it is written, and is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ....errors import UsageError
from ..base64_dialects import unpacked
from ..import_report import Omission
from .shell_syntax import For, Function, Node, Pipeline, ShellBlock, ShellPiece, ShellWord, Simple, ansi_c, parse

MOST = 20_000  # commands of a text, loops unrolled
CALLS = 20  # functions in functions
_CURL = ("curl", "curl.exe")
# Programs that run the command that follows them; the number is how many of their own arguments come first.
_WRAPPERS = {"sudo": 0, "time": 0, "exec": 0, "command": 0, "nohup": 0, "env": 0, "nice": 0, "timeout": 1, "builtin": 0}
_SHELLS = ("bash", "sh", "zsh", "dash", "ksh")
_BRACES = re.compile(r"\{(?:(-?\d{1,6})\.\.(-?\d{1,6})|([^{}]*,[^{}]*))\}")
_QUIET = frozenset({"", ":", "true", "false", "echo", "printf", "set", "exit", "return", "shift", "local", "export"})


@dataclass(frozen=True, slots=True)
class FromFile:
    """`< name`, or `cat name |`."""

    name: str


Input: TypeAlias = str | FromFile | None


@dataclass(frozen=True, slots=True)
class CurlWords:
    """The words after `curl`; `stdin` is what the text pipes into it, or None where that is not known."""

    words: tuple[str, ...]
    where: str
    stdin: Input = None


@dataclass(slots=True)
class _Run:
    """What a shell would know at this point."""

    variables: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, Node] = field(default_factory=dict)
    omissions: list[Omission] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)  # variable -> where it was first needed
    depth: int = 0
    count: int = 0  # curl commands
    turns: int = 0  # commands of any kind

    def take_turn(self, line: int) -> None:
        """Loops in loops end here, whether or not they hold a curl command."""
        self.turns += 1
        if self.turns > MOST * 10:
            raise UsageError(f"the text would run more than {MOST * 10} commands", where=f"line {line}")


def commands(text: str) -> tuple[list[CurlWords], list[Omission]]:
    """The curl commands in the order in which a shell would run them, and what could not be taken.

    UsageError where a quote is not closed or the text is nested too deeply.
    """
    run = _Run()
    found = list(_node(parse(_unfenced(text)), run, None))
    found += _uncalled(run, found)
    run.omissions += _unknown(run, found)
    return found, run.omissions


def _unknown(run: _Run, found: list[CurlWords]) -> Iterator[Omission]:
    """The variables without a value that stand in a command."""
    why = "the text does not say it; it stands in the steps as it is written"
    words = "\n".join(word for command in found for word in command.words)
    for name, where in run.unknown.items():
        if re.search(rf"\$\{{?{re.escape(name)}", words):
            yield Omission(f"the value of ${name}", why, where)


def _unfenced(text: str) -> str:
    """Without the fences and prompts of a text from a wiki or a terminal."""
    text = re.sub(r"^[ \t]*(```+|~~~+)[ \t]*\w*[ \t]*$", "", text, flags=re.MULTILINE)
    return re.sub(r"^([ \t]*)(?:\$|%|[\w.-]+@[\w.-]+[^\n$#%>]*[$#%])[ \t]+(?=\S)", r"\1", text, flags=re.MULTILINE)


def _uncalled(run: _Run, found: list[CurlWords]) -> list[CurlWords]:
    """The commands of functions that nothing calls: named, and taken once where the text holds no others."""
    taken: list[CurlWords] = []
    for name, body in list(run.functions.items()):
        if any(f"function {name}" in one.where for one in found):
            continue
        inside = _Run(dict(run.variables), dict(run.arrays), run.functions, [], {}, run.depth + 1, run.count)
        held = [
            CurlWords(one.words, f"{one.where} (in function {name})", one.stdin) for one in _node(body, inside, None)
        ]
        if held:
            why = "nothing in the text calls it" + ("" if found else "; its commands are taken once")
            run.omissions.append(Omission(f"{len(held)} curl command{'s' * (len(held) > 1)} of function {name}", why))
        taken += held
    return [] if found else taken


def _node(node: Node, run: _Run, stdin: Input) -> Iterator[CurlWords]:
    if isinstance(node, ShellBlock):
        for one in node.nodes:
            yield from _node(one, run, stdin)
    elif isinstance(node, Pipeline):
        yield from _pipeline(node, run, stdin)
    elif isinstance(node, For):
        yield from _loop(node, run)
    elif isinstance(node, Function):
        run.functions[node.name] = node.body
    else:
        yield from _simple(node, run, stdin)


def _pipeline(node: Pipeline, run: _Run, stdin: Input) -> Iterator[CurlWords]:
    for index, part in enumerate(node.parts):
        yield from _node(part, run, stdin if index == 0 else _output(node.parts[index - 1], run))


def _output(node: Node, run: _Run) -> Input:
    """What a command writes, for those few that a text can tell it of."""
    if not isinstance(node, Simple):
        return None
    words = [text for word in node.words for text in _expanded(word, run, node.line)]
    if words[:1] == ["echo"]:
        flags = [word for word in words[1:] if re.fullmatch(r"-[neE]+", word)]
        text = " ".join(words[1 + len(flags) :])
        text = ansi_c(text) if any("e" in flag for flag in flags) else text
        return text + ("" if any("n" in flag for flag in flags) else "\n")
    if words[:1] == ["printf"] and len(words) > 1:
        form, given = words[1], words[2:]
        slots = re.findall(r"%(.)", form)
        if set(slots) <= set("sdb%") and len(slots) - slots.count("%") == len(given):
            values = iter(given)
            return re.sub(r"%(.)", lambda slot: "%" if slot[1] == "%" else next(values), ansi_c(form))
        return None
    if words in (["base64", "-d"], ["base64", "--decode"], ["base64", "-D"]):
        return _decoded(_input(node, run))
    if words[:1] == ["cat"] and len(words) < 3:
        return FromFile(words[1]) if len(words) == 2 and words[1] != "-" else _input(node, run)
    return None


def _decoded(given: Input) -> Input:
    data = unpacked(given) if isinstance(given, str) else None
    return None if data is None else data.decode("utf-8", "surrogateescape")


def _input(node: Simple, run: _Run) -> Input:
    """A here document, a here string, or a file."""
    for redirect in reversed(node.redirects):
        if redirect.operator == "<<<":
            return _joined(redirect.word, run, node.line) + "\n"
        if redirect.operator.startswith("<<"):
            return _joined(redirect.word, run, node.line)
        if redirect.operator == "<":
            return FromFile(_joined(redirect.word, run, node.line))
    return None


def _loop(node: For, run: _Run) -> Iterator[CurlWords]:
    words = [text for word in node.words for text in _expanded(word, run, node.line)]
    known = all(piece.kind == "text" or piece.name in run.variables or piece.name in run.arrays
                for word in node.words for piece in word.pieces)  # fmt: skip
    if not known or not words:
        for word in node.words:
            yield from _inside(word, run, node.line)
        run.variables.pop(node.name, None)
        run.omissions.append(
            Omission(f"a loop over ${node.name}", "only a running shell knows its words; its commands are taken once",
                     f"line {node.line}")
        )  # fmt: skip
        yield from _node(node.body, run, None)
        return
    for word_text in words:
        run.take_turn(node.line)
        run.variables[node.name] = word_text
        yield from _node(node.body, run, None)


def _simple(node: Simple, run: _Run, stdin: Input) -> Iterator[CurlWords]:
    run.take_turn(node.line)
    for word in (*(value for _, value, _ in node.assignments), *node.words, *(one.word for one in node.redirects)):
        yield from _inside(word, run, node.line)
    if not node.words:
        _assign(node, run)
        return
    words = [text for word in node.words for text in _expanded(word, run, node.line)]
    if words and words[0] in ("export", "local", "declare", "readonly", "typeset"):
        for text in words[1:]:
            name, equals, value = text.partition("=")
            if equals and f"${name}" not in value and "$(" not in value:
                run.variables[name] = value
        return
    if words[:1] == ["shift"]:
        _shift(run)
        return
    given = _input(node, run)
    yield from _command(words, node, run, stdin if given is None else given)


def _shift(run: _Run) -> None:
    """The first argument of a function goes, the others move up."""
    rest = run.arrays.get("@", ())[1:]
    run.arrays |= {"@": rest, "*": rest}
    for index in range(1, 10):
        run.variables.pop(str(index), None)
    run.variables |= {str(index): word for index, word in enumerate(rest[:9], 1)}


def _assign(node: Simple, run: _Run) -> None:
    for name, value, items in node.assignments:
        if items is not None:
            run.arrays[name] = tuple(text for item in items for text in _expanded(item, run, node.line))
        elif any(piece.kind == "command" and _told(piece.text, run, node.line) is None for piece in value.pieces):
            run.variables.pop(name, None)
        else:
            text = _joined(value, run, node.line)
            if f"${name}" not in text:
                run.variables[name] = text


def _command(words: list[str], node: Simple, run: _Run, stdin: Input) -> Iterator[CurlWords]:
    where = f"line {node.line}"
    while words and words[0] in _WRAPPERS:
        own = _WRAPPERS[words[0]]
        words = words[1:]
        while words and (words[0].startswith("-") or re.fullmatch(r"[A-Za-z_]\w*=.*", words[0], re.DOTALL)):
            words = words[1:]
        words = words[own:]
    if not words:
        return
    name = words[0].rpartition("/")[2]
    if name in _CURL:
        run.count += 1
        if run.count > MOST:
            raise UsageError(f"the text holds more than {MOST} commands", where=where)
        yield CurlWords(tuple(words[1:]), where, stdin)
    elif words[0] in run.functions:
        yield from _call(words, run, where)
    elif (name in _SHELLS and "-c" in words[:-1]) or (name == "eval" and len(words) > 1):
        inner = words[words.index("-c") + 1] if name != "eval" else " ".join(words[1:])
        yield from _nested(inner, run, node.line)
    elif name not in _QUIET and any(word.rpartition("/")[2] in _CURL for word in words[1:]):
        why = f"it is given to {name}, which is not run here"
        run.omissions.append(Omission("a curl command", why, where))


def _call(words: list[str], run: _Run, where: str) -> Iterator[CurlWords]:
    if run.depth >= CALLS:
        raise UsageError(f"functions call each other more than {CALLS} deep", where=where)
    before, before_arrays = dict(run.variables), dict(run.arrays)
    for index in range(1, 10):
        run.variables.pop(str(index), None)
    run.variables |= {str(index): word for index, word in enumerate(words[1:10], 1)}
    run.arrays |= {"@": tuple(words[1:]), "*": tuple(words[1:])}
    run.depth += 1
    for one in _node(run.functions[words[0]], run, None):
        yield CurlWords(one.words, f"{where}, function {words[0]}", one.stdin)
    run.depth -= 1
    for index in range(1, 10):
        run.variables.pop(str(index), None)
        if str(index) in before:
            run.variables[str(index)] = before[str(index)]
    for sign in "@*":
        run.arrays.pop(sign, None)
        if sign in before_arrays:
            run.arrays[sign] = before_arrays[sign]


def _inside(word: ShellWord, run: _Run, line: int) -> Iterator[CurlWords]:
    """The commands inside $(...) and backticks, which a shell runs first."""
    for piece in word.pieces:
        if piece.kind == "command":
            yield from _nested(piece.text, run, line)
        elif piece.default is not None:
            yield from _inside(piece.default, run, line)


def _nested(text: str, run: _Run, line: int) -> Iterator[CurlWords]:
    if run.depth >= CALLS:
        raise UsageError(f"commands are nested more than {CALLS} deep")
    run.depth += 1
    yield from _node(parse(text, line), run, None)
    run.depth -= 1


def _expanded(word: ShellWord, run: _Run, line: int) -> list[str]:
    """The words that one word becomes: none, one, or several (an array, an unquoted variable, braces)."""
    solid = [piece for piece in word.pieces if piece.kind != "text" or piece.text]
    if len(solid) == 1 and solid[0].kind == "array" and solid[0].name in run.arrays:
        return list(run.arrays[solid[0].name][solid[0].first :])
    if len(solid) == 1 and solid[0].kind == "array" and solid[0].name in "@*":
        return []  # the arguments of a function that nothing calls
    if word.is_bare:
        return _braces(word.pieces[0].text, f"line {line}") if word.pieces else []
    fields, current, begun = [], "", False
    for piece in word.pieces:
        text = _value(piece, run, line)
        if piece.kind == "text" or piece.quoted or piece.raw == text:
            current, begun = current + text, begun or piece.quoted or bool(text)
            continue
        parts = text.split()  # field splitting of what stands in no quotes
        if not parts:
            continue
        if text[:1].isspace() and begun:
            fields.append(current)
            current = ""
        fields += [current + parts[0], *parts[1:-1]] if len(parts) > 1 else []
        current = parts[-1] if len(parts) > 1 else current + parts[0]
        begun = True
    return [*fields, current] if begun else fields


def _told(text: str, run: _Run, line: int) -> str | None:
    """What $(echo ...) and $(printf ...) give; None for what has to run."""
    if not text.lstrip().startswith(("echo", "printf")) or len(text) > 10_000:
        return None
    nodes = parse(text, line).nodes
    output = _output(nodes[0], run) if len(nodes) == 1 else None
    return output.rstrip("\n") if isinstance(output, str) else None


def _joined(word: ShellWord, run: _Run, line: int) -> str:
    return "".join(_value(piece, run, line) for piece in word.pieces)


def _value(piece: ShellPiece, run: _Run, line: int) -> str:
    if piece.kind == "text":
        return piece.text
    if piece.kind == "command" and (output := _told(piece.text, run, line)) is not None:
        return output
    if piece.kind == "array" and piece.name in run.arrays:
        return " ".join(run.arrays[piece.name][piece.first :])
    if piece.kind == "variable" and piece.name in run.variables:
        value = run.variables[piece.name]
        if value or not piece.when_empty:
            return value
    if piece.default is not None:
        return _joined(piece.default, run, line)
    if piece.kind == "variable" and piece.name:
        run.unknown.setdefault(piece.name, f"line {line}")
    else:
        run.unknown.setdefault(piece.raw.removeprefix("$")[:60], f"line {line}")
    return piece.raw


def _braces(text: str, where: str) -> list[str]:
    """Brace expansion of a word without quotes: {a,b} and {1..5}."""
    done, waiting = [], [text]
    while waiting:
        word = waiting.pop(0)
        found = _BRACES.search(word)
        if not found or (found.start() and word[found.start() - 1] == "$"):
            done.append(word)
            continue
        if found[3] is not None:
            middles = found[3].split(",")
        else:
            first, last = int(found[1]), int(found[2])
            step = 1 if last >= first else -1
            middles = [str(number) for number in range(first, last + step, step)][: MOST + 1]
        if len(done) + len(waiting) + len(middles) > MOST:
            raise UsageError(f"{text[:40]!r} stands for more than {MOST} words", where=where)
        begin, end = word[: found.start()], word[found.end() :]
        waiting[:0] = [begin + middle + end for middle in middles]
    return done
