"""Pages about contracts: where exchanges differ from them, one finding, and what was never seen of a contract. I/O."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..contracts.findings import SEVERITIES
from ..contracts.ignore import RULES
from ..services import drift_findings
from ..web.access import who_of
from ..web.guard import form_text
from ..web.keys import FORM, SERVICES
from ..web.view import View, view

if TYPE_CHECKING:
    from ..protocols import Services

SHOWN = ("cluster", "environment", "severity", "rule", "since")


async def drift_page(request: web.Request) -> View:
    """All findings, the worst first, and what was judged where; ?all=1 shows information and what was accepted too."""
    services, wanted = request.app[SERVICES], drift_findings.wanted(request.query)
    found = await asyncio.to_thread(drift_findings.listed, services, wanted)
    everything = request.query.get("all", "") == "1" or wanted.severity == "info"
    items = [one for one in found["items"] if everything or (one["severity"] != "info" and one["accepted"] is None)]
    hidden = len(found["items"]) - len(items)
    data = found | {
        "items": items, "hidden": hidden, "all": everything, "contracts": drift_findings.contracts(services),
        "query": {name: request.query.get(name, "") for name in SHOWN},
    }  # fmt: skip
    return view(data, severities=SEVERITIES, rules=RULES, clusters=sorted({one["cluster"] for one in found["places"]}))


async def finding_page(request: web.Request) -> View:
    """One finding: what, since when, why, in which exchanges."""
    found = await asyncio.to_thread(drift_findings.finding, request.app[SERVICES], request.match_info["id"])
    return view(found)


async def coverage_page(request: web.Request) -> View:
    """How much of a contract was seen in an environment: ?cluster=orders&environment=qa."""
    cluster, environment = request.query.get("cluster", ""), request.query.get("environment", "")
    found = await asyncio.to_thread(drift_findings.covered, request.app[SERVICES], cluster, environment)
    place = {"cluster": found.pop("cluster"), "environment": found.pop("environment")}
    return view(place | {"parts": found})


async def of_step(services: Services, recording: str, step: int) -> list[dict[str, Any]]:
    """The findings of one exchange, for its page."""
    return await asyncio.to_thread(drift_findings.of_step, services, recording, step)


async def on_board(services: Services) -> dict[str, dict[str, Any]]:
    """What the board's cells say, by "cluster@environment", where a cluster has a contract."""
    found = await asyncio.to_thread(drift_findings.badges, services)
    return {"@".join(place): asdict(badge) for place, badge in found.items()}


# (path, its .json twin, template, what it reads)
PAGES = (
    ("/_gateway/drift", ("/_gateway/drift.json",), "drift.html", drift_page),
    ("/_gateway/drift/coverage", ("/_gateway/drift/coverage.json",), "coverage.html", coverage_page),
    ("/_gateway/drift/{id}", ("/_gateway/drift/{id}.json",), "finding.html", finding_page),
)


async def decide(request: web.Request) -> web.Response:
    """The form of a finding: accept with a reason, or forget that."""
    id = request.match_info["id"]
    why = None if form_text(request, "do") == "forget" else form_text(request, "why") if "why" in request[FORM] else ""
    found = await drift_findings.accept(request.app[SERVICES], id, why, who=who_of(request), source="console")
    raise web.HTTPSeeOther(f"/_gateway/drift/{found['id']}")
