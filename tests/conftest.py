"""What the small console of tests/support/consoling.py is made of, as fixtures."""

import consoling
import pytest


@pytest.fixture
def book():
    return consoling.a_book()


@pytest.fixture
def services(tmp_path, book):
    return consoling.some_services(tmp_path, book)
