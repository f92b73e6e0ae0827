"""What the small console of tests/support/consoling.py is made of, as fixtures."""

import consoling
import pytest


@pytest.fixture
def book():
    return consoling.a_book()


@pytest.fixture
def services(tmp_path, book):
    return consoling.some_services(tmp_path, book)


@pytest.fixture
def an_exchange():
    return consoling.an_exchange


@pytest.fixture
def app(services):
    return consoling.an_app(services)


@pytest.fixture
async def client(app, aiohttp_client):
    return await aiohttp_client(app)
