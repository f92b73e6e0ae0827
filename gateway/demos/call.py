"""Makes a demo's call through the gateway's own URL, as any client would. I/O."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from yarl import URL

from ..errors import did_you_mean
from ..model.codings import undone, words_of
from .definition.keep_rules import StepResponse
from .step import NotSent

if TYPE_CHECKING:
    from ..protocols import LiveSession, Services
    from .step import PreparedCall

PATIENCE = 120.0  # seconds for a whole response; the gateway's own time limits come first
LISTEN = 5.0  # seconds to listen to a stream of events, which may never end
MOST = 1 << 20  # bytes of a response that are read; the recording has the rest
UNASKED = ("User-Agent", "Content-Type", "Accept-Encoding", "Accept")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A response, or the reason that there is none."""

    url: str
    took_ms: float
    answer: StepResponse | None = None
    failure: str = ""


class Caller:
    """One client for all demos: no cookies of its own, no redirects, nothing added, a time limit."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._client: aiohttp.ClientSession | None = None

    async def running(self, app: web.Application) -> AsyncIterator[None]:
        """For app.cleanup_ctx: the client lives as long as the application."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=False),  # to the gateway itself, on this machine
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=UNASKED,
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
        ) as self._client:
            yield

    def url(self, call: PreparedCall) -> str:
        """The public URL of a call; NotSent when routes.yaml has no such cluster."""
        clusters = self._services.routes.table.clusters
        if call.cluster not in clusters:
            known = ", ".join(clusters)
            near = did_you_mean(call.cluster, clusters)
            raise NotSent(f"'{call.cluster}' is no cluster in {self._services.routes.name} ({known}){near}")
        return self._services.url() + clusters[call.cluster].prefix.decode() + call.path

    async def send(self, call: PreparedCall, session: LiveSession) -> Outcome:
        """Send one call as part of this session's recording."""
        url = self.url(call)
        await asyncio.sleep(call.delay)
        began = time.perf_counter()
        try:
            answer, failure = await self._answer(call, url, session), ""
        except TimeoutError:
            answer, failure = None, f"no answer within {PATIENCE:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            answer, failure = None, f"the gateway gave no answer: {error}"
        return Outcome(url, (time.perf_counter() - began) * 1000, answer, failure)

    async def _answer(self, call: PreparedCall, url: str, session: LiveSession) -> StepResponse:
        assert self._client is not None, "the application is running"
        credential = self._services.sessions.credential(session)
        headers = [("User-Agent", "gateway-demo"), *call.headers, ("Gateway-Session", credential)]
        if call.via:
            headers.append(("Gateway-Env", ", ".join(f"{name}={env}" for name, env in call.via.items())))
        async with self._client.request(
            call.method, URL(url, encoded=True), headers=headers, data=call.body, allow_redirects=False
        ) as response:
            body, complete = await _read(response)
            pairs = tuple((name.decode("latin-1"), _text(value)) for name, value in response.raw_headers)
            body, complete = _decoded(body, response.headers.get("Content-Encoding", ""), complete)
            return StepResponse(response.status, response.reason or "", pairs, body, complete)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """(bytes, whether that is all): at most MOST bytes, and a few seconds of a stream of events."""
    pieces: list[bytes] = []
    size = 0
    limit = LISTEN if response.content_type == "text/event-stream" else None
    with suppress(TimeoutError):
        async with asyncio.timeout(limit):
            async for piece in response.content.iter_any():
                pieces.append(piece[: MOST - size])
                size += len(pieces[-1])
                if size >= MOST:
                    break
            else:
                return b"".join(pieces), True
    response.close()
    return b"".join(pieces), False


def _decoded(body: bytes, encoding: str, complete: bool) -> tuple[bytes, bool]:
    """The content of a compressed body, up to MOST bytes; what cannot be decoded stays as it came."""
    text, problem = undone(body, words_of(encoding), MOST)
    if problem is None:
        return text, complete
    return text or body, False


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
