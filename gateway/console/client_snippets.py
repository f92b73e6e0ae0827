"""Lines to copy for each kind of client: base URL, session header, environment header. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Template
from typing import Final

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")  # what would end a string of one of the languages


@dataclass(frozen=True, slots=True)
class ClientSnippet:
    """Lines for one kind of client; `name` is unique on the page."""

    name: str
    title: str
    text: str


# $base, $path, $session and $route are filled in.
_LINES: Final = (
    (
        "fetch",
        "fetch",
        """\
const API = "$base";
fetch(`$${API}$path`, {
  headers: {
    "Gateway-Session": "$session",
    // only this call, only you:
    "Gateway-Env": "$route",
  },
});""",
    ),
    (
        "axios",
        "axios",
        """\
const api = axios.create({
  baseURL: "$base",
  headers: {
    "Gateway-Session": "$session",
    "Gateway-Env": "$route", // optional
  },
});
api.get("$path");""",
    ),
    (
        "angular",
        "Angular",
        """\
export const gateway: HttpInterceptorFn = (request, next) =>
  next(request.clone({ setHeaders: {
    "Gateway-Session": "$session",
    "Gateway-Env": "$route", // optional
  } }));
// provideHttpClient(withInterceptors([gateway]))
// this.http.get("$base$path")""",
    ),
    (
        "curl",
        "curl",
        """\
curl '$base$path' \\
  -H 'Gateway-Session: $session' \\
  -H 'Gateway-Env: $route'""",
    ),
    (
        "swift",
        "Swift",
        """\
var request = URLRequest(url: URL(string: "$base$path")!)
request.setValue("$session", forHTTPHeaderField: "Gateway-Session")
request.setValue("$route", forHTTPHeaderField: "Gateway-Env") // optional
let (data, response) = try await URLSession.shared.data(for: request)""",
    ),
    (
        "kotlin",
        "Kotlin",
        """\
val request = Request.Builder()
    .url("$base$path")
    .header("Gateway-Session", "$session")
    .header("Gateway-Env", "$route") // optional
    .build()
OkHttpClient().newCall(request).execute()""",
    ),
)


def session_name(wanted: str) -> str:
    """A name for a client that every snippet can hold as it is."""
    return _UNSAFE.sub("-", wanted.strip())[:60].strip("-") or "my-app"


def snippets(base: str, path: str, session: str, route: str) -> tuple[ClientSnippet, ...]:
    """`route` is what Gateway-Env says: "orders=test"."""
    filled = {"base": base, "path": path, "session": session, "route": route}
    return tuple(ClientSnippet(name, title, Template(text).substitute(filled)) for name, title, text in _LINES)
