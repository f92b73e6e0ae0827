"""From a recording to a diagram: who takes part, what is told, what is hidden."""

from __future__ import annotations

from gateway.diagrams import Call, Divider, sequence
from gateway.diagrams.diagram import calls
from gateway.model.exchange import Failure, Timing


def rows(diagram):
    return [row for chapter in diagram.chapters for row in chapter.rows]


def test_participants_stand_in_order_of_first_use_grouped_by_environment(an_exchange, a_recording):
    exchanges = [
        an_exchange(1, cluster="orders", environment="qa"),
        an_exchange(2, cluster="users", environment="test"),
        an_exchange(3, cluster="payments", environment="qa"),
    ]
    diagram = sequence(a_recording(exchanges), exchanges)
    assert [each.name for each in diagram.participants] == ["client", "orders @qa", "payments @qa", "users @test"]
    assert diagram.boxes == (("qa", (1, 2)), ("test", (3,)))


def test_labels_carry_step_method_path_status_and_time(an_exchange, a_recording):
    exchanges = [an_exchange(3, method="POST", status=201, reason="Created", timing=Timing(total_ms=14.2))]
    (call,) = rows(sequence(a_recording(exchanges), exchanges))
    assert (call.request, call.response) == ("3 POST /api/orders/orders", "201 Created · 14 ms")


def test_a_missing_reason_phrase_is_looked_up(an_exchange, a_recording):
    exchanges = [an_exchange(1, status=404), an_exchange(2, status=299)]
    assert [call.answer for call in rows(sequence(a_recording(exchanges), exchanges))] == ["404 Not Found", "299"]


def test_a_long_path_is_shortened_in_the_middle_and_whole_in_the_sentence(an_exchange, a_recording):
    target = "/api/orders/" + "x" * 80 + "/end"
    exchanges = [an_exchange(1, target=target)]
    (call,) = rows(sequence(a_recording(exchanges), exchanges))
    assert len(call.path) == 46
    assert call.path.startswith("/api/orders/x")
    assert call.path.endswith("/end")
    assert target in call.sentence


def test_a_move_is_a_divider(an_exchange, a_recording):
    exchanges = [an_exchange(1, environment="test"), an_exchange(2, environment="qa"), an_exchange(3, environment="qa")]
    found = rows(sequence(a_recording(exchanges), exchanges))
    assert [type(row) for row in found] == [Call, Divider, Call, Call]
    assert found[1].text == "orders: test -> qa"


def test_a_sessions_own_choice_is_a_remark_and_no_move(an_exchange, a_recording):
    exchanges = [an_exchange(1), an_exchange(2, environment="dev", override="header"), an_exchange(3)]
    found = rows(sequence(a_recording(exchanges), exchanges))
    assert [row.request for row in found][1] == "2 GET /api/orders/orders (header)"
    assert all(isinstance(row, Call) for row in found)


def test_a_failure_says_its_kind(an_exchange, a_recording):
    failure = Failure("connection_refused", "nobody listens")
    exchanges = [an_exchange(1, status=502, failure=failure, response=None)]
    (call,) = rows(sequence(a_recording(exchanges), exchanges))
    assert (call.answer, call.outcome) == ("502 connection refused", "failed")
    assert "nobody listens" in call.sentence


def test_what_is_open_or_was_interrupted_says_so(an_exchange, a_recording):
    exchanges = [an_exchange(1, status=None, state="open"), an_exchange(2, state="interrupted")]
    found = rows(sequence(a_recording(exchanges), exchanges))
    assert [(call.answer, call.outcome) for call in found] == [("still open", "open"), ("200 interrupted", "failed")]


def test_noise_is_hidden_and_counted(an_exchange, a_recording):
    preflight = (("Access-Control-Request-Method", "POST"),)
    exchanges = [
        an_exchange(1, method="OPTIONS", headers=preflight, status=204),
        an_exchange(2, target="/api/orders/app.js"),
        an_exchange(3, target="/api/orders/style.css?v=2"),
        an_exchange(4, target="/api/orders/health"),
        an_exchange(5),
        an_exchange(6, method="OPTIONS", headers=preflight, status=403),
    ]
    diagram = sequence(a_recording(exchanges), exchanges)
    assert diagram.hidden == "hidden: 1 preflight, 2 assets, 1 health check"
    assert [call.step for call in rows(diagram)] == [5, 6]


def test_a_recording_of_nothing_but_noise_is_shown(an_exchange, a_recording):
    exchanges = [an_exchange(1, target="/api/orders/health")]
    diagram = sequence(a_recording(exchanges), exchanges)
    assert diagram.hidden == ""
    assert len(rows(diagram)) == 1


def test_an_exchange_of_no_cluster_belongs_to_the_gateway(an_exchange, a_recording):
    exchanges = [an_exchange(1, target="/catalog/books/1", status=404)]
    assert sequence(a_recording(exchanges), exchanges).participants[1].name == "gateway"


def test_an_empty_recording_has_no_chapter(a_recording):
    assert sequence(a_recording([]), []).chapters == ()


def test_invisible_and_reversing_characters_do_not_reach_a_label(an_exchange, a_recording):
    exchanges = [an_exchange(1, target="/api/orders/a\u202eb\x1b[31m\nc", cluster="or\nders")]
    diagram = sequence(a_recording(exchanges, title="t\x00\ud800"), exchanges)
    (call,) = calls(rows(diagram))
    assert call.path == "/api/orders/a\ufffdb\ufffd[31m c"
    assert diagram.participants[1].name == "or ders @qa"
    assert diagram.title == "t\ufffd\ufffd"
