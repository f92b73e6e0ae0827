"""What a session has outlives a gateway that is killed: pins, faults, its playback's place, how it is known, its forms.

Covers: app.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path

import aiohttp
from served import served, upstream

SESSION, PINS, FAULTS = (f"/_gateway/api/v1/session{part}" for part in ("", "/pins/orders", "/faults/orders"))
TOKEN = re.compile(r'name="csrf_token" value="([0-9a-f]{64})"')


def a_client(port: int, **headers: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers)


async def ask(client: aiohttp.ClientSession, path: str = SESSION, method: str = "GET", **given: object) -> dict:
    async with client.request(method, path, json=given or None) as got:
        assert got.status == 200, await got.text()
        return await got.json()


async def played(client: aiohttp.ClientSession) -> str:
    async with client.get("/api/orders/7") as got:
        await got.read()
        return got.headers["Gateway-Playback"].partition(";")[0].partition("/")[2]


async def test_a_killed_gateway_goes_on_with_each_session_where_it_was(tmp_path: Path) -> None:
    async with upstream(tmp_path) as folder:
        async with served(folder) as gateway:
            await gateway.calls(7, 7, 7, session=b"source")
            async with (
                a_client(gateway.port, **{"Gateway-Session": "pinned"}) as pinned,
                a_client(gateway.port, **{"Gateway-Session": "faulty"}) as faulty,
                a_client(gateway.port, **{"User-Agent": "tool/1", "Authorization": "Bearer one"}) as tool,
                a_client(gateway.port, **{"Gateway-Session": "player"}) as player,
            ):
                await ask(pinned, PINS, "PUT", environment="test")
                await ask(faulty, FAULTS, "PUT", status=418, rate=0.5)
                before = [await ask(pinned), await ask(faulty), await ask(tool)]
                async with player.get("/_gateway/") as page:
                    token = TOKEN.search(await page.text())
                listed = await ask(player, "/_gateway/api/v1/recordings")
                recording = listed["items"][0]["id"]
                await ask(player, f"/_gateway/api/v1/recordings/{recording}/playback", "POST", end="404")
                steps = [await played(player), await played(player)]
            gateway.process.send_signal(signal.SIGKILL)
            await gateway.process.wait()
        async with (
            served(folder) as gateway,
            a_client(gateway.port, **{"Gateway-Session": "pinned"}) as pinned,
            a_client(gateway.port, **{"Gateway-Session": "faulty"}) as faulty,
            a_client(gateway.port, **{"User-Agent": "tool/1", "Authorization": "Bearer one"}) as tool,
            a_client(gateway.port, **{"User-Agent": "tool/1", "Authorization": "Bearer two"}) as other,
            a_client(gateway.port, **{"Gateway-Session": "player"}) as player,
        ):
            steps.append(await played(player))
            assert steps == ["1", "2", "3"]
            after = [await ask(pinned), await ask(faulty), await ask(tool)]
            for one in (*before, *after):
                one.pop("seen", None)
            assert after == before
            assert (await ask(other))["id"] != before[2]["id"]
            assert before[1]["faults"]["orders"]["rate"] == 0.5
            assert token
            form = {"csrf_token": token[1], "cluster": "orders", "environment": "test"}
            async with player.post("/_gateway/move", data=form, allow_redirects=False) as got:
                assert got.status != 403, await got.text()
