"""Rewrite rules that cannot run away."""

from __future__ import annotations

import re
import time

import pytest

from gateway.routes.patterns import check_pattern, check_rewrite
from gateway.routes.rewrite import REWRITTEN


@pytest.mark.parametrize(
    "rule",
    [
        "^/books/(.*)", "/books", "^/$", "^/(v1|v2)/(.*)$", "^/a/([^/]+)/b/([^/]+)/c/(.*)$", "^/(.*)/x/(.*)$", "[a-z]{1,20}",
        r"^/\(x\)*", "^/[(]+$", "(?i:^/books)", "(?P<x>a)(.*)", "^/([^/]*)/([^/]*)/([^/]*)$", "/x.*",
    ],
)  # fmt: skip
def test_usual_rules_are_fine(rule: str) -> None:
    check_pattern(rule)


@pytest.mark.parametrize(
    "rule",
    [
        "(a+)+", "(a*)*$", "^(a|a)*$", "^(a|aa)+$", "^((a+)b?)+$", "([a-z]+)*x", "(?:(?:a+))+", "(.*)a(.*)b(.*)c",
        "^.*.*.*b", "a*a*a*b", "a*a*b", "^a*|.*.*b", "(a{1,}){2,}", "^(a{1,1000}){1,1000}$", "(x+x+)+y", "(?=a+)+",
    ],
)  # fmt: skip
def test_rules_that_could_run_away_are_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="forever"):
        check_pattern(rule)


@pytest.mark.parametrize("rule", ["^/(.*)/x/(.*)$", "^.*.*b$", "/x.*y", "^/([^/]*)/([^/]*)/([^/]*)x$", "[ab]*c", "a*b"])
def test_what_is_allowed_stays_cheap(rule: str) -> None:
    check_pattern(rule)
    begun = time.process_time()
    for text in (b"/" * REWRITTEN, b"/a" * (REWRITTEN // 2), b"a" * REWRITTEN, b"/x" * (REWRITTEN // 2)):
        re.compile(rule.encode()).subn(b"", text, 1)
    assert time.process_time() - begun < 5  # hours, were it to run away


@pytest.mark.parametrize("rule", ["(", "[a", "*", "a{2}{3}", "(?P<a>x)(?P<a>y)", "\\"])
def test_what_is_no_pattern_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="is no regular expression"):
        check_pattern(rule)


@pytest.mark.parametrize(("rule", "template"), [("/a", r"\1"), ("/(a)", r"\2"), ("/a", r"\g<x>"), ("/a", "\\")])
def test_a_template_must_fit(rule: str, template: str) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        check_rewrite(rule, template)
    check_rewrite("/(a)", r"/\1\g<1>")
