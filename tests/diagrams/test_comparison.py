"""Two recordings in one diagram: equal steps collapse, the others say what they are."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from gateway.correlation import Correlations
from gateway.diagrams import WRITERS, Divider, changes, svg
from gateway.replay.compare import compare_runs

NAMES = ["login", "books", "book", "order", "bill", "pay", "done"]


@pytest.fixture
def a_run(an_exchange):
    def make(*names, **statuses):
        targets = enumerate(names or NAMES, 1)
        return [an_exchange(at, target=f"/api/shop/{one}", status=statuses.get(one, 200)) for at, one in targets]

    return make


def compared(a, b):
    return changes("Monday", "Tuesday", compare_runs("a", "b", a, b, Correlations()).steps)


def rows(diagram):
    return [row for chapter in diagram.chapters for row in chapter.rows]


def told(diagram):
    return [row.text if isinstance(row, Divider) else (row.change, row.step, row.answer) for row in rows(diagram)]


def test_more_than_three_equal_steps_collapse(a_run):
    diagram = compared(a_run(), a_run(done=404))
    assert told(diagram) == ["6 equal steps: 1 to 6", ("changed", 7, "200 OK -> 404 Not Found")]
    assert diagram.title == "Monday | Tuesday"
    assert diagram.about == "6 equal, 1 changed"


def test_up_to_three_equal_steps_are_drawn(a_run):
    assert [row[0] for row in told(compared(a_run(), a_run(order=409)))] == ["same"] * 3 + ["changed"] + ["same"] * 3


def test_steps_of_one_side_only(a_run):
    found = compared(a_run("login", "books", "pay"), a_run("login", "pay", "done"))
    assert [row[:2] for row in told(found)] == [("same", 1), ("removed", 2), ("same", 3), ("added", 3)]


def test_another_environment_is_a_change_that_names_both(an_exchange):
    a, b = [an_exchange(1)], [an_exchange(1, environment="test", status=404)]
    (call,) = rows(changes("a", "b", compare_runs("a", "b", a, b, Correlations()).steps))
    assert call.request == "1 GET /api/orders/orders (was orders @qa, changed)"


def test_a_long_difference_is_cut_and_says_so(an_exchange):
    a = [an_exchange(step, target=f"/api/x/{'ab'[step % 2] * step}", status=200) for step in range(1, 301)]
    b = [an_exchange(step, target=f"/api/x/{'ab'[step % 2] * step}", status=500) for step in range(1, 301)]
    found = rows(changes("a", "b", compare_runs("a", "b", a, b, Correlations()).steps))
    assert len(found) == 160
    assert found[-1].text == "141 more rows below"


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_says_it_in_words(a_run, name):
    text = WRITERS[name](compared(a_run("a", "b", "c", "d", "e", "f"), a_run("a", "b", "c", "d", "e", "g")))
    assert "5 equal steps" in text
    assert "changed" in text or ("added" in text and "removed" in text)


def test_the_picture_marks_changes_by_sign_and_class(a_run):
    root = ET.fromstring(svg(compared(a_run("a"), a_run("a", "b"))))
    groups = [one for one in root.iter() if one.get("data-step")]
    assert [one.get("class") for one in groups] == ["step ok same", "step ok added"]
    signs = [one.text for one in root.iter() if one.get("class") == "change"]
    assert signs == ["+"]
