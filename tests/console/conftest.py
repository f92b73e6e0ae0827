"""The small gateway of tests/support/consoling.py, as fixtures."""

import consoling
import pytest


@pytest.fixture
def an_exchange():
    return consoling.an_exchange


@pytest.fixture
def app(services):
    return consoling.an_app(services)


@pytest.fixture
async def client(app, aiohttp_client):
    return await aiohttp_client(app)
