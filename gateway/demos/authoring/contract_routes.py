"""routes.yaml for contracts: a cluster for each, an environment for each of its servers. Pure.

A cluster that has the contract already is left as it is. Another one is put below `clusters:`, and no other byte of the
file changes but the list of environments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from ...contracts.contract import Contract, server_url
from ...contracts.document import ContractPlace
from ...errors import UsageError
from ..definition.schema import slug_of
from .yaml_text import flow

_ENVIRONMENTS: Final = re.compile(r"^environments:[ \t]*\[([^\]\n]*)\]", re.MULTILINE)
_CLUSTERS: Final = re.compile(r"^clusters:[ \t]*(?:#[^\n]*)?\n|^clusters:[ \t]*\{\}[ \t]*\n", re.MULTILINE)
NOWHERE: Final = "http://127.0.0.1:9001"  # what `gateway init` writes as well


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """Where a cluster is in one environment."""

    url: str


@dataclass(frozen=True, slots=True)
class ContractCluster:
    """A cluster as a contract describes it. `servers`: environment -> URL; `is_placeholder`: the contract names no
    server that can be reached."""

    name: str
    file: str  # of the contract, below the folder of routes.yaml; "" without one
    servers: Mapping[str, str]
    is_placeholder: bool = False
    header: str = ""  # that its calls need: `x-api-key: "${SHOP_KEY}"`

    @property
    def lines(self) -> list[str]:
        first = next(iter(self.servers))
        note = "   # the contract names no server: put your own URL here" if self.is_placeholder else ""
        upstreams = [f"      {flow(name)}: {flow(url)}{note}" for name, url in self.servers.items()]
        if self.header:
            more = f"        # headers: {{{self.header}}}   # the API asks for it: set the variable, take the # away"
            long = [
                (f"      {flow(name)}:", f"        url: {flow(url)}{note}", more) for name, url in self.servers.items()
            ]
            upstreams = [line for lines in long for line in lines]
        return [
            f"  {self.name}:", f"    path: /api/{self.name}", f"    environment: {flow(first)}",
            *([f"    contract: {flow(self.file)}"] if self.file else []), "    upstreams:", *upstreams,
        ]  # fmt: skip

    # What finds the cluster of a recorded URL (export/readers/imported_recording.py) asks for these.

    @property
    def prefix(self) -> bytes:
        return f"/api/{self.name}".encode()

    @property
    def strip(self) -> bool:
        return True

    @property
    def environment(self) -> str:
        return next(iter(self.servers))

    @property
    def upstreams(self) -> Mapping[str, ServerUrl]:
        return {name: ServerUrl(url) for name, url in self.servers.items()}


def cluster_name(contract: Contract, taken: Sequence[str] = ()) -> str:
    """ "Swagger Petstore" -> "swagger-petstore", with a number where that is taken."""
    return _free(contract.title, taken)


def _free(text: str, taken: Sequence[str]) -> str:
    base = re.sub(r"[^a-z0-9-]+", "-", slug_of(text)).strip("-")[:40].strip("-") or "api"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def origin_cluster(origin: str, taken: Sequence[str] = ()) -> ContractCluster:
    """The cluster of a server that is known by recorded requests alone: "https://api.shop.example" is api-shop."""
    host = urlsplit(origin).hostname or "server"
    parts = host.split(".")
    if _is_address(host):
        return ContractCluster(_free("server", taken), "", {"dev": origin})
    return ContractCluster(_free("-".join(parts[:-1]), taken), "", {_environment({}, origin): origin})


def contract_cluster(contract: Contract, name: str, *, source: str = "") -> ContractCluster:
    """The cluster of a contract; `source` is the URL that it came from, against which relative servers are read."""
    servers: dict[str, str] = {}
    root = contract.documents.root.value
    # Without servers the one at "/" is meant, where the document is (OpenAPI 3.1, section 4.8.1).
    listed = root["servers"] if isinstance(root.get("servers"), list) and root["servers"] else [{"url": "/"}]
    for server in listed:
        if not isinstance(server, dict) or not isinstance(server.get("url"), str):
            continue
        url = urljoin(source, server_url(server)) if "://" in source else server_url(server)
        if not _is_reachable(url):
            continue
        environment = _environment(server, url)
        number = 2
        while environment in servers and servers[environment] != url:
            environment, number = f"{_environment(server, url)}-{number}", number + 1
        servers[environment] = url.rstrip("/")
    file = f"contracts/{name}{'.json' if _is_json(contract) else '.yaml'}"
    header = _credential(contract, name)
    if not servers:
        return ContractCluster(name, file, {"dev": NOWHERE + next(iter(contract.servers), "")}, True, header)
    return ContractCluster(name, file, servers, header=header)


def _credential(contract: Contract, name: str) -> str:
    """The header with the credential that the API asks for, from the environment: routes.yaml holds no secret. "" where
    it asks for none, or not in a header."""
    root = contract.documents.root.value
    operations = (contract.value(one.place) or {} for one in contract.operations)
    wanted = root.get("security") or next((one["security"] for one in operations if one.get("security")), None)
    schemes = contract.value(ContractPlace(contract.documents.root.name, ("components", "securitySchemes")))
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    for scheme_name in (word for one in wanted or () if isinstance(one, dict) for word in one):
        found = schemes.get(scheme_name) if isinstance(schemes, dict) else None
        scheme: Mapping[str, Any] = found if isinstance(found, dict) else {}
        kind, word = scheme.get("type"), scheme.get("scheme")
        if kind == "apiKey" and scheme.get("in") == "header" and re.fullmatch(r"[\w-]+", str(scheme.get("name"))):
            return f'{scheme["name"]}: "${{{variable}_KEY}}"'
        if kind in ("oauth2", "openIdConnect") or (kind == "http" and str(word).lower() == "bearer"):
            return f'Authorization: "Bearer ${{{variable}_TOKEN}}"'
        if kind == "http" and str(word).lower() == "basic":
            return f'Authorization: "Basic ${{{variable}_CREDENTIALS}}"'
    return ""


def _is_json(contract: Contract) -> bool:
    return bool(contract.documents.root.text)


def _is_address(host: str) -> bool:
    """Whether a host has no name that says anything: an address, or a machine of the own network."""
    return ":" in host or host.rpartition(".")[2].isdecimal() or "." not in host


def _is_reachable(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[{}\s]", url)


def _environment(server: Mapping[str, Any], url: str) -> str:
    """A word for an environment: the server's description when it is short, else its host."""
    text = server.get("description")
    slug = re.sub(r"[^a-z0-9-]+", "-", slug_of(text)).strip("-") if isinstance(text, str) else ""
    if not slug and _is_address(urlsplit(url).hostname or ""):
        return "dev"
    host = (urlsplit(url).hostname or "server").replace(".", "-").replace(":", "-")
    return slug if slug and len(slug) <= 24 else re.sub(r"[^A-Za-z0-9-]+", "-", host).strip("-")[:40] or "server"


