"""What a scalar of YAML means: numbers, truth, text, and what different YAML readers disagree about. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}(?:[eE][-+]?[0-9]{1,3})?")
WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
}  # fmt: skip

# YAML 1.1 (still read by most programs) and 1.2 differ here, or people and YAML do.
SURPRISES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"yes|Yes|YES|on|On|ON"), "true to some YAML readers and text to others"),
    (re.compile(r"no|No|NO|off|Off|OFF"), "false to some YAML readers and text to others"),
    (re.compile(r"[-+]?0[0-9_]+|[-+]?0o[0-7]+"), "an octal number to some YAML readers and a decimal to others"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "a number to base 60 for some YAML readers"),
    (re.compile(r"[-+]?0[xXbB][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*_[0-9_]*"), "a number to some YAML readers"),
    (
        re.compile(r"[-+]?(?:[0-9]+[eE][-+]?[0-9]+|[0-9]+\.(?:[eE][-+]?[0-9]+)?|\.[0-9]+)"),
        "a number to some YAML readers",
    ),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "no usable number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"), "a date to some YAML readers"),
)  # fmt: skip

BEGINNINGS = frozenset("yYnNoO+-.0123456789")


def surprise(text: str) -> str:
    """Why a plain scalar is refused, or ""."""
    if text[:1] not in BEGINNINGS:
        return ""
    for pattern, meaning in SURPRISES:
        if pattern.fullmatch(text):
            instead = next((f"write {word}, or" for word in ("true", "false") if meaning.startswith(word)), "")
            return f"'{text}' is {meaning}; {instead} put it in quotes if it is text: \"{text}\"".replace("  ", " ")
    return ""


def meaning(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar (YAML 1.2 core schema, decimal numbers only)."""
    if text in WORDS:
        return WORDS[text]
    if INT.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return text


class Filled(str):
    """Text that came (in part) from variables: whoever wants a number or a truth value may read it from this."""

    __slots__ = ()


VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?[-?])(?P<word>[^{}]*))?\}|\{)"
)


def fill(text: str, variables: Mapping[str, str]) -> str:
    """${V}, ${V:-default}, ${V-default}, ${V:?message}, ${V?message} and $$; ValueError names what is unset."""
    if "$" not in text:
        return text
    found = VARIABLE.sub(lambda match: _value(match, variables), text)
    return found if found == text else Filled(found)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, how, word = match["name"], match["how"] or "", match["word"] or ""
    if match["dollar"]:
        return "$"
    if name is None:
        raise ValueError("'${' begins a variable such as ${NAME} or ${NAME:-default}; write '$${' for the text")
    value = variables.get(name)
    if value or (value is not None and not how.startswith(":")):
        return value
    if how.endswith("-"):
        return word
    state = "not set" if value is None else "empty"
    if how:
        raise ValueError(f"the variable {name} is {state}: {word or 'it is needed here'}")
    raise ValueError(f"the variable {name} is {state}; set it, put it into .env, or write ${{{name}:-default}}")
