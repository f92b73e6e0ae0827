"""One HAR per tool and kind, in the dialect of the tool: the members that it writes, leaves out or writes otherwise.

Written for these tests from what the tools document and from their habits; no file of anybody is copied. `steps` says
what an import must hold: (method, URL, status, request body, response body), in the order of time.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
Step = tuple[str, str, int | None, bytes, bytes]
BINARY = bytes(range(256))


@dataclass(frozen=True)
class Dialect:
    name: str
    log: Object
    steps: list[Step]
    left_out: tuple[str, ...] = ()  # words of every omission, in order
    notes: dict[int, str] = field(default_factory=dict)  # step -> words in its notes
    files: dict[str, bytes] = field(default_factory=dict)  # what may be read beside it


def har(creator: str, *entries: Object, **more: Any) -> Object:
    return {"log": {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": list(entries), **more}}


def pairs(**headers: str) -> list[Object]:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]


def entry(
    url: str, method: str = "GET", status: Any = 200, text: str | None = None, *, at: Any = 0,
    asked: Object | None = None, answered: Object | None = None, mime: str = "application/json", **more: Any,
) -> Object:  # fmt: skip
    """An entry with what HAR 1.2 requires; `asked`, `answered` and `more` add members, a value of ... takes one away."""
    content: Object = {"size": len(text or ""), "mimeType": mime, **({} if text is None else {"text": text})}
    found: Object = {
        "startedDateTime": f"2026-03-01T10:00:{at:02d}.000Z" if isinstance(at, int) and at < 60 else at,
        "time": 30, "cache": {}, "timings": {"send": 1, "wait": 20, "receive": 9},
        "request": {"method": method, "url": url, "httpVersion": "HTTP/1.1", "headers": [], "queryString": [],
                    "cookies": [], "headersSize": -1, "bodySize": -1, **(asked or {})},
        "response": {"status": status, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": pairs(Content_Type=mime),
                     "cookies": [], "content": content, "redirectURL": "", "headersSize": -1, "bodySize": -1,
                     **(answered or {})},
        **more,
    }  # fmt: skip
    for part in (found, found["request"], found["response"]):
        if isinstance(part, dict):
            for name in [name for name, value in part.items() if value is ...]:
                del part[name]
    return found


def post(text: str | None, mime: str, **more: Any) -> Object:
    return {"postData": {"mimeType": mime, **({} if text is None else {"text": text}), **more}}


def b64(data: bytes) -> str:
    return b64encode(data).decode()


API = "https://api.shop.example/v1"


def chrome() -> list[Dialect]:
    pages = [
        {
            "startedDateTime": "2026-03-01T10:00:00.000Z",
            "id": "page_1",
            "title": "https://shop.example/",
            "pageTimings": {"onContentLoad": 10.5, "onLoad": 20.25},
        }
    ]
    pseudo = [
        {"name": ":authority", "value": "api.shop.example"},
        {"name": ":method", "value": "GET"},
        {"name": "accept", "value": "*/*"},
    ]
    timings = {
        "blocked": 2.5,
        "dns": -1,
        "ssl": 4,
        "connect": 9.5,
        "send": 0.3,
        "wait": 15.7,
        "receive": 1.9,
        "_blocked_queueing": 1.1,
    }
    return [
        Dialect("chrome: HTTP/2, pseudo headers, private members",
            har("WebInspector",
                entry(f"{API}/a?x=1", text='{"a":1}', at=1, asked={"httpVersion": "http/2.0", "headers": pseudo}, answered={"httpVersion": "http/2.0", "statusText": "", "_transferSize": 99, "_error": None},
                      _initiator={"type": "script"}, _priority="High", _resourceType="fetch", connection="443", pageref="page_1", serverIPAddress="[2001:db8::1]", timings=timings),
                entry("data:image/png;base64,AA==", at=2, pageref="page_1"), entry("blob:https://shop.example/5b", at=2), entry("chrome-extension://abc/x.js", at=2),
                pages=pages),
            [("GET", f"{API}/a?x=1", 200, b"", b'{"a":1}')], ("data:", "blob:", "chrome-extension:")),
        Dialect("chrome: 204 with net::ERR_ABORTED, blocked, failed",
            har("WebInspector",
                entry(f"{API}/a", "DELETE", 204, at=1, answered={"_error": "net::ERR_ABORTED", "headers": pairs(X_Kept="1")}),
                entry(f"{API}/b", status=0, at=2, answered={"statusText": "", "httpVersion": "", "headers": [], "_error": "net::ERR_BLOCKED_BY_CLIENT", "content": {"size": 0, "mimeType": "x-unknown"}})),
            [("DELETE", f"{API}/a", 204, b"", b""), ("GET", f"{API}/b", None, b"", b"")], notes={1: "net::ERR_ABORTED"}),
        Dialect("chrome: several Set-Cookie in one value",
            har("WebInspector", entry(f"{API}/login", "POST", 200, "{}", asked=post("u=1", "application/x-www-form-urlencoded", params=[{"name": "u", "value": "1"}]), answered={"headers": [{"name": "set-cookie", "value": "a=1; Path=/\nb=2; HttpOnly"}]})),
            [("POST", f"{API}/login", 200, b"u=1", b"{}")]),
        Dialect("chrome: a WebSocket",
            har("WebInspector", entry("wss://live.shop.example/feed", status=101, _resourceType="websocket", _webSocketMessages=[
                {"type": "send", "time": 1772359200.5, "opcode": 1, "data": "hello"}, {"type": "receive", "time": 1772359201.25, "opcode": 2, "data": b64(b"\0\1")}])),
            [("GET", "wss://live.shop.example/feed", 101, b"", b"")]),
        Dialect("chrome: entries as they ended, binary content",
            har("WebInspector", entry(f"{API}/late", at=5, text="{}"), entry(f"{API}/early", at=1, answered={"content": {"size": 256, "mimeType": "image/png", "text": b64(BINARY), "encoding": "base64"}})),
            [("GET", f"{API}/early", 200, b"", BINARY), ("GET", f"{API}/late", 200, b"", b"{}")]),
    ]  # fmt: skip


def firefox() -> list[Dialect]:
    stream = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nq=a&r=b"
    return [
        Dialect("firefox: cookies and sizes, zone, stream head before the form",
            har("Firefox", entry(f"{API}/search", "POST", 200, "[]", at="2026-03-01T11:00:01.123+01:00", asked={**post(stream, "application/x-www-form-urlencoded", params=[{"name": "q", "value": "a"}]), "headersSize": 300}, answered={"_charset": "UTF-8"}, timings={"blocked": 0, "dns": 0, "connect": 0, "ssl": 0, "send": 0, "wait": 30, "receive": 0}),
                pages=[{"id": "page_1", "title": "Shop", "startedDateTime": "2026-03-01T11:00:00.000+01:00", "pageTimings": {"onContentLoad": -54, "onLoad": -54}}], browser={"name": "Firefox", "version": "140"}),
            [("POST", f"{API}/search", 200, b"q=a&r=b", b"[]")]),
        Dialect("firefox: response without content, empty timings",
            har("Firefox", entry(f"{API}/x", answered={"content": {"mimeType": "text/plain", "size": 0, "text": ""}}, timings={}, time=0)),
            [("GET", f"{API}/x", 200, b"", b"")]),
    ]  # fmt: skip


def safari() -> list[Dialect]:
    return [
        Dialect("webkit: nulls, fetch type, fractions of milliseconds",
            har("WebKit Web Inspector",
                entry(f"{API}/x", text='{"a": "é"}', at="2026-03-01T10:00:00.123Z", asked={"bodySize": None, "httpVersion": "h2"}, answered={"redirectURL": None, "statusText": "", "bodySize": None, "_transferSize": 10}, _fetchType="Network Load", _priority="low", time=12.345678, timings={"blocked": 1.2, "dns": -1, "connect": -1, "ssl": -1, "send": 0.01, "wait": 11, "receive": 0.135678}),
                pages=[]),
            [("GET", f"{API}/x", 200, b"", '{"a": "é"}'.encode())]),
        Dialect("webkit: no status",
            har("WebKit Web Inspector", entry(f"{API}/gone", status=0, answered={"headers": [], "content": {"size": 0, "mimeType": ""}})),
            [("GET", f"{API}/gone", None, b"", b"")]),
    ]  # fmt: skip


def fiddler() -> list[Dialect]:
    return [
        Dialect("fiddler: ticks in times, comment, base64",
            har("Fiddler", entry(f"{API}/x", "PUT", 200, at="2026-03-01T10:00:00.1234567+00:00", asked=post("<a/>", "text/xml; charset=utf-8"), answered={"content": {"size": 256, "compression": 0, "mimeType": "application/octet-stream", "text": b64(BINARY), "encoding": "base64"}, "comment": ""}, comment="[#12]", connection="ClientPort:1;EgressPort:2", timings={"send": 0, "wait": 3, "receive": 1, "dns": 0, "connect": 0, "ssl": 0}, time=4), pages=[], comment="exported"),
            [("PUT", f"{API}/x", 200, b"<a/>", BINARY)], notes={1: "[#12]"}),
        Dialect("fiddler: a tunnel",
            har("Fiddler", entry("http://api.shop.example:443", "CONNECT", 200, ""), entry("api.shop.example:443", "CONNECT", 200, "")),
            [("CONNECT", "http://api.shop.example:443/", 200, b"", b"")], ("another kind",)),
    ]  # fmt: skip


def proxies() -> list[Dialect]:
    return [
        Dialect("charles: status, statuses as text, Latin-1",
            har("Charles Proxy", entry(f"{API}/x", status="200", answered={"headers": pairs(Content_Type="text/html; charset=ISO-8859-1"), "content": {"size": 4, "mimeType": "text/html; charset=ISO-8859-1", "text": "café"}}, _charlesStatus="COMPLETE", serverIPAddress="192.0.2.1"),
                entry(f"{API}/y", status=None, at=1, response={"status": None, "headers": None, "content": None}, _charlesStatus="EXCEPTION")),
            [("GET", f"{API}/x", 200, b"", b"caf\xe9"), ("GET", f"{API}/y", None, b"", b"")]),
        Dialect("proxyman: query and cookies in arrays, wrapped base64",
            har("Proxyman", entry(f"{API}/x", asked={"queryString": pairs(q="a b", r="1"), "cookies": pairs(sid="s1", theme="dark")}, answered={"content": {"size": 256, "mimeType": "image/png", "encoding": "base64", "text": "\r\n".join(b64(BINARY)[i : i + 76] for i in range(0, 344, 76))}}, _clientName="Safari", _name="")),
            [("GET", f"{API}/x?q=a%20b&r=1", 200, b"", BINARY)]),
        Dialect("mitmproxy: no pages, microseconds, binary body as base64 in the request",
            har("mitmproxy", entry(f"{API}/up", "POST", 201, "", at="2026-03-01T10:00:00.123456+00:00", asked=post(b64(BINARY), "application/octet-stream", params=[], encoding="base64"), serverIPAddress="192.0.2.1", _resourceType="", timings={"connect": 1.5, "ssl": 3.25, "send": 0.2, "receive": 0.4, "wait": 9.1}), pages=[]),
            [("POST", f"{API}/up", 201, BINARY, b"")]),
        Dialect("http toolkit: WebSocket with types of its own",
            har("HTTP Toolkit", entry("https://live.shop.example/ws", status=101, _webSocketMessages=[{"type": "request", "time": "2026-03-01T10:00:01Z", "data": "text"}, {"type": "response", "time": 1772359202000, "opcode": 8, "data": "bye"}])),
            [("GET", "https://live.shop.example/ws", 101, b"", b"")]),
        Dialect("browserup: microseconds as integers, no responses' headers",
            har("BrowserUp Proxy", entry(f"{API}/x", text="ok", answered={"headers": ...}, asked={"headers": ...}, time=5, timings={"comment": "", "blocked": 0, "dns": 0, "connect": 0, "send": 0, "wait": 5, "receive": 0, "ssl": 0}, comment="")),
            [("GET", f"{API}/x", 200, b"", b"ok")]),
    ]  # fmt: skip


def testing_tools() -> list[Dialect]:
    form = [
        {"name": "title", "value": "Q1 report", "contentType": None},
        {"name": "file", "fileName": "a.txt", "contentType": "text/plain"},
    ]
    return [
        Dialect("playwright: bodies in files beside it, read",
            har("Playwright", entry(f"{API}/x", answered={"content": {"size": 2, "mimeType": "application/json", "_file": "3f.json"}}), entry(f"{API}/y", "POST", 200, "{}", at=1, asked=post(None, "application/json", params=[], _file="4a.json")), browser={"name": "chromium", "version": "1"}),
            [("GET", f"{API}/x", 200, b"", b'{"a":1}'), ("POST", f"{API}/y", 200, b"[2]", b"{}")], files={"3f.json": b'{"a":1}', "4a.json": b"[2]"}),
        Dialect("playwright: bodies in files beside it, without leave",
            har("Playwright", entry(f"{API}/x", answered={"content": {"size": 2, "mimeType": "application/json", "_file": "3f.json"}})),
            [("GET", f"{API}/x", 200, b"", b"")], ("the file 3f.json",)),
        Dialect("playwright: minimal mode",
            {"log": {"version": "1.2", "creator": {"name": "Playwright", "version": "1"}, "entries": [{"startedDateTime": "", "time": -1, "request": {"method": "GET", "url": f"{API}/x", "httpVersion": "HTTP/1.1"}, "response": {"status": 200, "statusText": "", "headers": [{"name": "content-type", "value": "text/plain"}], "content": {"text": "hi"}}}]}},
            [("GET", f"{API}/x", 200, b"", b"hi")]),
        Dialect("insomnia: names as comments, urls without their query",
            har("Insomnia REST Client", entry(f"{API}/x", "POST", 200, asked={**post('{"a":1}', "application/json"), "queryString": pairs(page="2")}, answered={"status": 200, "content": {"size": 0, "mimeType": "application/json", "text": "[]"}}, comment="Create order")),
            [("POST", f"{API}/x?page=2", 200, b'{"a":1}', b"[]")], notes={1: "Create order"}),
        Dialect("k6: forms with files in params only",
            har("k6 Browser Recorder", entry(f"{API}/up", "POST", 200, "{}", asked={"headers": pairs(Content_Type="multipart/form-data; boundary=XX"), **post(None, "multipart/form-data; boundary=XX", params=form)})),
            [("POST", f"{API}/up", 200, b'--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\nQ1 report\r\n--XX\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n\r\n--XX--\r\n', b"{}")], notes={1: "The content of the file a.txt"}),
        Dialect("k6: a body whose type stands in postData only",
            har("k6 Browser Recorder", entry(f"{API}/x", "POST", 200, "{}", asked=post('{"a":1}', "application/json"))),
            [("POST", f"{API}/x", 200, b'{"a":1}', b"{}")]),
        Dialect("cypress: JSON as it is, headers as an object, URL-safe base64",
            har("cypress-har-generator", entry(f"{API}/x", asked={"headers": {"accept": "*/*"}}, answered={"content": {"size": 9, "mimeType": "application/json", "text": {"a": [1, None]}}}), entry(f"{API}/y", at=1, answered={"content": {"size": 256, "mimeType": "image/png", "encoding": "base64", "text": urlsafe_b64encode(BINARY).decode().rstrip("=")}})),
            [("GET", f"{API}/x", 200, b"", b'{"a":[1,null]}'), ("GET", f"{API}/y", 200, b"", BINARY)]),
    ]  # fmt: skip


def page_tests() -> list[Dialect]:
    two = [
        {"id": f"page_{n}", "title": f"Run {n}", "startedDateTime": f"2026-03-01T10:00:0{n}.000Z", "pageTimings": {}}
        for n in (1, 2)
    ]
    return [
        Dialect("webpagetest: two runs, private members, addresses without brackets",
            har("WebPageTest", entry("http://2001:db8::1:8080/x", text="a", at=1, pageref="page_1", _full_url="x", _load_ms="12", _ttfb_ms="9"), entry(f"{API}/y", text="b", at=2, pageref="page_2"), pages=two),
            [("GET", "http://[2001:db8::1]:8080/x", 200, b"", b"a"), ("GET", f"{API}/y", 200, b"", b"b")], notes={1: "Page: Run 1", 2: "Page: Run 2"}),
        Dialect("browsertime: two pages, an entry without a time",
            har("Browsertime", entry(f"{API}/1", text="a", at=1, pageref="page_1"), entry(f"{API}/2", text="b", at=..., pageref="page_2"), entry(f"{API}/0", text="c", at=0, pageref="page_1"), pages=two, browser={"name": "Chrome", "version": "1"}),
            [("GET", f"{API}/0", 200, b"", b"c"), ("GET", f"{API}/1", 200, b"", b"a"), ("GET", f"{API}/2", 200, b"", b"b")], notes={1: "Page: Run 1", 3: "gives no time"}),
        Dialect("others: a mail date, seconds since 1970, userinfo, raw letters",
            har("x", entry("https://ann:pw@shop.example/é?ü", text="a", at="Sun, 01 Mar 2026 10:00:01 GMT"), entry(f"{API}/b", text="b", at=1772359200500)),
            [("GET", f"{API}/b", 200, b"", b"b"), ("GET", "https://shop.example/%C3%A9?%C3%BC", 200, b"", b"a")]),
    ]  # fmt: skip


DIALECTS: list[Dialect] = [
    *chrome(), *firefox(), *safari(), *fiddler(), *proxies(), *testing_tools(), *page_tests(),
]  # fmt: skip
