"""demo.yaml from a contract, and the same again after the contract changed: what people edited stays. Pure.

A generated step begins with `# contract: createOrder 3f2a9c1b`, the hash of its own text. A step whose text still has
that hash is written anew; one that was edited keeps every byte, and the report names it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .contract_steps import ContractStep, hash_of
from .yaml_text import flow

_MARK: Final = re.compile(r"  # contract: (\S+) ([0-9a-f]{8})\s*")
_BEGINS: Final = re.compile(r"  (?:- |#)|\S")


@dataclass(frozen=True, slots=True)
class DemoAgain:
    """demo.yaml after another look at the contract. `notes`: one sentence with its line for what was kept."""

    text: str
    notes: tuple[str, ...]
    changed: int = 0
    added: int = 0


def contract_demo(title: str, source: str, steps: Sequence[ContractStep]) -> str:
    """A new demo.yaml."""
    lines = [
        f"# Made from the contract {_line(source)}. A step that you edit is kept when it is made again;",
        "# docs/demos.md explains every key.",
        f"title: {flow(_line(title))}",
        "steps:",
    ]
    return "\n".join([*lines, *(line for step in steps for line in step.text)]) + "\n"


def again(old: str, steps: Sequence[ContractStep], *, file: str, prune: bool = False) -> DemoAgain:
    """The old text with the steps of today; nothing is deleted without `prune`, and nothing that was edited at all."""
    by_id = {step.id: step for step in steps}
    found, out, notes = _parts(old.splitlines()), list[str](), list[str]()
    changed, seen = 0, set[str]()
    for number, part in found:
        mark = _MARK.fullmatch(part[0])
        if mark is None:
            out += part
            continue
        id, said = mark.groups()
        seen.add(id)
        body, tail = _without_tail(part[1:])
        step = by_id.get(id)
        if hash_of(body) != said:
            out += part
            notes += _kept(file, number, step, said)
        elif step is not None:
            out += [*step.text, *tail]
            changed += step.hash != said
        elif prune:
            notes.append(f"{file}:{number}: {id} is not in the contract any more: deleted")
        else:
            out += part
            notes.append(f"{file}:{number}: {id} is not in the contract any more; --prune deletes it")
    fresh = [step for step in steps if step.id not in seen]
    while out and not out[-1].strip():
        out.pop()
    out += [line for step in fresh for line in step.text]
    return DemoAgain("\n".join(out) + "\n", tuple(notes), changed, len(fresh))


def _parts(lines: Sequence[str]) -> list[tuple[int, list[str]]]:
    """(line number, lines): generated steps with their mark, and what is around them."""
    found: list[tuple[int, list[str]]] = []
    inside = False
    for number, line in enumerate(lines, 1):
        is_mark = _MARK.fullmatch(line) is not None
        begins = _BEGINS.match(line) is not None and not (inside and _is_first(found[-1][1], line))
        if is_mark or not found or (inside and begins):
            found.append((number, [line]))
            inside = is_mark
        else:
            found[-1][1].append(line)
    return found


def _is_first(part: Sequence[str], line: str) -> bool:
    """Whether a line is the one with which the step behind a mark begins."""
    return len(part) == 1 and line.startswith("  - ")


def _without_tail(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """A step's lines, and the blank ones behind it."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return list(lines[:end]), list(lines[end:])


def _kept(file: str, number: int, step: ContractStep | None, said: str) -> list[str]:
    if step is None:
        return [f"{file}:{number}: kept, edited by hand; the contract does not have it any more"]
    if step.hash == said:
        return [f"{file}:{number}: kept, edited by hand"]
    return [f"{file}:{number}: kept, edited by hand; the contract now says otherwise: {_shown(step)}"]


def _shown(step: ContractStep) -> str:
    """What the step would be, on one line."""
    text = "; ".join(line.strip() for line in step.lines[1:])
    return text if len(text) <= 300 else f"{text[:299]}…"


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
