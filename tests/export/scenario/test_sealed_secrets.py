"""Placeholders of sealed secrets get variables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.export.scenario.sealed_secrets import Secrets

ONE, TWO = "sealed_abcdefghijklmnopqrst_l32", "sealed_aaaabbbbccccddddeeee_s12"


def test_variables_are_numbered_in_order_of_use(an_exchange):
    exchanges = [an_exchange(1, target=f"/?token={ONE}"), an_exchange(2, sent=f"{TWO} {ONE}".encode())]
    assert Secrets(exchanges).places == {"SECRET_1": "the URL of step 1", "SECRET_2": "the body of step 2"}


def test_bytes_are_split_around_variables(an_exchange):
    secrets = Secrets([an_exchange(1, target=f"/?token={ONE}")])
    parts = list(secrets.split(f"a{ONE} {TWO}".encode()))
    assert parts == [(b"a", ""), (b"", "SECRET_1"), (f" {TWO}".encode(), "")]


@given(st.lists(st.binary() | st.sampled_from([b"<1>", b"<2>"])))
def test_nothing_is_lost_in_between(pieces):
    secrets = Secrets([])
    secrets.names = {ONE.encode(): "ONE", TWO.encode(): "TWO"}
    data = b"".join(pieces).replace(b"<1>", ONE.encode() + b" ").replace(b"<2>", TWO.encode() + b" ")
    back = {name: placeholder for placeholder, name in secrets.names.items()}
    assert b"".join(part + back.get(name, b"") for part, name in secrets.split(data)) == data
