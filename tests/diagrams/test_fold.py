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


def test_the_polling_session_of_448_exchanges_is_a_handful_of_rows(an_exchange, a_recording):
    """Sign in, order, poll the receipt 430 times, pay, poll once more, with the stream beside it."""
    login = [an_exchange(1, method="POST", target="/api/users/login"), an_exchange(2, method="POST", status=201)]
    polls = [an_exchange(at, target="/api/orders/orders/501/receipt", status=404) for at in range(3, 440)]
    paid = [an_exchange(440, method="POST", target="/api/payments/orders/501/payments", status=201)]
    after = [an_exchange(at, target=f"/api/orders/orders/{at}/receipt") for at in range(441, 449)]
    exchanges = [*login, *polls, *paid, *after]
    found = rows(sequence(a_recording(exchanges), exchanges))
    assert len(exchanges) == 448
    assert [row.label if isinstance(row, Loop) else row.step for row in found] == [
        1, 2, "437x · steps 3 to 439", 440, "8x · steps 441 to 448",
    ]  # fmt: skip


def test_polls_of_different_lengths_fold_into_one_loop(an_exchange, a_recording):
    exchanges = []
    for times in (4, 7, 3, 9, 5):
        exchanges += [an_exchange(len(exchanges) + 1 + at, status=404) for at in range(times)]
        exchanges += [an_exchange(len(exchanges) + 1), an_exchange(len(exchanges) + 2, target="/api/users/me")]
    (outer,) = rows(sequence(a_recording(exchanges), exchanges))
    assert outer.label == "5x · steps 1 to 38"
    assert [getattr(row, "label", "") for row in outer.rows] == ["3x to 9x until 200 OK", "", ""]


def test_timers_in_changing_order_are_one_loop_that_counts_each(an_exchange, a_recording):
    """Two timers of periods that never meet: no order repeats itself."""
    targets = ["/api/orders/a" if (at * 7) % 11 < 6 else "/api/users/b" for at in range(300)]
    targets = [f"{one}/{'xyz'[at * at % 3]}" for at, one in enumerate(targets)]
    exchanges = [an_exchange(step, target=target) for step, target in enumerate(targets, 1)]
    found = rows(sequence(a_recording(exchanges), exchanges))
    assert len(found) <= 5
    assert sum(call.times for call in calls(found)) >= 250
    (mixed,) = [row for row in found if isinstance(row, Loop) and "in changing order" in row.label] or [found[0]]
    assert mixed.last <= 300


def test_a_fragment_inside_a_long_recording_is_folded_too(an_exchange, a_recording):
    from dataclasses import replace

    polls = [an_exchange(at, target="/api/orders/bill", status=404) for at in range(1, 21)]
    variant = replace(a_recording(polls, title="refused"), id="v", parent="01JREC", branched_at=1)
    refused = [replace(one, status=503) for one in polls]
    (alt,) = rows(sequence(a_recording(polls), polls, variants=[(variant, refused)]))
    assert [[row.label for row in section.rows] for section in alt.sections] == [["20x · steps 1 to 20"]] * 2
