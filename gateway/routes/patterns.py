"""Regular expressions of rewrite rules: valid, and unable to run away on a hostile path. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_LOOSE = 2  # each one may try every place of a path of at most 1 KiB: two of them take milliseconds, three minutes
CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
OPEN_ENDED = re.compile(r"[*+]|\{[0-9]*,\}|\{,?[0-9]{3,}\}|\{[0-9]*,[0-9]{3,}\}")
GROUP_HEAD = re.compile(r"\?(?:[:=!>]|<[=!]|P?<[A-Za-z_][A-Za-z0-9_]*>|P=[A-Za-z_]\w*|[aiLmsux-]+:?|#[^)]*)")


def check_rewrite(rule: str, template: str) -> None:
    """ValueError says what is wrong with a rewrite rule."""
    check_pattern(rule)
    try:
        re.compile(rule.encode()).subn(template.encode(), b"", 1)
    except (re.error, IndexError) as error:
        raise ValueError(f"'{template}' does not fit '{rule}': {error}") from None


def check_pattern(rule: str) -> None:
    """ValueError when a pattern is invalid or may take forever."""
    try:
        re.compile(rule.encode())
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{rule}' is no regular expression: {error}") from None
    found = _Scan(rule)
    found.run()
    if found.nested:
        raise ValueError(
            f"'{rule}' repeats a group that holds a repetition or alternatives, which can take forever; "
            "write it without the outer * or +"
        )
    if found.loose + (not found.anchored) > MAX_LOOSE and found.loose > 1:
        raise ValueError(
            f"'{rule}' can take forever: {MAX_LOOSE} open-ended repetitions are allowed after a leading ^, else one "
            "([^/]+ before a / does not count)"
        )


@dataclass(slots=True)
class _Scan:
    """Reads a pattern from left to right. What it does not understand it takes for the worse."""

    rule: str
    loose: int = 0  # open-ended repetitions that can end at many places
    nested: bool = False
    anchored: bool = False

    def run(self) -> None:
        rule, at = self.rule, 0
        self.anchored = rule.startswith("^")
        holds: list[bool] = [False]  # for each open group: has it a repetition or alternatives?
        closed = False  # what the group that was just closed holds
        atom = ""  # the class that was just read
        while at < len(rule):
            char = rule[at]
            if char == "\\":
                at, closed, atom = at + 2, False, ""
            elif char == "[" and (found := CLASS.match(rule, at)):
                at, closed, atom = found.end(), False, found[0]
            elif char == "(":
                head = GROUP_HEAD.match(rule, at + 1)
                at, closed, atom = (head.end() if head else at + 1), False, ""
                holds.append(False)
            elif char == ")":
                closed, atom = (holds.pop() if len(holds) > 1 else False), ""
                holds[-1] = holds[-1] or closed
                at += 1
            elif found := OPEN_ENDED.match(rule, at):
                at = found.end() + (rule[found.end() : found.end() + 1] in ("?", "+"))  # lazy or possessive
                self.nested, holds[-1] = self.nested or closed, True
                self.loose += not _ends_by_itself(atom, rule[at:].lstrip(")"))
                closed, atom = False, ""
            else:
                self._choice(char, holds)
                at, closed, atom = at + 1, False, ""

    def _choice(self, char: str, holds: list[bool]) -> None:
        if char == "|":
            holds[-1] = True
            self.anchored = self.anchored and len(holds) > 1


def _ends_by_itself(atom: str, following: str) -> bool:
    """Whether a repeated class has one place to end: before what it excludes, as in [^/]+/, or at the very end."""
    if not atom.startswith("[^"):
        return False
    return following in ("", "$") or (following[0] in atom[2:-1] and following[0] not in "\\^$.[](){}*+?|-")


# RFC 9535 sections 2.4.6 and 2.4.7. The rules see every body that passes, and those come from anybody.
REGULAR: Final = re.compile(r"\b(?:match|search)\s*\(")


def problem_of(path: str) -> str:
    """ "" for a path that may be used."""
    import jsonpath  # a third of a command's start-up time, and few files need it

    try:
        jsonpath.compile(path, strict=True)
    except (jsonpath.JSONPathError, RecursionError) as error:
        return f"'{path}' is no JSONPath (RFC 9535): {str(error).splitlines()[0]}"
    if REGULAR.search(path):
        return f"'{path}' uses match() or search(): a hostile body could make a regular expression run for hours"
    return ""