def new_routes(clusters: Sequence[ContractCluster]) -> str:
    """A routes.yaml with these clusters."""
    environments = list(dict.fromkeys(name for cluster in clusters for name in cluster.servers))
    lines = [
        "# Which cluster of APIs lives where. A saved change is in force at once; `gateway check` tells what is wrong.",
        "version: 1",
        f"environments: {flow(environments)}              # in the order in which a cluster moves to completion",
        "clusters:",
        *(line for cluster in clusters for line in cluster.lines),
    ]
    return "\n".join(lines) + "\n"


def with_clusters(text: str, clusters: Sequence[ContractCluster], environments: Sequence[str]) -> str:
    """A routes.yaml with further clusters; `environments` are those that it has. UsageError where its form does not
    let a line be added."""
    if not clusters:
        return text
    place = _CLUSTERS.search(text)
    if place is None:
        raise UsageError("routes.yaml has no `clusters:` on a line of its own", hint=_by_hand(clusters))
    block = "".join(f"{line}\n" for cluster in clusters for line in cluster.lines)
    text = f"{text[: place.start()]}clusters:\n{block}{text[place.end() :]}"
    if "{" not in place[0]:
        text = text[: place.start()] + place[0] + text[place.start() + len("clusters:\n") :]
    more = [name for cluster in clusters for name in cluster.servers if name not in environments]
    more = list(dict.fromkeys(more))
    if not more:
        return text
    listed = _ENVIRONMENTS.search(text)
    if listed is None:
        raise UsageError(f"routes.yaml: add {', '.join(more)} to `environments`", hint=_by_hand(clusters))
    inner = listed[1].rstrip()
    added = ", ".join(map(flow, more))
    return f"{text[: listed.start(1)]}{inner + ', ' if inner.strip() else ''}{added}{text[listed.end(1) :]}"


def _by_hand(clusters: Sequence[ContractCluster]) -> str:
    return "write it by hand:\n" + "\n".join(line for cluster in clusters for line in cluster.lines)
