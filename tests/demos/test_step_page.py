"""An author's own page runs under limits: whatever it is made of, it ends soon, small, and with a sentence."""

from __future__ import annotations

import resource
import time

import pytest

from gateway.demos.definition.expression_limits import PagePart
from gateway.demos.step_page import OwnPageError, render_own_page

LONG = "x" * 100_000
CONTEXT = {
    "s": {"xs": list(range(50_000)), "long": LONG, "n": 2 * 10**8, "quotes": '"' * 90_000, "tree": [[[[[[]]]]]]},
    "form": {"start": "<form>", "send": PagePart(lambda label="Send": f"<button>{label}</button>")},
}
HUNGRY = (
    "{{ 'a' * s.n }}", "{{ 'a'.rjust(s.n) }}", "{{ 'a' | center(s.n) }}", "{{ '%200000000d' % 1 }}", "{{ [1] * s.n }}", "{{ s.long.replace('', 'yyyyyyyyyyyy') }}",
    "{% filter center(200000000) %}a{% endfilter %}", "{% set x %}{{ s.long }}{% endset %}{{ x.replace('x', s.long) }}", "{{ s.quotes ~ s.quotes ~ s.quotes }}",
    "{% macro f(a) %}{{ a * 9000 }}{% endmacro %}{{ f(s.long) }}", "{{ 'a'.format_map(s) }}", "{{ ['a', 'b'] | join(s.long * 9) }}", "{{ 10 ** s.n }}",
    "{{ ('<' | e).join([s.quotes, s.quotes, s.quotes]) }}", "{% call(x) f() %}{% endcall %}{{ 'a'.ljust(s.n) }}",
)  # fmt: skip
SLOW = (
    "{% for a in s.xs %}{% for b in s.xs %}{% endfor %}{% endfor %}", "{% for a in s.xs %}{{ s.long | upper }}{% endfor %}", "{% for a in s.xs %}" + "y" * 9000 + "{% endfor %}",
    "{% macro f(d) %}{% if d %}{{ f(d - 1) }}{{ f(d - 1) }}{% endif %}{% endmacro %}{{ f(60) }}", "{% macro f() %}" + "y" * 90_000 + "{% endmacro %}{% for a in s.xs %}{{ f() }}{% endfor %}",
    "{% block a %}" + "y" * 90_000 + "{% endblock %}{% for a in s.xs %}{{ self.a() }}{% endfor %}", "{% for a in s.xs %}{% include 'large.html' %}{% endfor %}",
    "{% for a in s.xs %}{% if a == 1 %}" + "{% if a == 2 %}{% endif %}" * 300 + "{% endif %}{% endfor %}", "{% for a in s.xs %}{% from 'large.html' import b with context %}{% endfor %}",
    "{% macro f() %}{{ caller() }}{{ caller() }}{% endmacro %}{% for a in s.xs %}{% call f() %}" + "y" * 9000 + "{% endcall %}{% endfor %}",
    "{% for a in s.xs %}{% filter upper %}" + "y" * 9000 + "{% endfilter %}{% endfor %}",
)  # fmt: skip
ENDLESS = (
    "{% include 'page.html' %}", "{% extends 'page.html' %}", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% import 'page.html' as me %}", "{{ self.__init__() }}",
    "{% for x in s.tree recursive %}{{ loop(x) }}{% endfor %}", "{% block a %}{{ self.a() }}{% endblock %}", "{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}",
    "{{ [" + "1," * 60_000 + "] }}",
)  # fmt: skip


def page(folder, text):
    (folder / "page.html").write_text(text, encoding="utf-8")
    (folder / "large.html").write_text("z" * 500_000 + "{% set b = 1 %}", encoding="utf-8")
    return render_own_page(folder, "page.html", CONTEXT)


@pytest.mark.parametrize("at", range(len(HUNGRY)))
def test_nothing_large_is_made(tmp_path, at):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(OwnPageError, match=r"too large|cannot be called|undefined"):
        page(tmp_path, HUNGRY[at])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "KiB"


@pytest.mark.parametrize("at", range(len(SLOW)))
def test_nothing_takes_long(tmp_path, at):
    begun = time.process_time()
    with pytest.raises(OwnPageError, match="steps"):
        page(tmp_path, SLOW[at])
    assert time.process_time() - begun < 20, "it takes some tenths of a second; without a limit it takes minutes"


@pytest.mark.parametrize("at", range(len(ENDLESS)))
def test_what_has_no_end_is_told(tmp_path, at):
    with pytest.raises(OwnPageError):
        page(tmp_path, ENDLESS[at])


def test_what_a_page_needs_works(tmp_path):
    (tmp_path / "base.html").write_text(
        "<main>{% block body %}{% endblock %}</main>{% macro bold(t) %}<b>{{ t }}{{ caller() }}</b>{% endmacro %}"
    )
    made = page(
        tmp_path,
        "{% extends 'base.html' %}{% from 'base.html' import bold %}{% block body %}{{ form.start | safe }}"
        "{{ form.send('Pay') | safe }}{% call bold('<i>') %}!{% endcall %}"
        "{% for x in s.xs[:3] %}{{ x }}{{ ',' if not loop.last }}{% endfor %}{{ missing }}{{ '<' ~ 1 }}"
        "{% set t %}<u>{% endset %}{{ t }}{{ s.long | length }}{% endblock %}",
    )
    assert made == "<main><form><button>Pay</button><b>&lt;i&gt;!</b>0,1,2&lt;1<u>100000</main>"
