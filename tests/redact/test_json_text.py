"""Secrets that JSON names beside their values."""

import json

import pytest

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
