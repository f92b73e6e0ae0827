"""The scenario that documents and runnable formats are written from."""

from __future__ import annotations

from gateway.export.scenario.scenario import scenario
from gateway.export.scenario.templated_text import VariableUse, written

ONE = "sealed_abcdefghijklmnopqrst_32"
TWO = "sealed_bcdefghijklmnopqrstu_8"
BEARER = (("Authorization", f"Bearer {ONE}"),)


def shown(text):
    return written(text, lambda name: f"<{name}>")


def test_targets_are_what_the_upstream_did_not_get(an_exchange, a_recording):
    steps = [an_exchange(1), an_exchange(2, target="/api/orders/orders/5?x=1")]
    found = scenario(a_recording(2), steps)
    assert [(one.variable, one.base) for one in found.targets] == [("orders_url", "http://127.0.0.1:8080/api/orders")]
    assert [shown(step.path) for step in found.steps] == ["/orders", "/orders/<order_id>?x=<x>"]
    assert [(one.variable, one.default) for one in found.inputs] == [("order_id", "5"), ("x", "1")]


def test_a_request_that_no_cluster_took_belongs_to_the_gateway(an_exchange, a_recording):
    found = scenario(a_recording(1), [an_exchange(1, cluster="", target="/nowhere")])
    assert (found.targets[0].variable, found.targets[0].base) == ("gateway_url", "http://127.0.0.1:8080")
    assert shown(found.steps[0].path) == "/nowhere"


def test_a_secret_that_an_answer_gives_becomes_a_kept_value(an_exchange, a_recording):
    login = an_exchange(
        1, method="POST", sent=b'{"password": "%s"}' % TWO.encode(), received=b'{"token": "%s"}' % ONE.encode()
    )
    found = scenario(a_recording(2), [login, an_exchange(2, headers=BEARER)])
    keep = found.steps[0].keeps[0]
    assert (keep.variable, keep.path, keep.used) == ("token", "/token", (2,))
    assert found.steps[1].headers == (("Authorization", ("Bearer ", VariableUse("token", ONE))),)
    assert [(one.variable, one.default, one.secret) for one in found.inputs] == [("password", "", True)]


def test_a_secret_from_outside_is_an_empty_input(an_exchange, a_recording):
    found = scenario(a_recording(1), [an_exchange(1, headers=BEARER)])
    assert [(one.variable, one.default, one.about) for one in found.inputs] == [
        ("token", "", "header Authorization of step 1")
    ]


def test_headers_of_the_connection_are_left_out(an_exchange, a_recording):
    headers = (("Host", "x"), ("User-Agent", "y"), ("Accept", "*/*"), ("Sec-Fetch-Mode", "cors"), ("X-Shop", "1"))
    assert scenario(a_recording(1), [an_exchange(1, headers=headers)]).steps[0].headers == (("X-Shop", ("1",)),)


def test_cookies_that_an_answer_set_are_the_jars_business(an_exchange, a_recording):
    first = an_exchange(1, answer_headers=(("Set-Cookie", "shop=1; Path=/"),))
    second = an_exchange(2, headers=(("Cookie", "shop=1; theme=dark"),))
    assert scenario(a_recording(2), [first, second]).steps[1].headers == (("Cookie", ("theme=dark",)),)


def test_a_pin_becomes_a_header(an_exchange, a_recording):
    found = scenario(a_recording(1), [an_exchange(1, override="pin", environment="dev")])
    assert ("Gateway-Env", ("orders=dev",)) in found.steps[0].headers


def test_noise_is_hidden_and_counted(an_exchange, a_recording):
    found = scenario(a_recording(2), [an_exchange(1), an_exchange(2, target="/api/orders/health")])
    assert ([step.number for step in found.steps], found.hidden) == ([1], "hidden: 1 health check")


def test_what_no_client_can_send_says_why(bookshop):
    found = scenario(*bookshop)
    assert {step.number: step.obstacle for step in found.skipped} == {
        7: "the recording kept 4 of 4096 bytes of its body",
        8: "it is a WebSocket",
    }


def test_binary_bodies_stay_bytes(bookshop):
    body = scenario(*bookshop).steps[3].body
    assert (body.is_text, body.data) == (False, b"\x89PNG\r\n\x1a\n\x00\xff")


def test_names_that_no_field_can_have_are_left_out(an_exchange, a_recording):
    headers = (("X A\n", "1"), ("", "2"), ("X-B", "3"))
    assert scenario(a_recording(1), [an_exchange(1, headers=headers)]).steps[0].headers == (("X-B", ("3",)),)


def test_odd_methods_are_not_sent(an_exchange, a_recording):
    found = scenario(a_recording(1), [an_exchange(1, method="frob")])
    assert found.steps[0].obstacle == "its method is not of capital letters"
