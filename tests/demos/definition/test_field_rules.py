"""The rules of a field: what the server accepts is what the browser's attributes say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demos.definition.parse import parse_demo
from gateway.demos.definition.schema import FormField


def field(text: str) -> tuple[FormField | None, list[str]]:
    """The field `x` of a demo, and the problems of the file."""
    yaml = f"title: T\nsteps:\n  - title: S\n    call: POST a:/x\n    form:\n      x: {{{text}}}\n"
    parsed = parse_demo(yaml.encode(), name="d", file="demo.yaml", files=())
    return (parsed.demo.steps[0].fields[0] if parsed.demo else None), [str(one) for one in parsed.problems]


def problem(text: str, value: Any) -> str:
    found, problems = field(text)
    assert found is not None and found.rules is not None, problems
    return found.rules.problem(value)


@pytest.mark.parametrize(
    ("text", "good", "bad", "said"),
    [
        ("required: true", "a", None, "is required"),
        ("required: true, type: checkbox", True, False, "is required"),
        ("required: true, choices: [a, b], multiple: true", ["a"], None, "is required"),
        ("type: number, min: 1", 1, 0, "must be at least 1"),
        ("type: number, max: 9.5", 9.5, 9.6, "must be at most 9.5"),
        ("type: number, min: 1, step: 2", 3, 2, "must be 1 or 2 more, 2 more again, and so on"),
        ("type: number, step: 0.1", 0.3, 0.35, "must be 0 or 0.1 more, 0.1 more again, and so on"),
        ("type: date, min: 2026-01-31", "2026-01-31", "2026-01-30", "must be at least 2026-01-31"),
        ("type: date, max: '2026-01-31'", "2025-12-31", "2026-02-01", "must be at most 2026-01-31"),
        ("pattern: '978-\\d+'", "978-1", "x978-1", "does not match the pattern 978-\\d+"),
        ("pattern: 'é+'", "éé", "e", "does not match the pattern é+"),
        ("min_length: 2", "ab", "a", "must have at least 2 characters"),
        ("max_length: 2, type: textarea", "éé", "ééé", "must have at most 2 characters"),
    ],
)
def test_a_rule_accepts_and_refuses(text: str, good: Any, bad: Any, said: str) -> None:
    assert (problem(text, good), problem(text, bad)) == ("", said)
    assert "required" in text or problem(text, None) == "", "an empty field meets every other rule"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("required: yes please", "x.required: should be true or false"),
        ("min: 1", "x.min: is not for a field of type text"),
        ("type: number, min: many", "x.min: should be a number"),
        ("type: number, step: 0", "x.step: should be more than 0"),
        ("type: date, step: 2", "x.step: is not for a field of type date"),
        ("type: date, min: soon", "x.min: should be a date such as 2026-01-31"),
        ("type: number, min: 3, max: 2", "x.max: is less than min"),
        ("min_length: -1", "x.min_length: should be a whole number from 0"),
        ("type: number, max_length: 3", "x.max_length: is not for a field of type number"),
        ("pattern: '(a'", "x.pattern: is not an expression that can be used"),
        ("pattern: '(a)\\1'", "x.pattern: is not an expression that can be used"),
        ("type: checkbox, pattern: a", "x.pattern: is not for a field of type checkbox"),
        ("multiple: true", "x.multiple: is for a field with choices"),
        ("choices: {value: $.a}", "x.choices.from: is missing"),
        ("choices: {from: books, value: '$['}", "x.choices.value: '$[' is not a JSONPath"),
        ("choices: {from: books}", "'books' is neither a field here nor kept by an earlier step"),
        ("choice: [a]", "did you mean 'choices'"),
    ],
)
def test_a_rule_that_does_not_fit_is_a_problem_of_the_file(text: str, said: str) -> None:
    _, problems = field(text)
    assert any(said in one for one in problems), problems


@given(st.integers(-50, 50), st.integers(1, 9), st.integers(-200, 200))
def test_steps_count_from_min_as_in_browsers(low: int, step: int, value: int) -> None:
    said = problem(f"type: number, min: {low}, step: {step}", value)
    assert (said == "") is (value >= low and (value - low) % step == 0)


def test_a_pattern_cannot_be_made_slow() -> None:
    assert problem("pattern: '(a+)+b'", "a" * 100_000) != ""
