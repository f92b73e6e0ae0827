"""Rules for findings that are none: `contract.ignore` of routes.yaml. Pure.

undocumented-status 429         one rule with one status (4xx stands for its family)
undocumented-member /meta/*     one rule below a pointer
* GET /reports/*                every rule of operations whose path begins so
wrong-format                    one rule everywhere
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from ..errors import did_you_mean

RULES: Final = (
    "missing-member", "wrong-type", "wrong-value", "wrong-choice", "not-json", "write-only-member",
    "undocumented-operation", "undocumented-method", "undocumented-status", "undocumented-type", "wrong-format",
    "undocumented-member", "accepted-invalid", "missing-parameter", "undocumented-parameter", "deprecated-used",
    "read-only-member",
)  # fmt: skip
_STATUS: Final = re.compile(r"[1-5](?:[0-9]{2}|[xX]{2})")


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One line of `ignore`, taken apart. Empty parts stand for everything."""

    rule: str
    status: str = ""
    pointer: str = ""
    method: str = ""
    path: str = ""

    def covers(self, rule: str, *, status: int | None, pointer: str, method: str, path: str) -> bool:
        """Whether a finding is meant."""
        if self.rule not in ("*", rule):
            return False
        if self.status and (status is None or not re.fullmatch(self.status.lower().replace("x", "[0-9]"), str(status))):
            return False
        if self.pointer and not _fits(pointer, self.pointer):
            return False
        return (not self.method or self.method in ("*", method)) and (not self.path or _fits(path, self.path))


def _fits(text: str, pattern: str) -> bool:
    """`*` stands for any text; the pointers of findings have it for places of a list, and it fits those too."""
    return text == pattern or fnmatchcase(text, pattern.replace("[", "[[]"))


def read_rule(text: str) -> IgnoreRule:
    """One line of `ignore`; ValueError says what is off."""
    rule, *rest = text.split()
    if rule != "*" and rule not in RULES:
        raise ValueError(f"'{rule}' is not one of *, {', '.join(RULES)}{did_you_mean(rule, RULES)}")
    if not rest:
        return IgnoreRule(rule)
    if len(rest) == 1 and _STATUS.fullmatch(rest[0]):
        return IgnoreRule(rule, status=rest[0])
    if len(rest) == 1:
        return IgnoreRule(rule, pointer=rest[0])
    if len(rest) == 2 and rest[1].startswith(("/", "*")):
        return IgnoreRule(rule, method=rest[0].upper(), path=rest[1])
    raise ValueError("it is RULE, RULE STATUS, RULE /pointer/* or RULE METHOD /path/*")


def problem_of_rule(text: str) -> str:
    """What is wrong with a line of `ignore`, or ""."""
    try:
        read_rule(text)
    except (ValueError, IndexError) as error:
        return str(error) if text.strip() else "it is empty"
    return ""


def read_rules(lines: Iterable[str]) -> tuple[IgnoreRule, ...]:
    """Lines that `problem_of_rule` has nothing against."""
    return tuple(map(read_rule, lines))
