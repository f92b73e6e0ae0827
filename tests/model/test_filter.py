"""The filter language: what it means, what it refuses, and that it can be written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.model.filter import Term, filter_text, moment, parse_filter, status_span


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  ", ()),
        ("receipt", (Term("", "receipt"),)),
        ("-receipt", (Term("", "receipt", True),)),
        ("two words", (Term("", "two"), Term("", "words"))),
        ('"two words"', (Term("", "two words"),)),
        ('-"two words"', (Term("", "two words", True),)),
        (r'"say \"hi\""', (Term("", 'say "hi"'),)),
        ("status:404", (Term("status", "404"),)),
        ("-method:GET", (Term("method", "GET", True),)),
        ("environment:qa", (Term("env", "qa"),)),
        ("Cluster:orders", (Term("cluster", "orders"),)),
        ('session:"my phone"', (Term("session", "my phone"),)),
        ("path:/api/a?b=c:d", (Term("path", "/api/a?b=c:d"),)),
        ("/api/orders", (Term("", "/api/orders"),)),
        ("12:30", (Term("", "12:30"),)),
        ("-", (Term("", "-"),)),
        ('"open', (Term("", '"open'),)),
    ],
)  # fmt: skip
def test_terms(text: str, terms: tuple[Term, ...]) -> None:
    assert parse_filter(text) == terms


@pytest.mark.parametrize(
    ("value", "span"),
    [
        ("404", (404, 404)), ("=404", (404, 404)), ("4xx", (400, 499)), ("5XX", (500, 599)), (">=400", (400, 999)),
        (">400", (401, 999)), ("<400", (0, 399)), ("<=400", (0, 400)), ("400-499", (400, 499)), ("200..299", (200, 299)),
    ],
)  # fmt: skip
def test_statuses(value: str, span: tuple[int, int]) -> None:
    assert status_span(value) == span
    assert parse_filter(f"status:{value}")[0].span == span


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("took:>200ms", [200.001, 1e9], [200, 0]),
        ("took:>=200ms", [200, 201], [199.999]),
        ("took:200ms", [200, 201], [199.999]),
        ("took:<1s", [0, 999.9], [1000]),
        ("took:<=1s", [1000], [1000.1]),
        ("took:1s..2m", [1000, 120_000], [999, 120_001]),
        ("size:>1MiB", [(1 << 20) + 1], [1 << 20]),
        ("size:=7", [7], [6, 8]),
        ("size:1kB..1KiB", [1000, 1024], [999, 1025]),
    ],
)
def test_ranges(text: str, inside: list[float], outside: list[float]) -> None:
    low, high = parse_filter(text)[0].span
    assert all(low <= number <= high for number in inside)
    assert not any(low <= number <= high for number in outside)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("-2h", 1_000_000 - 7200), ("-30m", 1_000_000 - 1800), ("-1d", 1_000_000 - 86_400), ("1970-01-02", 86_400),
        ("1970-01-01T01:00", 3600), ("1970-01-01T01:00Z", 3600), ("1970-01-01T01:00+01:00", 0),
    ],
)  # fmt: skip
def test_moments(value: str, seconds: float) -> None:
    assert moment(value, 1_000_000) == seconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stauts:404", "did you mean 'status'?"),
        ("clutser:orders", "did you mean 'cluster'?"),
        ("http://a", 'write "http://a"'),
        ("status:", "needs a value"),
        ('status:""', "needs a value"),
        ("status:abc", "is not a status"),
        ("status:>", "is not a status"),
        ("status:500-400", "ends before it begins"),
        ("took:5s..1s", "ends before it begins"),
        ("size:2MiB..1MiB", "ends before it begins"),
        ("kind:reply", "did you mean 'replay'?"),
        ("has:falure", "did you mean 'failure'?"),
        ("took:>fast", "'fast' is not a duration"),
        ("took:1s..", "'' is not a duration"),
        ("size:>1MB2", "'1MB2' is not a size"),
        ("after:yesterday", "'yesterday' is no time"),
        ("after:-2years", "'-2years' is no time"),
        ("before:2026-13-01", "is no time"),
        ("bofore:-2h", "did you mean 'before'?"),
    ],
)
def test_what_is_off_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match="filter") as caught:
        parse_filter(text)
    assert said in str(caught.value)


words = st.builds(Term, st.just(""), st.text(min_size=1), st.booleans())
free = ["body", "cluster", "env", "method", "path", "session", "tag"]  # keys that take any value
keyed = st.builds(Term, st.sampled_from(free), st.text(min_size=1), st.booleans())


@given(st.lists(words | keyed, max_size=6))
def test_a_filter_can_be_written_back(terms: list[Term]) -> None:
    assert parse_filter(filter_text(terms)) == tuple(terms)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_a_clear_refusal(text: str) -> None:
    try:
        terms = parse_filter(text)
    except UsageError as error:
        assert error.where == "filter"
    else:
        assert parse_filter(filter_text(terms)) == terms
