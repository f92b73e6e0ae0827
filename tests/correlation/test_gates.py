"""The labelled sessions: what is bound by itself must be right, and most of what is needed must be bound.

Covers: correlation/extract, correlation/request_values.
"""

from __future__ import annotations

import re

import pytest
from judging import Score, all_sessions, held_out, judge, unrelated, watch
from sessions import Labelled, session

from gateway.correlation import ScoringRules, correlate, evaluate, extract, rebind
from gateway.correlation.request_values import needs

SESSIONS = all_sessions()
UNSEEN = held_out()  # when they were first measured; docs/correlation.md has those figures
NUMBERS = unrelated()
ALL = [*SESSIONS, *(each for found in UNSEEN.values() for each in found), *NUMBERS]


@pytest.mark.parametrize("labelled", ALL, ids=lambda each: each.name.replace(" ", "-"))
def test_no_session_has_a_false_automatic_link(labelled: Labelled) -> None:
    assert judge(labelled, correlate(labelled.exchanges)).wrong == []


def total(rules: ScoringRules, among: list[Labelled] = SESSIONS) -> Score:
    score = Score()
    for labelled in among:
        score.add(judge(labelled, correlate(labelled.exchanges, rules=rules)))
    return score


def test_the_gates_hold() -> None:
    score = total(ScoringRules())
    assert len(SESSIONS) >= 40
    assert score.precision >= 0.99
    assert score.recall >= 0.85, score.missed


@pytest.mark.parametrize("name", sorted(UNSEEN))
def test_the_gates_hold_for_every_other_set(name: str) -> None:
    score = total(ScoringRules(), UNSEEN[name])
    assert len(UNSEEN[name]) >= 10
    assert score.precision >= 0.99
    assert score.recall >= 0.85, score.missed


def test_no_write_can_go_out_stale() -> None:
    """Every labelled link of a write is bound, or noted so that a replay stops before it sends another one's value."""
    found = [watch(each, correlate(each.exchanges)) for each in ALL]
    assert sum(each.links for each in found) >= 600
    assert [one for each in found for one in each.missed] == []


def test_few_writes_stop_for_a_value_that_is_no_link() -> None:
    """The places that are noted in vain; a replay stops at them only where the equal number has another value now."""
    found = [watch(each, correlate(each.exchanges)) for each in ALL]
    assert sum(len(each.false) for each in found) <= 0.04 * sum(each.writes for each in found)
    assert [one for each in NUMBERS for one in watch(each, correlate(each.exchanges)).false] == []


@pytest.mark.parametrize("without", ["echo", "entropy", "names"])
def test_every_rule_is_worth_its_place(without: str) -> None:
    """Without it, either something false is bound or much is missed."""
    whole, less = total(ScoringRules()), total(ScoringRules(**{without: False}))
    assert less.false > whole.false or less.recall < whole.recall - 0.1


@pytest.mark.parametrize("labelled", ALL, ids=lambda each: each.name.replace(" ", "-"))
def test_every_source_still_gives_its_recorded_value(labelled: Labelled) -> None:
    answers = {each.step: each for each in labelled.exchanges}
    for binding in correlate(labelled.exchanges).bindings:
        for source in (binding.source, *binding.alternates):
            assert extract(answers[source.step], source, binding.transforms) == binding.value, str(source)


@pytest.mark.parametrize("labelled", ALL, ids=lambda each: each.name.replace(" ", "-"))
def test_the_recorded_values_put_in_again_change_no_byte(labelled: Labelled) -> None:
    found = correlate(labelled.exchanges)
    answers = {each.step: each for each in labelled.exchanges}
    for each in labelled.exchanges:
        bindings = found.of_step(each.step)
        assert rebind(each.request, bindings, {one.id: evaluate(one, answers) for one in bindings}) == each.request


def test_every_label_is_about_something() -> None:
    """A label whose source does not hold its value would make the figures lie."""
    for labelled in ALL:
        places = {
            f"{need.sink.step}:{need.sink.part}:{need.sink.path if need.sink.part != 'text' else ''}"
            for each in labelled.exchanges
            for need in needs(each.request, each.step)
        }
        assert {re.sub(r"\[\d+:\d+\]$", "", sink) for sink in labelled.links} <= places, labelled.name
        steps = {str(each.step) for each in labelled.exchanges}
        for sink, sources in labelled.links.items():
            assert {sink.partition(":")[0], *(each.partition(":")[0] for each in sources)} <= steps, labelled.name


def test_a_response_serves_only_what_began_after_it() -> None:
    text = """
POST /api/orders
@ 100 500
-> 201
{"id": 73001}

GET /api/orders/73001
@ {start} 10
-> 200
"""
    assert correlate(session(text.replace("{start}", "300"))).bindings == ()
    assert len(correlate(session(text.replace("{start}", "600"))).bindings) == 1
