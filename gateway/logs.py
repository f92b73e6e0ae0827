"""Log lines on stderr: for people, or one JSON object each for machines. I/O.

A line never breaks and never carries control characters, whatever a client put into a path.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def inert(text: str) -> str:
    """Text without control characters, line breaks or direction overrides; they show as escapes."""
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class TextFormatter(logging.Formatter):
    """`12:00:00 warning relay: words`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        name = record.name.removeprefix("gateway.")
        text = f"{at} {record.levelname.lower()} {name}: {inert(record.getMessage())}"
        if not record.exc_info:
            return text
        return "\n".join([text, *map(inert, self.formatException(record.exc_info).split("\n"))])


class JsonFormatter(logging.Formatter):
    """`{"at": RFC 3339, "level", "logger", "message", "traceback"?}`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": inert(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return inert(json.dumps(line, ensure_ascii=False))  # what is left stands in strings, where it may be escaped


class OneLine(logging.Filter):
    """aiohttp logs a traceback per malformed request; its last line says it all."""

    def filter(self, record: logging.LogRecord) -> bool:
        if (
            record.exc_info
            and record.exc_info[1] is not None
            and type(record.exc_info[1]).__module__.startswith("aiohttp")
        ):
            record.msg, record.args = " ".join(f"{record.getMessage()}: {record.exc_info[1]}".split()), ()
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


chosen = ("text", "info")  # how `set_up` was called: for the processes that this one starts


def set_up(style: str, level: str) -> None:
    """Send log lines to stderr; `style` is "text" or "json"."""
    global chosen
    chosen = style, level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    handler.addFilter(OneLine())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


class AcceptTrouble:
    """A loop's exception handler: connections that cannot be accepted are logged once a minute, not each."""

    ERRNOS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

    def __init__(self) -> None:
        self._told = -60.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in self.ERRNOS:
            loop.default_exception_handler(context)
        elif loop.time() - self._told >= 60.0:
            self._told = loop.time()
            words = "new connections wait: %s; raise `ulimit -n` or close some clients"
            logging.getLogger("gateway").error(words, (error.strerror or str(error)).lower())
