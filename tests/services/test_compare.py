"""A recording beside others: rows, columns, and what differs.

Covers: replay/compare.
"""

from dataclasses import replace

import consoling

from gateway.correlation import correlate
from gateway.model.recording import Recording
from gateway.replay.compare import compare_runs
from gateway.services.compare import MOST_ROWS, Column, matrix

QA = Recording("01KBASE", "Order a book", "ada", clusters=("orders@qa", "users@qa"))


def steps(*facts):
    made = [consoling.an_exchange(number, **one) for number, one in enumerate(facts, 1)]
    return [replace(one, step=number) for number, one in enumerate(made, 1)]


def beside(recording, before, after):
    return Column(recording, compare_runs("a", "b", before, after, correlate(before)))


def a_run(id, *clusters, **facts):
    return Recording(id, f"Title of {id}", "ada", **{"kind": "replay", "clusters": clusters} | facts)


def test_every_run_is_a_column_named_by_the_places_that_only_it_has_been_to():
    before = steps({"status": 200}, {"status": 200})
    runs = [a_run("01KONE", "orders@test", "users@qa"), a_run("01KTWO", "orders@qa", "users@qa")]
    found = matrix(QA, before, [beside(one, before, before) for one in runs])
    assert [one["name"] for one in found["columns"]] == ["orders@test", "orders@qa"]
    assert [one["outcome"] for one in found["columns"]] == ["same", "same"]


def test_one_run_is_named_by_what_the_recording_has_not_and_a_variant_by_its_title():
    before = steps({"status": 200})
    run = a_run("01KONE", "orders@test", "users@qa")
    assert matrix(QA, before, [beside(run, before, before)])["columns"][0]["name"] == "orders@test"
    variant = replace(run, kind="variant", branched_at=1)
    assert matrix(QA, before, [beside(variant, before, before)])["columns"][0]["name"] == "Title of 01KONE"


def test_a_cell_has_the_answer_and_every_difference_with_its_severity_and_cause():
    before = steps({"status": 200, "reason": "OK"})
    after = steps({"status": 404, "environment": "test"})
    found = matrix(QA, before, [beside(a_run("01KONE"), before, after)])
    (row,) = found["rows"]
    assert (row["step"], row["status"]) == (1, 200)
    (cell,) = row["cells"]
    assert (cell["status"], cell["outcome"], found["columns"][0]["first"]) == (404, "differs", 1)
    told = next(one for one in cell["differences"] if one["where"] == "status")
    assert (told["severity"], told["cause"]) == ("high", "route")
    assert told["line"].startswith("status: 200 -> 404")


def test_a_step_that_was_not_sent_and_one_that_only_the_run_has():
    before = steps({"status": 200}, {"status": 200, "target": "/api/orders/orders/7", "method": "GET"})
    more = [*before, *steps({"status": 200, "target": "/api/payments/9/refunds", "method": "DELETE"})]
    shorter, longer = beside(a_run("01KONE"), before, before[:1]), beside(a_run("01KTWO"), before, more)
    rows = matrix(QA, before, [shorter, longer])["rows"]
    outcomes = [(row["step"], *(cell and cell["outcome"] for cell in row["cells"])) for row in rows]
    assert outcomes == [(1, "same", "same"), (2, "removed", "same"), (None, None, "added")]
    assert rows[1]["cells"][0]["exchange"] is None
    assert rows[2]["method"] == "DELETE"


def test_a_step_that_was_not_sent_says_why():
    before = steps({"status": 200}, {"status": 200, "target": "/api/orders/orders/7", "method": "GET"})
    shorter = replace(beside(a_run("01KONE"), before, before[:1]), unsent={2: "the run ended after step 1"})
    rows = matrix(QA, before, [shorter, beside(a_run("01KTWO"), before, before)])["rows"]
    assert [cell["why"] for cell in rows[1]["cells"]] == ["the run ended after step 1", ""]


def test_of_very_many_steps_only_those_that_differ_are_shown():
    before = steps(*[{"status": 200, "target": f"/api/orders/{number}"} for number in range(MOST_ROWS + 10)])
    after = [*before[:7], replace(before[7], status=500), *before[8:]]
    found = matrix(QA, before, [beside(a_run("01KONE"), before, after)])
    assert [row["step"] for row in found["rows"]] == [8]
    assert found["left_out"] == MOST_ROWS + 9
