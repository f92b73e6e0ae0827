"""Loops for repeats, chapters for what is long."""

from __future__ import annotations

from gateway.diagrams import Loop, sequence
from gateway.diagrams.diagram import calls


def rows(diagram):
    return [row for chapter in diagram.chapters for row in chapter.rows]


def test_ten_exchanges_are_all_shown(an_exchange, a_recording):
    exchanges = [an_exchange(step) for step in range(1, 11)]
    assert len(rows(sequence(a_recording(exchanges), exchanges))) == 10


def test_polling_becomes_a_loop_that_says_until_when(an_exchange, a_recording):
    exchanges = [an_exchange(step, status=404 if step < 15 else 200) for step in range(1, 16)]
    loop, last = rows(sequence(a_recording(exchanges), exchanges))
    assert loop.label == "14x until 200 OK · steps 1 to 14"
    assert [call.response for call in loop.rows] == ["404 Not Found · 11 ms to 24 ms"]
    assert last.step == 15


def test_different_ids_fold_to_their_shape(an_exchange, a_recording):
    exchanges = [an_exchange(step, target=f"/api/orders/orders/{500 + step}") for step in range(1, 15)]
    (loop,) = rows(sequence(a_recording(exchanges), exchanges))
    assert loop.label == "14x · steps 1 to 14"
    assert loop.rows[0].path == "/api/orders/orders/{id}"


def test_loops_nest(an_exchange, a_recording):
    inner = ["/api/orders/a", "/api/orders/a", "/api/orders/a", "/api/orders/b"]
    exchanges = [an_exchange(step, target=target) for step, target in enumerate(inner * 4, 1)]
    (outer,) = rows(sequence(a_recording(exchanges), exchanges))
    assert outer.label == "4x · steps 1 to 16"
    assert [type(row).__name__ for row in outer.rows] == ["Loop", "Call"]
    assert outer.rows[0].label == "3x"


def test_a_move_is_never_folded_away(an_exchange, a_recording):
    exchanges = [an_exchange(step, environment="qa" if step % 2 else "test") for step in range(1, 21)]
    found = rows(sequence(a_recording(exchanges), exchanges))
    assert not any(isinstance(row, Loop) for row in found)
    assert len(found) == 39


def test_chapters_have_at_most_forty_rows_and_lose_nothing(an_exchange, a_recording):
    exchanges = [an_exchange(step, target=f"/api/orders/word{'abcdefghij'[step % 7] * step}") for step in range(1, 101)]
    diagram = sequence(a_recording(exchanges), exchanges)
    assert [len(chapter.rows) for chapter in diagram.chapters] == [40, 40, 20]
    assert [(chapter.first, chapter.last) for chapter in diagram.chapters] == [(1, 40), (41, 80), (81, 100)]
    assert [call.step for call in calls(rows(diagram))] == list(range(1, 101))


def test_every_step_is_shown_or_inside_a_loop(a_recording, many):
    exchanges = many(100)
    covered = set()
    for row in rows(sequence(a_recording(exchanges), exchanges)):
        if isinstance(row, Loop):
            covered |= set(range(row.rows[0].step, row.last + 1))
        else:
            covered |= {call.step for call in calls([row])}
    assert covered == set(range(1, 101))
