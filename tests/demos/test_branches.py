"""A sequence that branches: who follows whom, what may be used, what the stepper says.

Covers: demos/session_memory, demos/step_page.
"""

from gateway.demos.definition.parse import parse_demo
from gateway.demos.result import CallResult
from gateway.demos.step_page import trail

STEPS = """\
title: D
steps:
  - {title: Order, call: POST orders:/orders, keep: {id: $.id}}
  - {title: Pay, call: "POST payments:/{id}", keep: {receipt: $.r}}
  - {title: Look, call: "GET orders:/{id}"}
  - {title: Cancel, after: Order, call: "DELETE orders:/{id}"}
  - {title: Alone, after: , call: GET orders:/}
"""


def parse(text):
    return parse_demo(text.encode(), name="d", file="demo.yaml", files=())


def done(*slugs):
    return {slug: CallResult(slug, "", slug, "GET", "u", status=200, expected=True) for slug in slugs}


def test_followers_and_ancestors():
    demo = parse(STEPS).demo
    order, pay, _, cancel, alone = demo.steps
    assert [step.title for step in demo.followers(order)] == ["Pay", "Cancel"]
    assert [step.title for step in demo.ancestors(demo.steps[2])] == ["Order", "Pay"]
    assert [step.title for step in demo.ancestors(cancel)] == ["Order"]
    assert demo.ancestors(alone) == ()
    assert demo.followers(pay) == (demo.steps[2],)


def test_the_stepper_lights_up_both_branches():
    demo = parse(STEPS).demo
    assert [stop.step.title for stop in trail(demo, {}) if stop.is_next] == ["Order", "Alone"]
    stops = trail(demo, done("order"))
    assert [stop.step.title for stop in stops if stop.is_next] == ["Pay", "Cancel", "Alone"]
    assert [stop.branch for stop in stops] == ["", "", "", "Order", ""]


def test_a_value_of_another_branch_cannot_be_used():
    problems = parse(STEPS.replace("DELETE orders:/{id}", "DELETE orders:/{receipt}")).problems
    assert "'receipt' is kept by 'Pay', which is not on the way to this step" in str(problems[0])


def test_a_step_follows_one_above_it():
    problems = parse(STEPS.replace("after: Order", "after: Alone")).problems
    assert "demo.yaml:6:28: error: steps[3].after: is no step above this one" in str(problems[0])
