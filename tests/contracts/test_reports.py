"""Drift for machines: SARIF that its schema takes, JUnit with a suite for each place, no value of any body.

Covers: contracts/reports.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest
from contracting import SHOP, Backend, an_exchange

from gateway.contracts.contract import Contract, folder_reader
from gateway.contracts.findings import DriftTally, TallyKeeper, open_count
from gateway.contracts.judge import ContractJudge, Scope
from gateway.contracts.reports import PlaceReport, junit_report, sarif_report, text_report

SCHEMA = Path(__file__).parents[1] / "data" / "foreign" / "sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def sarif() -> Any:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    for name in ("run", "toolComponent"):  # its bracket is open in other dialects than JavaScript's; we say no language
        schema["definitions"][name]["properties"]["language"].pop("pattern", None)
    return jsonschema_rs.Draft4Validator(schema, validate_formats=True)


def place(source: str = "shop.yaml", environment: str = "qa", **files: str) -> PlaceReport:
    """What five drifting responses and a request give, under a contract from this source."""
    contents = {"shop.yaml": SHOP.encode()} | {name: text.encode() for name, text in files.items()}
    judge = ContractJudge(Contract(source, "shop.yaml", folder_reader(contents)))
    keeper = TallyKeeper(judge, DriftTally("shop", environment, source, "0"), Scope(), ())
    backend = Backend(drifts=True)
    for number in range(5):
        status, kind, body = backend.answer(f"/v3/orders/{number}")
        keeper.take(
            an_exchange(path=f"/v3/orders/{number}", body=body, status=status, headers=(("Content-Type", kind),))
        )
    keeper.take(an_exchange(path="/v3/orders?page=0&pge=CANARY", body=[]))
    return PlaceReport("shop", environment, source, "Shop", 6, {}, tuple(keeper.tally.all()))


# A contract whose schemas are in another file.
SCHEMAS = "components:\n  schemas:\n" + SHOP.partition("components:\n  schemas:\n")[2]
ROOT = SHOP.partition("components:\n")[0].replace("'#/components", "'parts/all schemas.yaml#/components")
TWO = {"shop.yaml": ROOT, "parts/all schemas.yaml": SCHEMAS}


@pytest.mark.parametrize(
    ("source", "files", "uris"),
    [
        ("contracts/shop.yaml", {}, {"contracts/shop.yaml"}),
        ("my shops#1/shop.yaml", {}, {"my%20shops%231/shop.yaml"}),
        ("https://git.example/my shop.yaml?ref=a&x=[1]", {}, {"https://git.example/my%20shop.yaml?ref=a&x=[1]"}),
        ("c/shop.yaml", TWO, {"c/shop.yaml", "c/parts/all%20schemas.yaml"}),
    ],
    ids=["file", "name with spaces", "url", "two files"],
)  # fmt: skip
def test_sarif_is_valid_and_names_file_and_line(
    sarif: Any, source: str, files: dict[str, str], uris: set[str]
) -> None:  # fmt: skip
    text = sarif_report([place(source, **files)], version="1.2.3")
    found = json.loads(text)
    assert [error.message for error in sarif.iter_errors(found)] == []
    (run,) = found["runs"]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert {one["artifactLocation"]["uri"] for one in places} == uris
    assert all(one["region"]["startLine"] > 1 for one in places)
    assert {one["level"] for one in run["results"]} == {"error", "warning", "note"}
    assert "CANARY" not in text


def test_sarif_of_nothing_is_valid(sarif: Any) -> None:
    assert sarif.is_valid(json.loads(sarif_report([], version="1")))
    assert not sarif.is_valid({"version": "2.1.0", "runs": [{}]}), "the schema refuses what is none"


def test_junit_has_a_suite_for_each_cluster_and_environment() -> None:
    qa, test = place(), place(environment="test")
    root = ElementTree.fromstring(junit_report([qa, replace(test, findings=())], least="error"))
    suites = [(one.get("name"), one.get("failures"), len(one.findall("testcase/failure"))) for one in root]
    assert suites == [("shop@qa", "3", 3), ("shop@test", "0", 0)]


def test_many_paths_below_one_of_the_contract_are_one_line() -> None:
    """A name with a slash in it, as JupyterLab's settings have: each of its paths would be a finding of its own."""
    judge = ContractJudge(Contract("shop.yaml", "shop.yaml", folder_reader({"shop.yaml": SHOP.encode()})))
    keeper = TallyKeeper(judge, DriftTally("shop", "qa", "shop.yaml", "0"), Scope(), ())
    for name in ("alpha", "beta", "gamma", "delta"):
        keeper.take(an_exchange(path=f"/v3/orders/7/{name}", body={}))
        keeper.take(an_exchange(path=f"/v3/assets/{name}.js", status=404))
    keeper.take(an_exchange(path="/v3/orders/mine/x", body={}))
    findings = keeper.tally.all()
    assert (len(findings), open_count(findings)) == (9, 2)
    text = "\n".join(text_report([PlaceReport("shop", "qa", "s", "Shop", 9, {}, tuple(findings))], everything=True))
    assert "error    4 paths below /orders/{id} are not in the contract   4 of 4" in text
    assert "info     4 paths below / are not in the contract   4 of 4" in text
    assert "error    GET /v3/orders/mine/x   no path of the contract fits" in text
