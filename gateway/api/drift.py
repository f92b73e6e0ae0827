"""The JSON API's calls about contracts: findings, coverage, what was read. I/O."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ..errors import UsageError
from ..services import drift_findings
from ..web.access import who_of
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, read_body
from .schemas import TEXT, page, ref

DECISION = (
    ApiField("accepted", "boolean", "true: live with it until its contract changes; false: no more", required=True),
    ApiField("why", "string", "why it is accepted; needed then"),
)
QUERY = (
    ApiField("cluster", "string", "only this cluster"),
    ApiField("environment", "string", "only this environment"),
    ApiField("severity", "string", "error, warning or info"),
    ApiField("rule", "string", "only this rule, such as wrong-type"),
    ApiField("since", "string", "seen in so long a time, such as 2h"),
)


async def list_drift(request: web.Request) -> web.Response:
    query = drift_findings.wanted(request.query)
    return web.json_response(await asyncio.to_thread(drift_findings.listed, request.app[SERVICES], query))


async def read_finding(request: web.Request) -> web.Response:
    found = await asyncio.to_thread(drift_findings.finding, request.app[SERVICES], request.match_info["id"])
    return web.json_response(found)


async def decide_finding(request: web.Request) -> web.Response:
    body = await read_body(request, DECISION)
    if "accepted" not in body:
        raise UsageError("'accepted' is missing", hint='{"accepted": true, "why": "..."}')
    why = body.get("why", "") if body["accepted"] else None
    found = await drift_findings.accept(
        request.app[SERVICES], request.match_info["id"], why, who=who_of(request), source="api"
    )
    return web.json_response(found)


async def list_recording_drift(request: web.Request) -> web.Response:
    found = await asyncio.to_thread(drift_findings.of_recording, request.app[SERVICES], request.match_info["id"])
    return web.json_response(found)


async def list_contracts(request: web.Request) -> web.Response:
    return web.json_response({"items": drift_findings.contracts(request.app[SERVICES]), "next": None})


async def read_coverage(request: web.Request) -> web.Response:
    cluster, environment = request.query.get("cluster", ""), request.query.get("environment", "")
    if not cluster:
        raise UsageError("'cluster' is missing", hint="coverage?cluster=orders&environment=qa")
    found = await asyncio.to_thread(drift_findings.covered, request.app[SERVICES], cluster, environment)
    return web.json_response(found)


OPERATIONS = (
    ApiCall("GET", "drift", list_drift, "Where exchanges differ from contracts", page("Finding"), query=QUERY),
    ApiCall("GET", "drift/{id}", read_finding, "One finding with the exchanges in which it was seen", ref("Finding")),
    ApiCall("PATCH", "drift/{id}", decide_finding, "Accept a finding, or not any more", ref("Finding"), body=DECISION),
    ApiCall(
        "GET", "recordings/{id}/drift", list_recording_drift, "The findings of a recording by step",
        page("StepFindings", recording=TEXT),
    ),
    ApiCall("GET", "contracts", list_contracts, "The contracts as they were read", page("ContractState")),
    ApiCall(
        "GET", "coverage", read_coverage, "How much of a contract was seen in an environment", ref("Coverage"),
        query=(
            ApiField("cluster", "string", "the cluster", required=True),
            ApiField("environment", "string", "where; its present one without it"),
        ),
    ),
)  # fmt: skip
