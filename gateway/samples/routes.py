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

ABOUT = {
    "users": "sign in; tokens are random and belong to one environment",
    "catalogue": "five books on qa, one on dev; on test it is version 2: /books moved to /titles",
    "orders": "a receipt answers 404 until the order is paid",
    "payments": "knows what each order of its environment costs",
}
COLUMN = 42  # where comments begin


def routes_yaml(urls: Mapping[str, Mapping[str, str]], *, environment: str = "qa") -> str:
    """The text of routes.yaml: every cluster at `environment`."""
    return HEAD + "".join(_cluster(name, upstreams, environment) for name, upstreams in urls.items())


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
