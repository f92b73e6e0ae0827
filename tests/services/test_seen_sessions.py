"""Sessions seen lately: clients in words, links that are good once.

Covers: services/listing.
"""

import pytest

from gateway.errors import NotFoundError
from gateway.protocols import LiveSession
from gateway.services.seen_sessions import LASTS, SessionLinks, client_in_words


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox 153 on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0",
            "Edge 142 on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
            "Chrome 142 on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari 18 on iPhone",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
            "Chrome 142 on macOS",
        ),
        ("Mozilla/5.0 (something new)", "a browser"),
        ("curl/8.5.0", "curl 8.5.0"),
        ("python-requests/2.32.3", "python-requests 2.32.3"),
        ("ShopApp", "ShopApp"),
        ("", ""),
        ("<script>", ""),
    ],
)
def test_clients_in_words(agent, words):
    assert client_in_words(agent) == words


def test_a_link_is_good_once_and_for_an_hour():
    now = [1000.0]
    links = SessionLinks(lambda: now[0])
    session = LiveSession("s.1", "r1")
    token = links.make(session, pins={"orders": "qa"}, ttl="2h")
    assert links.look(token).pins == {"orders": "qa"}
    assert links.use(token).session == "s.1"
    for again in (token, "", "x"):
        with pytest.raises(NotFoundError):
            links.use(again)
    late = links.make(session)
    now[0] += LASTS
    with pytest.raises(NotFoundError):
        links.look(late)
    assert len({links.make(session) for _ in range(1500)}) == 1500
    assert len(links._links) == 1000
