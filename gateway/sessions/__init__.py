"""Who is calling: live sessions by header, baggage, cookie or address. I/O; for one event loop, no locks."""

from .identity import COOKIE_NAME, OWN_COOKIES, strip_cookie
from .live import LiveSessions
from .pages import SessionIdStorage, session_of, setup_sessions

__all__ = [
    "COOKIE_NAME",
    "OWN_COOKIES",
    "LiveSessions",
    "SessionIdStorage",
    "session_of",
    "setup_sessions",
    "strip_cookie",
]
