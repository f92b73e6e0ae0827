"""Secrets that JSON names beside their values."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.redact.bodies import BodySealer
from gateway.redact.json_text import named_places
from gateway.redact.names import SecretNames


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ([{"op": "replace", "path": "/users/0/password", "value": "x"}], {(0, "value")}),
        ({"fields": [{"name": "user", "value": "a"}, {"name": "api_key", "value": "b"}]}, {("fields", 1, "value")}),
        ({"headers": [["Host", "a"], ["Authorization", "Bearer b"]]}, {("headers", 1, 1)}),
        ([{"header": "X-Auth-Token", "values": ["a", "b"]}], {(0, "values")}),
        ([{"key": "password", "newValue": "a", "oldValue": "b"}], {(0, "newValue"), (0, "oldValue")}),
        ([{"name": "colour", "value": "red"}, ["red", "green"], {"path": "/users/0/name", "value": 1}], set()),
        ({"value": "x", "name": None}, set()),
    ],
)
def test_a_value_is_known_by_what_stands_beside_it(document: object, places: set[object]):
    assert named_places(json.dumps(document).encode(), document, SecretNames().is_secret) == places


def test_what_is_very_deep_ends():
    document: object = {"name": "password", "value": 1}
    for _ in range(500):
        document = [document]
    assert named_places(b'"value"', document, SecretNames().is_secret) == set()


PIECES = st.sampled_from([
    "token=", "--token=", "token:", "token: ", "password = ", "'", '"', "`", '\\"', "\\", ", ", "x=1", "&", "?", "\n", "=>", "a", " ",
    '"""', "{", "}", '{"token": "', "<input name=token value=", ">", "%22", "http://h/?token=", "s3cret",
])  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=6).map("".join), min_size=1, max_size=5))
@example(["--token=", "--x=1", 'a "q"'])  # the arguments of processes, as a server of measurements lists them
@example(["--token='", "--x='1'", 'a "q"'])
@example(["token=\\"])
@example(["<input name=token value="])
def test_json_stays_json(strings):
    sealer = BodySealer(SecretNames(), None, lambda value: b"S", lambda value: b"S", lambda data: data)
    found = json.loads(sealer.text(json.dumps(strings).encode(), b"application/json"))
    assert len(found) == len(strings)
    again = json.loads(sealer.text(json.dumps(["token=s3cret", *strings]).encode(), b"application/json"))
    assert "s3cret" not in again[0]
