"""Who is calling: live sessions by header, baggage, cookie or address. I/O; for one event loop, no locks."""

from .identity import COOKIE_NAME, OWN_COOKIES, strip_cookie
from .registry import LiveSessions

__all__ = [
    "COOKIE_NAME",
    "OWN_COOKIES",
    "LiveSessions",
    "strip_cookie",
]
