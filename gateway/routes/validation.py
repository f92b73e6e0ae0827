"""What types alone cannot say about routes.yaml: names that must exist, paths that must differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ..contracts.ignore import problem_of_rule
from ..errors import Problem, did_you_mean
from ..model.addresses import is_loopback
from ..model.headers import HOP_BY_HOP
from .outbound_proxy import proxy_for
from .patterns import check_rewrite, problem_of
from .rewrite import unsafe_path
from .schema import NAME
from .upstream_url import reaches, read_listen, read_name, read_url
from .yaml import YamlNode

OWN_PREFIX = "/_gateway"
OWN_NAMES = ("localhost",)
MAX_PREFIX = 1024
PREFIX = re.compile(r"[A-Za-z0-9/%:@!$&'()*+,;=._~-]*")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
FIELD = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
ORIGIN = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5}|:\*)?")
FRAMING = frozenset((*HOP_BY_HOP, "content-length", "expect"))

Check = Callable[[str], str]  # what is wrong with a text, or ""


def check(root: YamlNode, *, own: tuple[str, int] | None = None) -> Iterator[Problem]:
    """Everything wrong with the values of a document; nodes that are missing or of another type are left to `parse`."""
    environments = texts(root.get("environments"))
    names = [str(one.value) for one in environments]
    yield from _each(environments, "environments", _name)
    yield from _repeated(environments, "environments")
    yield from _known_keys(root.get("writes"), names, "writes")
    clusters = list(entries(root.get("clusters")))
    for key, cluster in clusters:
        yield from _cluster(key, cluster, names, own)
    yield from _prefixes(clusters)
    yield from _mounts(clusters)
    yield from _cors(root.get("cors"))
    yield from _redact(root.get("redact"), "redact")
    yield from _each(texts(at(root, "recording", "skip")), "recording.skip", _skip)


def entries(node: YamlNode | None) -> Iterable[tuple[YamlNode, YamlNode]]:
    return node.entries() if node is not None and node.kind == "mapping" else ()


def texts(node: YamlNode | None) -> list[YamlNode]:
    """The items of a list that are text."""
    return [one for one in (node.items if node is not None else ()) if isinstance(one.value, str)]


def listed(node: YamlNode | None) -> list[YamlNode]:
    return list(node.items) if node is not None else []


def at(node: YamlNode | None, *names: str) -> YamlNode | None:
    for name in names:
        node = node.get(name) if node is not None and node.kind == "mapping" else None
    return node


def _each(nodes: Iterable[YamlNode], path: str, wrong: Check) -> Iterator[Problem]:
    for index, node in enumerate(nodes):
        if message := wrong(str(node.value)):
            yield node.problem(f"{path}[{index}]", message)


def _repeated(nodes: Iterable[YamlNode], path: str) -> Iterator[Problem]:
    seen: dict[str, YamlNode] = {}
    for index, node in enumerate(nodes):
        first = seen.setdefault(str(node.value), node)
        if first is not node:
            yield node.problem(f"{path}[{index}]", f"'{node.value}' stands twice: first in line {first.line}")


def _known_keys(node: YamlNode | None, known: list[str], path: str) -> Iterator[Problem]:
    """Keys that must be environments."""
    for key, _ in entries(node):
        if known and key.text not in known:
            yield key.problem(
                f"{path}.{key.text}", f"'{key.text}' is not one of {_list(known)}{did_you_mean(key.text, known)}"
            )


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)


def _name(text: str) -> str:
    if re.fullmatch(NAME, text):
        return ""
    return f"'{text}' is no name: letters, digits, '-', '_' and '.', at most 64, beginning with a letter or digit"


def _cluster(key: YamlNode, cluster: YamlNode, names: list[str], own: tuple[str, int] | None) -> Iterator[Problem]:
    path = f"clusters.{key.text}"
    if message := _name(key.text):
        yield key.problem(path, message)
    yield from _one(at(cluster, "path"), f"{path}.path", _prefix)
    yield from _one(at(cluster, "health"), f"{path}.health", _path)
    yield from _one(at(cluster, "version", "path"), f"{path}.version.path", _path)
    yield from _one(at(cluster, "version", "pointer"), f"{path}.version.pointer", _pointer)
    for number, rule in enumerate(listed(at(cluster, "failed_when"))):
        for word in ("pointer", "says"):
            yield from _one(at(rule, word), f"{path}.failed_when[{number}].{word}", _pointer)
    yield from _redact(at(cluster, "redact"), f"{path}.redact")
    upstreams = at(cluster, "upstreams")
    yield from _contract(at(cluster, "contract"), f"{path}.contract", names)
    yield from _known_keys(upstreams, names, f"{path}.upstreams")
    yield from _environment(at(cluster, "environment"), f"{path}.environment", key.text, upstreams, names)
    if (fault := at(cluster, "fault")) is not None and not {one.text for one, _ in entries(fault)} & {
        "delay",
        "status",
    }:
        yield fault.problem(f"{path}.fault", "say what happens: delay, status or both")
    for environment, upstream in entries(upstreams):
        yield from _upstream(upstream, f"{path}.upstreams.{environment.text}", own)


def _contract(node: YamlNode | None, path: str, names: list[str]) -> Iterator[Problem]:
    yield from _one(node, path, _source)
    yield from _one(at(node, "source"), f"{path}.source", _source)
    yield from _one(at(node, "base"), f"{path}.base", _base)
    yield from _known_keys(at(node, "environments"), names, f"{path}.environments")
    for environment, source in entries(at(node, "environments")):
        yield from _one(source, f"{path}.environments.{environment.text}", _source)
    yield from _each(texts(at(node, "ignore")), f"{path}.ignore", problem_of_rule)


def _source(text: str) -> str:
    if not text.strip():
        return "name a file or a URL"
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", text)
    if scheme and scheme[1].lower() not in ("http", "https"):
        return f"'{scheme[1]}:' is not fetched; a file, or an http or https URL"
    return ""


def _base(text: str) -> str:
    return (
        ""
        if text == "" or (PREFIX.fullmatch(text) and text.startswith("/"))
        else f"'{text}' is no path: /v3, or nothing"
    )


def _one(node: YamlNode | None, path: str, wrong: Check) -> Iterator[Problem]:
    if node is not None and isinstance(node.value, str) and (message := wrong(node.value)):
        yield node.problem(path, message)


def _environment(
    node: YamlNode | None, path: str, cluster: str, upstreams: YamlNode | None, names: list[str]
) -> Iterator[Problem]:
    if node is None or not isinstance(node.value, str) or not names:
        return
    word, there = node.value, [key.text for key, _ in entries(upstreams)]
    if word not in names:
        yield node.problem(path, f"'{word}' is not one of {_list(names)}{did_you_mean(word, names)}")
    elif there and word not in there:
        yield node.problem(path, f"{cluster} has no upstream in '{word}'; it has {_list(there)}")


def _prefix(text: str) -> str:
    if not text.startswith("/"):
        return f"'{text}' must begin with '/'"
    if not PREFIX.fullmatch(text):
        return f"'{text}' has characters that stand percent-encoded in a URL; write it as clients send it"
    if "//" in text:
        return f"'{text}' has an empty segment"
    if why := unsafe_path(text.encode()):
        return f"'{text}' can never match: {why}"
    if text.rstrip("/") == OWN_PREFIX or text.startswith(OWN_PREFIX + "/"):
        return f"'{text}' belongs to the gateway's own pages"
    return f"it is longer than {MAX_PREFIX} characters" if len(text) > MAX_PREFIX else ""


def _path(text: str) -> str:
    if not text.startswith("/"):
        return f"'{text}' must begin with '/'"
    if not re.fullmatch(r"[!-~]+", text) or unsafe_path(text.partition("?")[0].encode()):
        return f"'{text}' is no path that can be asked for"
    return ""


def _pointer(text: str) -> str:
    if not text or text.startswith("/"):
        return ""
    return f"'{text}' is no JSON Pointer; write '/{text}'"


def _prefixes(clusters: Iterable[tuple[YamlNode, YamlNode]]) -> Iterator[Problem]:
    """Two clusters with one path."""
    first: dict[str, tuple[str, YamlNode]] = {}
    for key, cluster in clusters:
        node = at(cluster, "path")
        if node is None or not isinstance(node.value, str):
            continue
        name, other = first.setdefault(node.value.rstrip("/"), (key.text, node))
        if other is not node or name != key.text:
            where = f"line {other.line}" if other.file == node.file else f"{other.file}:{other.line}"
            yield node.problem(f"clusters.{key.text}.path", f"'{node.value}' is the path of {name} already ({where})")


def _mounts(clusters: Iterable[tuple[YamlNode, YamlNode]]) -> Iterator[Problem]:
    """Names and ports that clusters have to themselves: well formed, and of one cluster each."""
    first: dict[str, YamlNode] = {}
    for key, cluster in clusters:
        found: list[tuple[YamlNode, str, Callable[[str], object]]] = [
            (node, f"clusters.{key.text}.names[{index}]", read_name)
            for index, node in enumerate(texts(at(cluster, "names")))
        ]
        listen = at(cluster, "listen")
        if listen is not None and isinstance(listen.value, str):
            found.append((listen, f"clusters.{key.text}.listen", read_listen))
        for node, path, read in found:
            try:
                word = str(read(str(node.value)))
            except ValueError as error:
                yield node.problem(path, str(error))
                continue
            if word in OWN_NAMES:
                yield node.problem(path, f"'{node.value}' is the gateway's own name")
            elif first.setdefault(word, node) is not node:
                yield node.problem(path, f"'{node.value}' stands twice: first in line {first[word].line}")


def _upstream(node: YamlNode, path: str, own: tuple[str, int] | None) -> Iterator[Problem]:
    url = node if node.kind == "scalar" else node.get("url")
    if url is not None and isinstance(url.value, str):
        yield from _url(url, path if url is node else f"{path}.url", node, own)
    for key, value in entries(at(node, "headers")):
        if message := _header(key.text, value.value):
            yield key.problem(f"{path}.headers.{key.text}", message)
    for key, value in entries(at(node, "rewrite")):
        if isinstance(value.value, str):
            try:
                check_rewrite(key.text, value.value)
            except ValueError as error:
                yield key.problem(f"{path}.rewrite", str(error))
    proxy = at(node, "proxy")
    if proxy is not None and isinstance(proxy.value, str):
        try:
            proxy_for(proxy.value, "", 0, secure=False, environ={})
        except ValueError as error:
            yield proxy.problem(f"{path}.proxy", str(error))
    tls = at(node, "tls")
    if tls is not None and tls.get("key") and not tls.get("cert"):
        yield tls.problem(f"{path}.tls", "a key needs its certificate: cert")


def _url(url: YamlNode, path: str, node: YamlNode, own: tuple[str, int] | None) -> Iterator[Problem]:
    try:
        parts = read_url(str(url.value))
    except ValueError as error:
        yield url.problem(path, str(error))
        return
    if own is not None and reaches(parts, own):
        yield url.problem(path, f"{url.value} is the gateway itself; a request would go round in circles")
    key = node.key("tls") if node.kind == "mapping" else None
    if key is not None and not parts.secure:
        yield key.problem(path.removesuffix(".url") + ".tls", "it needs a URL that begins with https://")


def _header(name: str, value: object) -> str:
    """The value is not shown: it may be a secret."""
    if not TOKEN.fullmatch(name):
        return f"'{name}' is no name of a header field"
    if name.lower() in FRAMING:
        return f"{name} is set by the gateway itself"
    if isinstance(value, str) and (not FIELD.fullmatch(value) or value != value.strip()):
        return f"the value of {name} has a line break, a control character or space around it"
    return ""


def _cors(node: YamlNode | None) -> Iterator[Problem]:
    yield from _each(texts(at(node, "origins")), "cors.origins", origin_problem)
    for name in ("methods", "headers"):
        yield from _each(texts(at(node, name)), f"cors.{name}", _token)


def origin_problem(text: str) -> str:
    """What is wrong with an origin of `cors.origins`, or ""."""
    if text == "*":
        return "'*' would let every web site read the answers; list the origins"
    if text.endswith(":*") and not is_loopback(text.partition("://")[2][:-2].strip("[]").encode()):
        return f"'{text}': every port may be allowed of this machine only, such as http://localhost:*"
    if not ORIGIN.fullmatch(text):
        return f"'{text}' is no origin: scheme, host and port as a browser sends them, such as http://localhost:4200"
    return ""


def _token(text: str) -> str:
    return "" if TOKEN.fullmatch(text) else f"'{text}' is no method or field name"


def _redact(node: YamlNode | None, path: str) -> Iterator[Problem]:
    yield from _each(texts(at(node, "headers")), f"{path}.headers", _token)
    yield from _each(texts(at(node, "json")), f"{path}.json", problem_of)


def _skip(text: str) -> str:
    method, space, path = text.rpartition(" ")
    if (space and not (method.strip() == "*" or TOKEN.fullmatch(method.strip()))) or not re.match(r"[/*?\[]", path):
        return f"'{text}' is no rule such as 'GET *.js', '* /health' or '/assets/*'"
    return ""
