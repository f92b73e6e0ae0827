"""Regular expressions of rewrite rules: valid, and unable to run away on a hostile path. Pure."""

from __future__ import annotations

import re

MAX_REPEATS = 3  # open-ended repetitions in one rule; with paths of at most 1 KiB that bounds the steps
CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
OPEN_ENDED = re.compile(r"[*+]|\{[0-9]*,\}|\{,?[0-9]{3,}|\{[0-9]*,[0-9]{3,}")
GROUP_HEAD = re.compile(r"\?(?:[:=!>]|<[=!]|P?<[A-Za-z_][A-Za-z0-9_]*>|P=[A-Za-z_]\w*|[aiLmsux-]+:?|#[^)]*)")


def check_rewrite(rule: str, template: str) -> None:
    """ValueError says what is wrong with a rewrite rule."""
    check_pattern(rule)
    pattern = re.compile(rule.encode())
    try:
        pattern.subn(template.encode(), b"", 1)
    except (re.error, IndexError) as error:
        raise ValueError(f"{template!r} does not fit {rule!r}: {error}") from None


def check_pattern(rule: str) -> None:
    """ValueError when a pattern is invalid or may take forever."""
    try:
        re.compile(rule.encode())
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{rule!r} is no regular expression: {error}") from None
    repeats, nested = _repeats(rule)
    if nested:
        raise ValueError(
            f"{rule!r} repeats a group that holds a repetition or alternatives, which can take forever; "
            "write it without the outer * or +"
        )
    if repeats > MAX_REPEATS:
        raise ValueError(f"{rule!r} has {repeats} open-ended repetitions; {MAX_REPEATS} are allowed")


def _repeats(rule: str) -> tuple[int, bool]:
    """How many open-ended repetitions a pattern has, and whether one of them repeats a choice or a repetition."""
    total, nested, at = 0, False, 0
    holds: list[bool] = [False]  # for each open group: has it a repetition or alternatives?
    closed = False  # what the last closed group held, while its quantifier may follow
    while at < len(rule):
        char = rule[at]
        if char == "\\":
            at, closed = at + 2, False
        elif char == "[" and (found := CLASS.match(rule, at)):
            at, closed = found.end(), False
        elif char == "(":
            head = GROUP_HEAD.match(rule, at + 1)
            at, closed = (head.end() if head else at + 1), False
            holds.append(False)
        elif char == ")":
            closed = holds.pop() if len(holds) > 1 else False
            holds[-1] = holds[-1] or closed
            at += 1
        elif found := OPEN_ENDED.match(rule, at):
            total, nested, holds[-1] = total + 1, nested or closed, True
            at, closed = found.end(), False
            at += rule[at : at + 1] in ("?", "+")  # lazy or possessive
        else:
            holds[-1] = holds[-1] or char == "|"
            at, closed = at + 1, False
    return total, nested
