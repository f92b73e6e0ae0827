"""The gateway's own error answers: problem details (RFC 9457), or a plain page for browsers. Pure.

`kind` is a proxy error type of RFC 9209 where one fits; it then appears in Proxy-Status, so that a
reader can always tell the gateway's 404 from an upstream's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final

from .model.exchange import FAILURE_KINDS

JSON_TYPE = "application/problem+json"
HTML_TYPE = "text/html; charset=utf-8"

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{status} {title}</title><link rel="icon" href="/_gateway/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/_gateway/static/problem.css"></head>
<body><main><p class="who">What-If Gateway answered this itself; no upstream did.</p>
<h1>{status} {title}</h1><p>{detail}</p>{points}{hint}<dl>{facts}</dl>
<p>{back}<a href="/_gateway/">Board</a> &middot; <a href="/">Demos</a></p></main></body></html>
"""

# What to try, by kind; {cluster} is filled in.
HINTS = {
    "connection_refused": "start the upstream, or `gateway move {cluster} ENVIRONMENT` to where it runs",
    "connection_timeout": "check VPN and firewall, or raise timeout.connect of the upstream",
    "dns_error": "check the host name in routes.yaml and the VPN",
    "dns_timeout": "check the VPN and the name servers",
    "http_response_timeout": "look at the upstream's log, or raise timeout.response",
    "tls_certificate_error": "name the issuing CA under tls.ca of the upstream, or set tls.verify: false for this one",
    "tls_protocol_error": "check that the upstream's port speaks TLS and that its URL begins with the right scheme",
    "tls_alert_received": "the upstream may want a client certificate: tls.cert and tls.key",
    "connection_terminated": "look at the upstream's log: it closed the connection without an answer",
}


RESTART: Final = 5  # seconds in which a gateway that is restarted is back


@dataclass(frozen=True, slots=True)
class ProblemDetails:
    """One error answer. `instance` is a URL reference of the exchange; empty members are left out."""

    status: int
    title: str
    detail: str = ""
    kind: str = ""
    instance: str = ""
    cluster: str = ""
    environment: str = ""
    upstream: str = ""
    hint: str = ""
    points: tuple[str, ...] = ()  # sentences, for the page
    back: str = ""  # the path of the page whose form was refused, for the page
    more: Mapping[str, object] = field(default_factory=dict)  # further members, for programs

    def as_json(self) -> dict[str, object]:
        """The members of RFC 9457 section 3.1, then ours."""
        members: dict[str, object] = {
            "type": f"urn:gateway:problem:{self.kind}" if self.kind else "about:blank",
            "title": self.title,
            "status": self.status,
        }
        for name in ("detail", "instance", "cluster", "environment", "upstream", "hint"):
            if value := getattr(self, name):
                members[name] = value
        members.update(self.more)
        return members

    def body(self, accept: str = "") -> tuple[str, bytes]:
        """(content type, bytes): a page when `accept` names text/html before any JSON, else JSON."""
        if prefers_html(accept):
            return HTML_TYPE, self._page().encode()
        return JSON_TYPE, json.dumps(self.as_json(), ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"

    def headers(self) -> dict[str, str]:
        """Fields that every problem answer carries."""
        fields = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if self.kind == "gateway_stopped":
            fields["Retry-After"] = str(RESTART)
        if self.kind:
            fields["Proxy-Status"] = f"gateway; error={self.kind}" + (
                f"; next-hop={_token(self.upstream)}" if self.upstream else ""
            )
        return fields

    def _page(self) -> str:
        facts = "".join(
            f"<dt>{name}</dt><dd>{_shown(name, str(value))}</dd>"
            for name, value in self.as_json().items()
            if name in ("cluster", "environment", "upstream", "instance")
        )
        kind = f"<dt>error</dt><dd><code>{escape(self.kind)}</code></dd>" if self.kind else ""
        points = "".join(f"<li>{escape(point)}</li>" for point in self.points)
        points = f"<ul>{points}</ul>" if points else ""
        hint = f'<p class="hint">Try: {escape(self.hint)}</p>' if self.hint else ""
        back = f'<a href="{escape(self.back)}">Back to the form</a> &middot; ' if self.back else ""
        return PAGE.format(
            status=self.status,
            title=escape(self.title),
            detail=escape(self.detail),
            points=points,
            hint=hint,
            back=back,
            facts=kind + facts,
        )


def _shown(name: str, value: str) -> str:
    """A member for the page: the exchange is a link."""
    text = escape(value)
    return f'<a href="{text}">{text}</a>' if name == "instance" and value.startswith("/") else text


def problem(kind: str, detail: str = "", *, cluster: str = "", hint: str = "") -> ProblemDetails:
    """The response for a failure kind."""
    status, title = FAILURE_KINDS[kind]
    return ProblemDetails(status, title, detail, kind, cluster=cluster, hint=hint)


def prefers_html(accept: str) -> bool:
    """Whether an Accept field asks for a page: text/html named, and not after JSON."""
    html = accept.find("text/html")
    at = accept.find("json")
    return html >= 0 and (at < 0 or html < at)


def _token(upstream: str) -> str:
    """A URL as an sf-string (RFC 8941 section 3.3.3): visible ASCII, quotes and backslashes escaped."""
    clean = "".join(c for c in upstream if " " <= c <= "~").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean}"'
