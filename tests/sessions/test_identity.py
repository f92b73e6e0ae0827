"""What header fields say about the sender: the session's id, and a Cookie field without our cookie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.sessions.identity import COOKIE_NAME, FieldKinds, baggage_id, checked_id, own_cookies, strip_cookie


@pytest.mark.parametrize(
    ("field", "left"),
    [
        (b"gateway_session=x", b""),
        (b"gateway_session=x; mine=1", b"mine=1"),
        (b"mine=1; gateway_session=x", b"mine=1"),
        (b"a=1; gateway_session=x; b=2", b"a=1; b=2"),
        (b"a=1;gateway_session=x;b=2", b"a=1;b=2"),
        (b"gateway_session=x;  b=2", b"b=2"),
        (b"gateway_session=x; gateway_session=y; b=2", b"b=2"),
        (b"a=1; gateway_session=x;", b"a=1;"),
        (b"gateway_session=x;", b""),
        (b"gateway_session = x; b=2", b"b=2"),
        (b"gateway_session", b""),
        (b"my_gateway_session=1; b=gateway_session", b"my_gateway_session=1; b=gateway_session"),
        (b"Gateway_Session=x", b"Gateway_Session=x"),
        (b" a=1 ;\tb=\xff\xfe", b" a=1 ;\tb=\xff\xfe"),
        (b"", b""),
    ],
)
def test_only_our_pair_and_its_separator_vanish(field: bytes, left: bytes):
    assert strip_cookie(field) == left


OTHER_PAIR = st.binary(max_size=12).filter(lambda pair: b";" not in pair and COOKIE_NAME not in pair)
OWN_PAIR = st.sampled_from([b"gateway_session=abc", b"gateway_session=", b"gateway_session"])


@given(st.lists(OTHER_PAIR, min_size=1, max_size=6), OWN_PAIR, st.integers(0, 6), st.sampled_from([b";", b"; "]))
def test_the_other_pairs_stay_byte_for_byte(others: list[bytes], own: bytes, at: int, separator: bytes):
    """Also pairs that are empty, odd or not text; only blanks after our pair's separator may go with it."""
    at = min(at, len(others))
    before, after = others[:at], others[at:]
    field = separator.join([*before, own, *after])
    without = separator.join([*before, *after])
    expected = without if before else without.lstrip(b" \t")
    assert strip_cookie(field) == (expected if expected.strip(b" \t;") else b"")


@given(st.lists(OTHER_PAIR, max_size=6))
def test_a_field_without_our_cookie_is_the_same_bytes(others: list[bytes]):
    field = b"; ".join(others)
    assert strip_cookie(field) is field


def test_our_cookies_are_found_among_others():
    assert list(own_cookies(b'a=1; gateway_session=x;gateway_session="y"; gateway_sessions=z')) == [b"x", b"y"]


@pytest.mark.parametrize(
    ("field", "id"),
    [
        (b"gateway-session=abc", "abc"),
        (b"userId=alice,gateway-session=abc;prop=1;other , isProduction=false", "abc"),
        (b"gateway-session = a%2Fb%20c", None),
        (b"gateway-session = a%2Fb", "a/b"),
        (b"gateway-sessions=1, x=gateway-session", ""),
        (b"a=1;gateway-session=2", ""),
        (b"gateway-session=", None),
        (b"", ""),
    ],
)
def test_baggage_members_are_read_as_w3c_says(field: bytes, id: str | None):
    if id is None:
        with pytest.raises(UsageError):
            baggage_id(field)
    else:
        assert baggage_id(field) == id


@pytest.mark.parametrize(
    ("value", "problem"),
    [(b"", "is empty"), (b"x" * 129, "129 bytes"), (b"a b", "visible ASCII"), (b"\xc3\xa4", "visible ASCII")],
    ids=["empty", "long", "blank", "umlaut"],
)
def test_an_id_that_cannot_be_one_is_refused_with_a_reason(value: bytes, problem: str):
    with pytest.raises(UsageError) as caught:
        checked_id(value, "Gateway-Session")
    assert problem in str(caught.value)
    assert "Gateway-Session" in str(caught.value)


def test_field_names_in_any_case_are_known_and_the_memory_of_them_is_bounded():
    kinds = FieldKinds()
    assert kinds[b"COOKIE"] == kinds[b"cookie"] != 0
    for number in range(5000):
        assert kinds[b"x-%d" % number] == 0
    assert len(kinds) <= 1024
