"""Sessions made up by a dice, and the same client at another backend whose ids stand elsewhere."""

from __future__ import annotations

import pytest
from generating import generated
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import judge

from gateway.correlation import confirm, correlate, evaluate, rebind

SEEDS = st.integers(0, 100_000)


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_nothing_false_is_bound_in_any_world(seed: int) -> None:
    labelled = generated(seed, 20)
    score = judge(labelled, correlate(labelled.exchanges))
    assert score.wrong == []
    assert score.recall >= 0.85, score.missed


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_rebound_requests_are_those_of_the_other_backend(seed: int) -> None:
    """What the fresh answers give is what the client would have sent there, byte for byte."""
    recorded, fresh = generated(seed, 20).exchanges, generated(seed, 20, shift=1).exchanges
    answers = {each.step: each for each in fresh}
    found = correlate(recorded)
    own = {sink.step for each in found.inputs for sink in each.sinks if "id" in each.variable.split("_")}
    for mine, theirs in zip(recorded, fresh, strict=True):
        bindings = found.of_step(mine.step)
        request = rebind(mine.request, bindings, {each.id: evaluate(each, answers) for each in bindings})
        assert request.header("authorization") == theirs.request.header("authorization")
        if mine.step not in own:  # an id that the client knows by itself is another one there
            assert request.target == theirs.request.target
            assert request.body == theirs.request.body


@pytest.mark.parametrize("seed", range(5))
def test_a_second_run_confirms_and_never_refutes_a_true_link(seed: int) -> None:
    first, second = generated(seed, 20), generated(seed, 20, shift=1)
    judged = confirm(first.exchanges, second.exchanges)
    true = [each for each in judged.bindings if str(each.sink).partition("[")[0] in first.links]
    assert true
    assert [str(each.sink) for each in true if each.status == "rejected"] == []
    assert any(each.status == "confirmed" for each in true)
