"""The small console of tests/support/consoling.py, served."""

import consoling
import pytest


@pytest.fixture
async def origin(services, aiohttp_server):
    server = await aiohttp_server(consoling.an_app(services))
    return f"http://127.0.0.1:{server.port}"
