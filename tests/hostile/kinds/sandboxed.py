"""Content types under --sandbox-html: what a browser may run as a page carries the sandbox (WHATWG MIME Sniffing)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ..lab import Lab
from . import Kind, Trial

BAIT = b"<script>1</script>"
RUN = ("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml", "application/rss+xml", "*/*", "unknown/unknown",
       "application/unknown", "multipart/x-mixed-replace", "application/pdf", "text/x-html", "message/rfc822", "application/mathml+xml",
       "multipart/related", "text/xsl", "application/vnd.x+xml", "x-content/unix", "image/svg")  # fmt: skip
SAFE = (
    "application/json",
    "text/plain",
    "image/png",
    "text/css",
    "text/javascript",
    "application/octet-stream",
    "video/mp4",
    "font/woff2",
)
MARKS = (
    "",
    ";",
    "; charset=utf-8",
    ";charset",
    " charset=utf-8",
    ",",
    ", foo",
    ", */*",
    "\t",
    '; a="b, text/html"',
    '; charset="',
    " ;x=y",
    "/",
)


def _values(rng: Random) -> list[str]:
    """The Content-Type headers of one response: none, one or two, well formed or not."""
    many = rng.choice((0, 1, 1, 1, 1, 2, 2))
    found = []
    for _ in range(many):
        value = rng.choice(RUN + SAFE + ("foo", "text", "/", "text/", "/html"))
        value = "".join(rng.choice((c, c.upper(), c)) for c in value) if rng.random() < 0.4 else value
        value += rng.choice(MARKS)
        if rng.random() < 0.3:
            value = rng.choice(
                (f"text/plain, {value}", f"{value}, text/html", f" {value}", f"{value};{value}", f'"{value}"')
            )
        found.append(value)
    return found


def _is_safe(values: list[str]) -> bool:
    """Whether no browser runs it: exactly one value of a known type, with nothing but a plain charset behind it."""
    if len(values) != 1:
        return False
    kind, _, rest = values[0].strip(" \t").lower().partition(";")
    return kind.strip(" \t") in SAFE and rest.strip(" \t") in ("", "charset=utf-8", "x=y")


def _attempt(values: list[str], status: int, lab: Lab) -> str:
    head = "".join(f"Content-Type: {value}\r\n" for value in values)
    said = f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(BAIT)}\r\n\r\n".encode("latin-1") + BAIT
    answer = lab.ask("GET", "/api/a" + lab.dev.say(said), patience=5.0)
    if any("sandbox" in value for value in answer.all("content-security-policy")):
        return ""
    if answer.status == 0 or b"Gateway-Exchange" not in answer.raw:
        return ""
    if not _is_safe(values):
        return f"no sandbox for {values}"
    return "" if "nosniff" in answer.all("x-content-type-options") else f"a safe type without nosniff: {values}"


def trials(rng: Random, count: int) -> Iterator[Trial]:
    for _ in range(count):
        values, status = _values(rng), rng.choice((200, 200, 201, 404, 500, 206))
        yield Trial(f"{status} {values}", lambda lab, values=values, status=status: _attempt(values, status, lab))


KIND = Kind("sandboxed", "what a browser may run as a page carries the sandbox", 300, trials, setup="sandbox")
