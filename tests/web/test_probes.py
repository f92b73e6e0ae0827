"""Machines learn whether the gateway is up and ready, and why not."""

from gateway.errors import Problem
from gateway.protocols import RecorderStatus


async def get(client, name):
    answer = await client.get(f"/_gateway/{name}")
    return answer.status, await answer.text()


async def test_up_and_ready(client):
    assert await get(client, "healthz") == (200, "ok\n")
    assert await get(client, "readyz") == (200, "ready\n")


async def test_not_ready_names_file_line_and_recorder(client, services, book):
    services.routes.problems = (
        Problem("routes.yaml", 10, 13, "clusters.orders", "'qaa' is not one of"),
        Problem("routes.yaml", 1, 1, "", "odd but fine", severity="warning"),
    )
    book.state = RecorderStatus(missed=3, reason="the disk is full")
    status, text = await get(client, "readyz")
    assert status == 503
    assert text.splitlines() == [
        "routes.yaml:10:13: error: clusters.orders: 'qaa' is not one of",
        "recorder: the disk is full (3 exchanges missed)",
    ]
    assert (await get(client, "healthz"))[0] == 200


async def test_metrics_and_version(client):
    status, text = await get(client, "metrics")
    assert status == 200
    assert "# TYPE" in text
    answer = await client.get("/_gateway/version")
    assert (await answer.json())["name"] == "What-If Gateway"
