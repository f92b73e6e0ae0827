"""Which environments a request asks for, by Gateway-Env and baggage: the relay and the write guard read them alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routes.overrides import chosen, overrides_of


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([(b"Gateway-Env", b"a=qa")], ("header", {"a": "qa"})),
        ([(b"GATEWAY-ENV", b" a = qa , b=test,")], ("header", {"a": "qa", "b": "test"})),
        ([(b"baggage", b"x=1, gateway-env.a=qa;p=1")], ("baggage", {"a": "qa"})),
        ([(b"baggage", b"gateway-env.a=dev"), (b"Gateway-Env", b"a=qa")], ("header", {"a": "qa"})),
        ([(b"Gateway-Env", b","), (b"Gateway-Env", b"a=qa"), (b"Gateway-Env", b"a=dev")], ("header", {"a": "qa"})),
        ([(b"baggage", b"gateway-session=x")], ("", {})),
        ([], ("", {})),
    ],
)
def test_the_first_line_that_chooses_wins_and_the_header_comes_before_baggage(headers, found):
    assert chosen(overrides_of(headers)) == found


@given(st.lists(st.tuples(st.sampled_from([b"Gateway-Env", b"baggage", b"X"]), st.binary(max_size=30)), max_size=5))
def test_any_bytes_give_a_choice_or_a_value_error(headers):
    try:
        source, found = chosen(overrides_of(headers))
    except ValueError:
        return
    assert source in ("header", "baggage", "") and bool(found) == bool(source)
