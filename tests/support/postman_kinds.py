"""Kinds of requests that Postman collections hold, for newman and for the import; HOST is where a server listens.

Written for these tests. Every request has its name as the first segment of its path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wire_echo import normalized

from gateway.export.readers.import_file import read

SCHEMA = "https://schema.getpostman.com/json/collection/v{}.0/collection.json"
FILES = {"part.txt": b"text of a file\n", "picture.png": b"\x89PNG\r\n\x1a\nnot really", "data.json": b'{"file": 1}'}


def url(name: str, path: str = "", query: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    """An address in its pieces, as Postman writes them."""
    segments = [name, *path.strip("/").split("/")] if path else [name]
    found: dict[str, Any] = {"raw": f"http://HOST/{'/'.join(segments)}", "protocol": "http", "host": ["127", "0", "0", "1"],
                             "port": "PORT", "path": segments}  # fmt: skip
    return found | ({"query": query} if query is not None else {}) | more


def request(
    name: str, method: str = "GET", *, at: Any = None, item: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    return {"name": name, "request": {"method": method, "url": url(name) if at is None else at, **more}, **(item or {})}


def raw(text: str, language: str | None = None, **more: Any) -> dict[str, Any]:
    return {"mode": "raw", "raw": text, **({"options": {"raw": {"language": language}}} if language else {}), **more}


def pairs(*given: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in given]


def auth(kind: str, **values: Any) -> dict[str, Any]:
    return {"type": kind, kind: [{"key": key, "value": value, "type": "string"} for key, value in values.items()]}


ITEMS: list[dict[str, Any]] = [
    # Addresses.
    {"name": "simple", "request": "http://HOST/simple"},
    {"name": "text-url", "request": {"method": "GET", "url": "http://HOST/text-url?a=1&b=two words"}},
    request("pieces"),
    request("no-raw", at={k: v for k, v in url("no-raw", "x", pairs(("a", "1"))).items() if k != "raw"}),
    request("host-text", at={"protocol": "http", "host": "127.0.0.1", "port": "PORT", "path": "/host-text/x"}),
    request("raw-differs", at=url("raw-differs") | {"raw": "http://other.invalid/not"}),
    request("query", at=url("query", query=pairs(("a", "1"), ("b", "two words"), ("c", "é"), ("d", "x&y=z")))),
    request("query-null", at=url("query-null", query=[{"key": "a", "value": None}, {"key": "b", "value": ""}, {"key": None, "value": "v"}])),
    request("query-off", at=url("query-off", query=[{"key": "a", "value": "1"}, {"key": "b", "value": "2", "disabled": True}, {"key": "c", "value": "3", "disabled": False}])),
    request("query-signs", at=url("query-signs", query=pairs(("q", "a+b%20c\"<>'{}[]|^`\\"), ("s", "#/?:@!$()*,;~")))),
    request("query-repeats", at=url("query-repeats", query=pairs(("a", "1"), ("a", "2"), ("b[]", "3")))),
    request("path-signs", at=url("path-signs", "a b/é/\"<>`{}|^/%2F+&=@:!$'()*,;~")),
    request("path-variable", at=url("path-variable", ":id/x/:other", variable=pairs(("id", "7"), ("other", "a/b c")))),
    request("path-variable-part", at=url("path-variable-part", "x:id/:id.json", variable=pairs(("id", "7")))),
    request("path-variable-empty", at=url("path-variable-empty", ":id/:none", variable=pairs(("id", "")))),
    request("path-variable-text", at="http://HOST/path-variable-text/:id"),
    request("path-variable-off", at=url("path-variable-off", ":id", variable=[{"key": "id", "value": "7", "disabled": True}])),
    request("hash", at=url("hash", hash="frag")),
    request("trailing", at=url("trailing", "x/") | {"path": ["trailing", "x", ""]}),
    request("double", at=url("double") | {"path": ["double", "", "x"]}),
    request("dots", at=url("dots", "a/../b/./c")),
    request("user-in-url", at="http://ann:s3cret@HOST/user-in-url"),
    request("no-encoding", at=url("no-encoding", query=pairs(("q", "a%b|c"))), item={"protocolProfileBehavior": {"disableUrlEncoding": True}}),
    # Methods and headers.
    *(request(f"method-{name.lower()}", name) for name in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "COPY")),
    request("method-lower", "post"),
    request("method-view", "VIEW", body=raw("x", "text")),
    request("headers", header=pairs(("X-A", "1"), ("X-A", "2"), ("x-b", " spaces "), ("X-Empty", ""))),
    request("headers-off", header=[{"key": "X-On", "value": "1", "disabled": False}, {"key": "X-Off", "value": "2", "disabled": True}]),
    request("headers-text", header="X-A: 1\r\nX-B: two\n"),
    request("headers-null", header=[{"key": "X-Null", "value": None}, {"key": "", "value": "no name"}]),
    request("headers-own", header=pairs(("User-Agent", "mine/1"), ("Accept", "text/html"))),
    request("headers-cookie", header=pairs(("Cookie", "a=1; b=2"))),
    # Bodies.
    request("raw-none", "POST", body=raw("plain")),
    *(request(f"raw-{name}", "POST", body=raw("<x/>", name)) for name in ("json", "xml", "html", "text", "javascript", "auto")),
    request("raw-typed", "POST", body=raw("{}", "json"), header=pairs(("content-type", "application/vnd.x+json"))),
    request("raw-type-off", "POST", body=raw("{}", "json"), header=[{"key": "Content-Type", "value": "text/x", "disabled": True}]),
    request("raw-empty", "POST", body=raw("", "json")),
    request("raw-spaces", "POST", body=raw("  {\n\t\"a\": 1 }\r\n\n", "json")),
    request("raw-utf8", "POST", body=raw("grüße 日本 😀", "text")),
    request("raw-off", "POST", body=raw("x", "text", disabled=True)),
    request("raw-get", "GET", body=raw("x", "text")),
    request("raw-get-kept", "GET", body=raw("x", "text"), item={"protocolProfileBehavior": {"disableBodyPruning": True}}),
    request("raw-delete", "DELETE", body=raw("{}", "json")),
    request("urlencoded", "POST", body={"mode": "urlencoded", "urlencoded": pairs(("a", "1"), ("b", "two words"), ("c", "é&=+"), ("d[]", "(x)!*'~"))}),
    request("urlencoded-off", "POST", body={"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1"}, {"key": "b", "value": "2", "disabled": True}]}),
    request("urlencoded-null", "POST", body={"mode": "urlencoded", "urlencoded": [{"key": "a", "value": None}, {"key": "b", "value": ""}, {"key": "", "value": "v"}]}),
    request("urlencoded-typed", "POST", header=pairs(("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")), body={"mode": "urlencoded", "urlencoded": pairs(("a", "1"))}),
    request("urlencoded-text", "POST", body={"mode": "urlencoded", "urlencoded": "a=1&b=2"}),
    request("urlencoded-empty", "POST", body={"mode": "urlencoded", "urlencoded": []}),
    request("formdata", "POST", body={"mode": "formdata", "formdata": [{"key": "a", "value": "1", "type": "text"}, {"key": "b", "value": "é\r\nnext", "type": "text"}]}),
    request("formdata-off", "POST", body={"mode": "formdata", "formdata": [{"key": "a", "value": "1", "type": "text"}, {"key": "b", "value": "2", "type": "text", "disabled": True}]}),
    request("formdata-type", "POST", body={"mode": "formdata", "formdata": [{"key": "a", "value": "{}", "type": "text", "contentType": "application/json"}]}),
    request("formdata-quote", "POST", body={"mode": "formdata", "formdata": [{"key": 'a"b', "value": "1", "type": "text"}]}),
    request("formdata-null", "POST", body={"mode": "formdata", "formdata": [{"key": "a", "value": None, "type": "text"}, {"key": "", "value": "x", "type": "text"}]}),
    request("formdata-file", "POST", body={"mode": "formdata", "formdata": [{"key": "f", "type": "file", "src": "part.txt"}, {"key": "g", "type": "file", "src": ["picture.png"]}]}),
    request("formdata-files", "POST", body={"mode": "formdata", "formdata": [{"key": "f", "type": "file", "src": ["part.txt", "data.json"]}]}),
    request("formdata-file-type", "POST", body={"mode": "formdata", "formdata": [{"key": "f", "type": "file", "src": "part.txt", "contentType": "text/x-other", "fileName": "given.txt"}]}),
    request("formdata-typed", "POST", header=pairs(("Content-Type", "multipart/form-data")), body={"mode": "formdata", "formdata": [{"key": "a", "value": "1", "type": "text"}]}),
    request("file", "POST", body={"mode": "file", "file": {"src": "data.json"}}),
    request("file-typed", "PUT", header=pairs(("Content-Type", "image/png")), body={"mode": "file", "file": {"src": "picture.png"}}),
    request("file-content", "POST", body={"mode": "file", "file": {"content": "Z2l2ZW4gaGVyZQ=="}}),
    request("graphql", "POST", body={"mode": "graphql", "graphql": {"query": "{ a { b } }", "variables": '{"id": 7}'}}),
    request("graphql-none", "POST", body={"mode": "graphql", "graphql": {"query": "{ a }", "variables": ""}}),
    request("graphql-object", "POST", body={"mode": "graphql", "graphql": {"query": "query Q { a }", "operationName": "Q", "variables": {"n": 1}}}),
    request("graphql-query", "POST", body={"mode": "graphql", "graphql": {"query": "{ \"x\\n\" é }"}}),
    request("body-null", "POST", body=None),
    request("body-empty", "POST", body={}),
    # Authentication.
    request("basic", auth=auth("basic", username="ann", password="s3cret")),
    request("basic-utf8", auth=auth("basic", username="änn", password="p:w")),
    request("basic-old", auth={"type": "basic", "basic": {"username": "ann", "password": "old"}}),
    request("basic-empty", auth=auth("basic", username="ann", password="")),
    request("basic-and-header", auth=auth("basic", username="a", password="b"), header=pairs(("Authorization", "Own value"))),
    request("bearer", auth=auth("bearer", token="t0ken")),
    request("bearer-variable", auth=auth("bearer", token="{{token}}")),
    request("apikey", auth=auth("apikey", key="X-Api", value="k1")),
    request("apikey-header", auth=auth("apikey", key="X-Api", value="k1", **{"in": "header"})),
    request("apikey-query", at=url("apikey-query", query=pairs(("a", "1"))), auth=auth("apikey", key="key", value="k 2", **{"in": "query"})),
    request("oauth2", auth=auth("oauth2", accessToken="at", addTokenTo="header")),
    request("oauth2-prefix", auth=auth("oauth2", accessToken="at", addTokenTo="header", headerPrefix="Token")),
    request("oauth2-query", auth=auth("oauth2", accessToken="at", addTokenTo="queryParams")),
    request("noauth", auth={"type": "noauth"}),
    request("oauth2-default", auth=auth("oauth2", accessToken="at")),
    request("apikey-twice", header=pairs(("x-api", "own")), auth=auth("apikey", key="X-Api", value="k1")),
    request("bearer-and-header", auth=auth("bearer", token="b"), header=pairs(("Authorization", "Own"))),
    request("basic-and-user", at="http://bob:url@HOST/basic-and-user", auth=auth("basic", username="ann", password="p")),
    request("query-in-text", at="http://HOST/query-in-text?a=é&b=x y&c=%20&d"),
    request("query-empty", at="http://HOST/query-empty?"),
    request("method-custom", "FETCH-IT"),
    request("method-head", "HEAD"),
    request("raw-form-type", "POST", body=raw("a=1&b=2", "text"), header=pairs(("Content-Type", "application/x-www-form-urlencoded"))),
    request("graphql-invalid", "POST", body={"mode": "graphql", "graphql": {"query": "{ a }", "variables": "{not json"}}),
    request("graphql-typed", "POST", header=pairs(("Content-Type", "application/graphql+json")), body={"mode": "graphql", "graphql": {"query": "{ a }"}}),
    request("urlencoded-disabled-all", "POST", body={"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1", "disabled": True}]}),
    request("formdata-disabled-all", "POST", body={"mode": "formdata", "formdata": [{"key": "a", "value": "1", "type": "text", "disabled": True}]}),
    request("file-off", "POST", body={"mode": "file", "disabled": True, "file": {"src": "data.json"}}),
    request("port-variable", at={"protocol": "http", "host": ["127", "0", "0", "1"], "port": "{{port}}", "path": ["port-variable"]}),
    # Variables.
    request("variables", at=url("variables", "{{text}}/{{number}}/{{yes}}/{{nested}}"), header=pairs(("X-{{text}}", "{{ text }}"))),
    request("variable-off", at=url("variable-off", "{{off}}")),
    request("variable-unknown", at=url("variable-unknown", "{{unknown}}", pairs(("q", "{{unknown}}"))), header=pairs(("X", "{{unknown}}"))),
    request("variable-body", "POST", body=raw('{"a": "{{text}}", "n": {{number}}}', "json")),
    request("variable-form", "POST", body={"mode": "urlencoded", "urlencoded": pairs(("{{text}}", "{{text}} {{number}}"))}),
    request("variable-multipart", "POST", body={"mode": "formdata", "formdata": [{"key": "a", "value": "{{text}}", "type": "text"}]}),
    request("variable-graphql", "POST", body={"mode": "graphql", "graphql": {"query": "{ a(b: \"{{text}}\") }", "variables": '{"n": {{number}}}'}}),
    request("variable-path", at=url("variable-path", ":id", variable=pairs(("id", "{{number}}")))),
    request("variable-base", at="{{base}}/variable-base?x={{text}}"),
    request("variable-host", at={"raw": "{{base}}/variable-host", "host": ["{{base}}"], "path": ["variable-host"]}),
]  # fmt: skip
VARIABLES = [
    {"key": "text", "value": "word", "type": "string"}, {"key": "number", "value": 5, "type": "number"},
    {"key": "yes", "value": True, "type": "boolean"}, {"key": "nested", "value": "{{text}}-x"},
    {"key": "off", "value": "o", "disabled": True}, {"key": "token", "value": "from variable"},
    {"key": "base", "value": "http://HOST"}, {"key": "port", "value": "PORT"},
]  # fmt: skip


def collection(*items: Any, version: str = "2.1", **more: Any) -> dict[str, Any]:
    return {"info": {"name": "Kinds", "schema": SCHEMA.format(version)}, "item": list(items), **more}


def folder(name: str, *items: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "item": list(items), **more}


# Authentication that stands further out, and formats of other versions.
COLLECTIONS: dict[str, dict[str, Any]] = {
    "kinds": collection(*ITEMS, variable=VARIABLES),
    "collection-auth": collection(
        request("inherited"), request("own", auth=auth("bearer", token="own")), request("none", auth={"type": "noauth"}),
        folder("in folder", request("from-folder"), auth=auth("bearer", token="folder")),
        folder("plain", request("from-collection"), folder("deep", request("deep"))),
        folder("off", request("switched-off"), auth={"type": "noauth"}),
        auth=auth("basic", username="c", password="d"),
    ),
    "folder-variables": collection(folder("f", request("in-folder", at=url("in-folder", "{{where}}")), variable=pairs(("where", "folder"))), variable=pairs(("where", "collection"))),
    "old": collection(
        {"name": "old-text", "request": {"method": "POST", "url": "http://HOST/old-text", "header": "A: 1\nB: 2", "body": {"mode": "raw", "raw": "x"}}},
        request("old-auth"), version="2.0", auth={"type": "bearer", "bearer": {"token": "old"}},
    ),
}  # fmt: skip


# What newman 6.2 sent of these collections, written by `make consumers` with REFRESH_GOLDEN=1.
GOLDEN = Path(__file__).parents[1] / "export" / "golden" / "newman.json"


def kind(target: str) -> str:
    return target[1:].partition("/")[0].partition("?")[0]


def as_json(one: tuple[Any, ...]) -> list[Any]:
    method, target, _, headers, body = one
    return [method, target, [list(header) for header in headers], body.decode("latin-1")]


def stored(text: str) -> dict[str, list[Any]]:
    """What the import holds of a collection, by kind."""
    found = read(text.encode(), read_file=lambda name: FILES[name]).recordings[0].exchanges
    return {
        kind(one.request.target): as_json(
            normalized(one.method, one.request.target, "1.1", list(one.request.headers), one.request.body.data)
        )
        for one in found
    }
