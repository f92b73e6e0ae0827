"""What was recorded with {{ }} in it is never taken for a variable of a tool.

Covers: diagrams/noise, export/scenario/path_evidence.
"""

from __future__ import annotations

import json

import yaml

from gateway.export.runnable import bruno, http_file, postman
from gateway.export.runnable.brace_escaping import escaped, obstacle
from gateway.export.scenario.scenario import scenario

JSON = (("Content-Type", "application/json"),)
TEXT = (("Content-Type", "text/plain"),)


def a_step(make, body, headers=JSON, **more):
    return make(1, method="POST", sent=body.encode(), headers=headers, **more)


def test_a_second_brace_in_json_becomes_an_escape_and_the_value_stays(an_exchange, a_recording):
    body = '{"a": "{{x}} {{{y}}}", "b": {"c": {}}}'
    (step,) = scenario(a_recording(1), [a_step(an_exchange, body)]).steps
    ((text,),) = [escaped(step).body.text]
    assert "{{" not in text
    assert json.loads(text) == json.loads(body)
    assert not obstacle(escaped(step))


def test_what_is_no_json_is_left_and_named(an_exchange, a_recording):
    (step,) = scenario(a_recording(1), [a_step(an_exchange, "Dear {{name}},", TEXT)]).steps
    assert escaped(step) == step
    assert obstacle(step) == "{{name}} in it would be taken for a variable"
    assert not obstacle(step, lambda name: name == "other")


def test_postman_leaves_names_that_it_does_not_know(an_exchange, a_recording):
    steps = [a_step(an_exchange, "{{7*7}}", TEXT), an_exchange(2, method="POST", sent=b"{{$guid}}", headers=TEXT)]
    first, second = json.loads(postman.dump([(a_recording(2), steps)], version="1"))["item"]
    assert first["request"]["body"]["raw"] == "{{7*7}}"
    assert second["description"] == "Step 2 is not expressible here: {{$guid}} in it would be taken for a variable."


def test_a_field_that_would_change_is_left_out_and_said(an_exchange, a_recording):
    fields = (*JSON, ("X-Name", "Jos\xe9"), ("X-Odd", "{{orders_url}}"), ("X-Good", "a"))
    run = [(a_recording(1), [a_step(an_exchange, "{}", fields)])]
    (item,) = json.loads(postman.dump(run, version="1"))["item"]
    assert [one["key"] for one in item["request"]["header"]] == ["Content-Type", "X-Good"]
    assert "Sent without its field X-Name, which cannot be written here: Jos\xe9" in item["request"]["description"]
    assert "X-Odd, which cannot be written here: {{orders_url}}" in item["request"]["description"]
    (_, file) = bruno.files(run, version="1").values()
    assert [one["name"] for one in yaml.safe_load(file)["http"]["headers"]] == ["Content-Type", "X-Good"]


def test_httpyac_evaluates_no_field(an_exchange, a_recording):
    fields = (*TEXT, ("X-Code", "{{process.exit()}}"), ("X-Comma", "a,"), ("X-Escape", r"\{\{x\}\}"))
    text = http_file.dump([(a_recording(1), [a_step(an_exchange, "x", fields)])], version="1")
    assert 'X-Code: {{"\\u007b\\u007bprocess.exit()\\u007d\\u007d"}}\n' in text
    assert 'X-Comma: {{"a,"}}\n' in text
    assert 'X-Escape: {{"\\\\\\u007b\\\\\\u007bx\\\\\\u007d\\\\\\u007d"}}\n' in text


def test_braces_of_a_url_are_percent_encoded(an_exchange, a_recording):
    run = [(a_recording(1), [an_exchange(1, target="/api/orders/{{7*7}}?q={{x}}#y")])]
    for module in (postman, http_file, bruno):
        assert "/%7B%7B7*7%7D%7D?q=%7B%7Bx%7D%7D%23y" in module.dump(run, version="1")
