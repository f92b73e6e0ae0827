"""Recorded steps, and the demo that is made of them, checked as demo.yaml is."""

from gateway.demos.authoring.scaffold import new_demo
from gateway.demos.definition.parse import parse_demo
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording

HOST = "http://127.0.0.1:8080"
JSON = "application/json"
TOKEN = "sealed_aaaaaaaaaaaaaaaaaaaa_a1"


def step(
    number,
    target,
    *,
    method="GET",
    sent=b"",
    answer=b"{}",
    status=200,
    headers=(),
    media=JSON,
    note="",
    environment="qa",
    **facts,
):
    cluster = target.split("/")[2]
    fields = (*headers, *([("Content-Type", media)] if sent else []))
    request = Request(method=method, target=target, headers=fields, body=Body(len(sent), sent))
    response = Response(status=status, headers=(("Content-Type", JSON),), body=Body(len(answer), answer))
    at = f"2026-11-22T06:00:{number:02}.000000Z"
    return Exchange(
        f"x{number}", "r", number, "s", at, HOST + target, request, response, status, cluster, environment,
        "http://127.0.0.1:9000/qa/" + target.split("/", 3)[3], notes=(note,) if note else (), **facts,
    )  # fmt: skip


def demo_of(*exchanges, title="Order a book"):
    text = new_demo(Recording("r", title, "s", steps=len(exchanges)), exchanges)
    parsed = parse_demo(text.encode(), name="d", file="demo.yaml", files=())
    assert parsed.problems == (), text
    return parsed.demo, text
