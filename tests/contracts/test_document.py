"""Files of a contract: YAML 1.2 and JSON with lines, references inside the folder only, limits told with a line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts.contract import folder_reader
from gateway.contracts.document import (
    MOST_FILES,
    ContractPlace,
    Documents,
    pointer_of,
    read_document,
    tokens_of,
)
from gateway.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("2026-11-30", "2026-11-30"), ("12:30", "12:30"), ("012", 12), ("0o17", 15),
        ("0x1F", 31), ("~", None), ("true", True), ("True", True), ("1e3", 1000.0), ("-.5", -0.5), ("1.", 1.0),
        ("'7'", "7"), ('"true"', "true"), ("!!str 7", "7"), ("1_000", "1_000"), ("+", "+"), (".", "."), ("-", [None]),
    ],
)  # fmt: skip
def test_yaml_is_read_by_version_1_2(text, value):
    assert read_document(f"a: {text}\n".encode() if text != "-" else b"a:\n  -\n", "x.yaml").value == {"a": value}


def test_keys_are_text_and_merges_do_not_overwrite():
    document = read_document(b"a: &x {200: ok, b: 1}\nc: {<<: *x, b: 2}\n", "x.yaml")
    assert document.value == {"a": {"200": "ok", "b": 1}, "c": {"200": "ok", "b": 2}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "x.yaml:2:1: error: the key 'a' stands twice"),
        ("a: [1\n", "x.yaml:2:1: error: it is not YAML"),
        ("a: *b\n", "x.yaml:1:1: error: there is no anchor &b"),
        ("a: 1\n---\nb: 1\n", "x.yaml:2:1: error: it holds more than one document"),
        ("[" * 300 + "]" * 300, "nested deeper than"),
        ('{"a": ' + "[" * 300 + "]" * 300 + "}", "nested deeper than"),
        ('{"a": NaN}', "NaN is no JSON"),
        ("? [a]\n: 1\n", "a key of a mapping is no text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line(text, said):
    with pytest.raises(ConfigError, match=said.replace("[", r"\[").replace("*", r"\*")):
        read_document(text.encode(), "x.yaml")


def test_aliases_cannot_exhaust_anything():
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    with pytest.raises(ConfigError, match="aliases stand for more than"):
        read_document(bomb.encode(), "x.yaml")


def test_a_file_of_33_mib_is_refused():
    with pytest.raises(ConfigError, match="larger than 32 MiB"):
        read_document(b" " * (33 << 20), "x.yaml")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), VALUES, min_size=1, max_size=4), st.data())
def test_a_member_of_json_is_found_in_its_line(value, data):
    text = json.dumps(value, indent=1)
    document = read_document(text.encode(), "x.json")
    tokens, at = [], value
    while isinstance(at, (dict, list)) and at:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        tokens.append(str(key))
        at = at[key]
    assert document.at(tokens) == at
    line = text.splitlines()[document.line(tokens) - 1]
    assert json.dumps(at) in line or line.rstrip().endswith(("{", "[", "{}", "[]"))
    assert tokens_of(pointer_of(tokens)) == tuple(tokens)


def documents(**files: str) -> Documents:
    return Documents("a.yaml", folder_reader({f"{name}.yaml": text.encode() for name, text in files.items()}))


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("file:///etc/passwd", "is a URL: nothing is fetched"),
        ("https://else.example/x.yaml#/a", "is a URL: nothing is fetched"),
        ("//else.example/x.yaml", "is a URL: nothing is fetched"),
        ("../secret.yaml", "leads out of the contract's folder"),
        ("b/../../x.yaml", "leads out of the contract's folder"),
        ("%2e%2e/x.yaml", "leads out of the contract's folder"),
        ("none.yaml", "none.yaml cannot be read: No such file"),
        ("#/nothing", "leads nowhere"),
        ("#nothing", "there is no such"),
        (7, "\\$ref is not text"),
    ],
)
def test_a_reference_that_leads_elsewhere_is_refused_with_file_and_line(reference, said):
    with pytest.raises(ConfigError, match=f"a.yaml:2:1: error: /x/y: .*{said}"):
        found = documents(a="x:\n  y: {$ref: q}\n")
        found.resolve(ContractPlace("a.yaml", ("x", "y")), reference)


def test_references_lead_into_files_and_to_anchors():
    found = documents(a="x: {$ref: b.yaml#/m}\n", b="m: {$anchor: here, n: 1}\n")
    assert found.resolve(ContractPlace("a.yaml", ("x",)), "b.yaml#/m/n") == ContractPlace("b.yaml", ("m", "n"))
    assert found.resolve(ContractPlace("b.yaml", ("m",)), "#here") == ContractPlace("b.yaml", ("m",))
    assert found.line(ContractPlace("b.yaml", ("m", "n"))) == 1


def test_a_contract_has_a_limit_of_files():
    found = documents(**{"a": "x: 1\n"} | {f"f{number}": "1\n" for number in range(MOST_FILES + 1)})
    with pytest.raises(ConfigError, match=f"more than {MOST_FILES} files"):
        for number in range(MOST_FILES + 1):
            found.resolve(ContractPlace("a.yaml", ("x",)), f"f{number}.yaml")
