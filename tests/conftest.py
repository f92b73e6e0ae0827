"""What the small console of tests/support/consoling.py is made of, as fixtures."""

import consoling
import pytest
from hypothesis import settings

# No test asserts a time: a loaded machine takes longer. (In CI, hypothesis has such a profile by itself.)
if settings.default is not None and settings.default.deadline is not None:
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")


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


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that are no text go by their argument's name: a gzip header holds the time, and every worker of a parallel
    run must collect the same names."""
    return argname if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()) else None
