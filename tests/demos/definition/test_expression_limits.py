"""Expressions of demo.yaml under limits: every filter, method and operator that could eat memory or time is stopped."""

from __future__ import annotations

import resource
import time

import pytest

from gateway.demos.definition.expression_limits import FILTERS_ALLOWED, METHODS_ALLOWED
from gateway.demos.definition.expressions import ExpressionError, literal, names_in, worked_out

LONG = "x" * 100_000
VALUES = {
    "xs": list(range(50_000)),
    "s": LONG,
    "n": 2 * 10**8,
    "d": {"a": {"b": [1, 2, 3]}},
    "name": "Ada",
    "lines": "a\n" * 1000,
}

HUNGRY = (
    '"a".rjust(n)', '"a".ljust(n)', '"a".center(n)', '"1".zfill(n)', '("\\t" * 1000).expandtabs(n)', '"a" * n', "n * 'a'", "[1] * n", "(1,) * n",
    '"%*d" % (n, 1)', '"%200000000d" % 1', '"%.200000000f" % 1', '"{:>200000000}".format(1)', '"{:>{}}".format(1, n)', '"{0}{0}{0}".format(s)',
    '"{x:>200000000}".format(x=1)', '"{:{w}}".format(1, w=n)', "s ~ s", "s + s", "s.replace('x', 'y' * 100)", "s.replace('', 'yyyy')",
    "s.join(['a', 'b', 'c'])", "'a' | center(n)", "'a' | center(width=n)", "lines | indent(10**6)", "lines | indent(width=10**6)", "s | replace('x', 'yyy')",
    "s | replace(old='x', new='yyy')", "['a', 'b'] | join(s)", "['a', 'b'] | join(d=s)", "xs | batch(n, 'x') | list", "xs | slice(n) | list",
    "[1] | batch(linecount=n, fill_with=0) | list", "('x' * 1000) | wordwrap(1, wrapstring=s)", "d | tojson(indent=n)", "'%200000000d' | format(1)",
    "1.5 | round(n, 'ceil')", "1.5 | round(precision=n)", "[[1]] | sum(start=[])", "10 ** n", "10 ** (10 ** 10)", "10 ** 10 ** 10 ** 10", "(10 ** 60) ** 60", "s | pprint", "s | tojson | tojson",
    "['a'] | map('center', n) | list", "['a'] | map('replace', 'a', s ~ s) | list", "s | urlencode | urlencode", "s | truncate(5, true, s ~ s)",
    "{'a': s} | xmlattr | xmlattr", "'a' | urlize", "'a'.format_map(d)", "'a'.translate(d)", "'a'.maketrans(d)", "s | e | e",
)  # fmt: skip
SLOW = (
    "{% for a in xs %}{% for b in xs %}x{% endfor %}{% endfor %}", "{% for a in xs %}{{ a in xs }}{% endfor %}", "{% for a in xs %}{{ xs | sort }}{% endfor %}",
    "{% for a in xs %}{{ s[1:] }}{% endfor %}", "{% for a in xs %}{% if s == s %}{% endif %}{% endfor %}", "{% for a in xs %}{{ s.count('xy') }}{% endfor %}",
    "{% for a in xs %}{{ s | upper }}{% endfor %}", "{% for a in xs %}{{ 7 is in xs }}{% endfor %}", "{% for a in xs %}" + "y" * 5000 + "{% endfor %}",
    "{{ xs | map('string') | map('upper') | map('lower') | join }}", "{% for a in xs %}{{ xs | map('string') | join }}{% endfor %}",
    "{% for a in xs %}{{ s[:50000] ~ a }}{% endfor %}", "{% for a in xs %}{{ xs | groupby(0) }}{% endfor %}", "{% for a in s %}{{ s.split('x') }}{% endfor %}",
)  # fmt: skip
GONE = (
    "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}", "{% for x in d recursive %}{{ loop(d) }}{% endfor %}", "{% set x %}a{% endset %}",
    "{% filter upper %}a{% endfilter %}", "{% include 'x' %}", "{% extends 'x' %}", "{% block a %}{% endblock %}", "{% import 'x' as y %}",
)  # fmt: skip


