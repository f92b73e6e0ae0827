"""The routes.yaml of the sample shop, for the URLs on which its backends run. Pure."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = """\
# The sample bookshop: which cluster of APIs lives where. Save a change and it is in force at once;
# `gateway move catalogue test`, or a click on the board, changes one word of it.
version: 1
environments: [dev, test, qa]             # in the order in which a cluster moves to completion
clusters:
"""

CLUSTER = """\
  {name}:{about}
    path: /api/{name}
    environment: {environment}{here}
    upstreams:
{upstreams}
    health: /health
    version: {{path: /version, pointer: /build}}
"""

TAIL = """
# What else it may say, for instance; docs/routes.md explains every key, `gateway check` reports what is wrong.
# redact: {json: ["$..card.number"]}        # sealed in recordings, on top of passwords, tokens and cookies
# cors: {origins: ["http://localhost:4200"]}  # front ends of other origins that may call these APIs
# recording: {max_body: 1MiB}               # what a record keeps of a body; the traffic itself is never cut
# In a cluster: a what-if for everybody, and a replay that asks before it writes.
#   fault: {delay: 200ms, status: 503, rate: 0.1}
#   writes: ask
# On test, clients of version 1 are at home as well with this in place of the line of catalogue:
#   test: {url: http://127.0.0.1:9202, rewrite: {^/books(.*): /titles\\1}}
"""

ABOUT = {
    "users": "sign in; tokens are random and belong to one environment",
    "catalogue": "five books on qa, one on dev; on test it is version 2: /books moved to /titles",
    "orders": "a receipt answers 404 until the order is paid",
    "payments": "knows what each order of its environment costs",
}
COLUMN = 42  # where comments begin


def routes_yaml(urls: Mapping[str, Mapping[str, str]], *, environment: str = "qa") -> str:
    """The text of routes.yaml: every cluster at `environment`. The one in the checkout is this one on the usual
    ports."""
    return HEAD + "".join(_cluster(name, upstreams, environment) for name, upstreams in urls.items()) + TAIL


def _cluster(name: str, upstreams: Mapping[str, str], environment: str) -> str:
    return CLUSTER.format(
        name=name,
        about=_comment(f"  {name}:", ABOUT.get(name, "")),
        environment=environment,
        here=_comment(f"    environment: {environment}", "where it lives now" if name == "users" else ""),
        upstreams="\n".join(f"      {key}: {url}" for key, url in upstreams.items()),
    )


def _comment(before: str, text: str) -> str:
    return f"{' ' * max(COLUMN - len(before), 1)}# {text}" if text else ""
