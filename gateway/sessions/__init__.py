"""Who is calling: live sessions by header, baggage, cookie or address. I/O; for one event loop, no locks."""

from .identity import COOKIE_NAME, OWN_COOKIES, strip_cookie
from .page_sessions import LiveSessionStorage, join_session, only_https, sender_of_page, session_of, setup_sessions
from .registry import LiveSessions

__all__ = [
    "COOKIE_NAME",
    "OWN_COOKIES",
    "LiveSessionStorage",
    "LiveSessions",
    "join_session",
    "only_https",
    "sender_of_page",
    "session_of",
    "setup_sessions",
    "strip_cookie",
]