@pytest.mark.parametrize("text", HUNGRY)
def test_nothing_large_is_made(text):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ExpressionError):
        worked_out("{{ " + text + " }}", VALUES)
    with pytest.raises(ExpressionError):
        worked_out("text {{ " + text + " }}", VALUES)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "KiB"


@pytest.mark.parametrize("text", SLOW)
def test_nothing_takes_long(text):
    begun = time.process_time()
    with pytest.raises(ExpressionError, match="steps"):
        worked_out(text, VALUES)
    assert time.process_time() - begun < 5, "it takes some hundredths of a second; without a limit it takes minutes"


@pytest.mark.parametrize("text", GONE)
def test_what_has_no_limit_is_not_available(text):
    with pytest.raises(ExpressionError):
        names_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
        "{{ " + "-" * 20_000 + "1 }}",
        "{{ " + "[" * 5000 + "]" * 5000 + " }}",
    ],
)
def test_nesting_is_told_and_not_died_of(text):
    with pytest.raises(ExpressionError):
        worked_out(text, {})


ORDINARY = {
    "{{ price * qty }}": 12, "Bearer {{ name }}": "Bearer Ada", "{{ name | upper }}": "ADA", "{{ name.lower() }}": "ada", "{{ xs | join('-') }}": "3-1-2",
    "{{ xs | sort | first }}": 1, "{{ xs | length }}": 3, "{{ xs | map('string') | join(',') }}": "3,1,2", "{{ (price / 3) | round(2) }}": 1.0,
    "{% for x in xs if x > 1 %}{{ x }}{{ ',' if not loop.last }}{% endfor %}": "3,2", "{{ name if qty > 3 else 'nobody' }}": "Ada",
    "{{ d.get('a') }}": 1, "{{ d | tojson }}": '{"a": 1}', "{{ '%s-%s' % (name, qty) }}": "Ada-4", "{{ '{} {}'.format(name, qty) }}": "Ada 4",
    "{{ name[0:2] }}": "Ad", "{{ missing is defined }}": False, "{{ missing | default(7) }}": 7, "{{ name ~ qty }}": "Ada4", "{{ 2 ** 10 }}": 1024,
    "{% set y = qty + 1 %}{{ y }}": "5", "{{ xs[0] in xs }}": True, "{{ '%05d' % qty }}": "00004", "{{ name.rjust(6) }}": "   Ada", "{{ xs | sum }}": 6,
    "{{ {'a': 1}.items() | list }}": [("a", 1)], "{{ -qty }}": -4, "{{ name.replace('A', 'a') }}": "ada", "{{ none }}": None,
}  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_what_a_form_needs_works(text):
    values = {"price": 3, "qty": 4, "name": "Ada", "xs": [3, 1, 2], "d": {"a": 1}}
    assert worked_out(text, values) == ORDINARY[text]


def test_a_large_value_passes_as_it_is():
    body = "x" * 1_000_000
    assert worked_out("{{ body }}", {"body": body}) is body
    assert worked_out("{{ body | length }}", {"body": body}) == 1_000_000


def test_every_filter_of_the_table_exists_and_every_method_too():
    from jinja2.filters import FILTERS

    assert set(FILTERS_ALLOWED) <= set(FILTERS)
    for owner, methods in METHODS_ALLOWED.items():
        assert all(hasattr(owner, name) for name in methods)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 6*7 }}",
        "{% for x in [1] %}{% endfor %}",
        "a {{ b",
        "{# c #}",
        "}}{{",
        '{{ "}}" }}',
        "é\n\t\\ '\" 😀 {{ x }}",
        "{{ '\\n' }}",
        "plain",
        "{%",
    ],
)
def test_a_literal_is_worked_out_to_its_own_text(text):
    assert worked_out(literal(text), {}) == text
