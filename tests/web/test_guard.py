"""Foreign names, foreign sites and forged forms do not get in.

Covers: web/errors, web/uploads.
"""

import asyncio
import re

import pytest
from aiohttp import web

from gateway.web.guard import CSRF_FIELD, CSRF_HEADER, csrf_token, form_text


async def token(request):
    return web.Response(text=csrf_token(request))


async def changed(request):
    return web.Response(text="changed")


async def fails(request):
    raise RuntimeError("the password is swordfish")


async def echo(request):
    return web.Response(text=form_text(request, "name"))


@pytest.fixture
def app(app):
    app.router.add_get("/token", token)
    app.router.add_post("/change", changed)
    app.router.add_post("/echo", echo)
    app.router.add_get("/fails", fails)
    app.router.add_get("/_gateway/api/v1/thing", token)
    return app


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST:80", "localhost.", "127.0.0.1:8080", "[::1]:8080", "gateway.internal"]
)
async def test_our_own_names_get_in(client, host):
    answer = await client.get("/token", headers={"Host": host})
    assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "127.0.0.1.evil.example", "evil.example:8080", "localhost.evil", "127.0.0.1@evil.example",
        "", "evil.example/127.0.0.1", "[::2]", "[::1", "10.0.0.1", "localhost..", "127.0.0.1 evil",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/token", "/_gateway/static/console.css", "/nothing/here"])
async def test_other_names_are_misdirected(client, host, path):
    """DNS rebinding: a foreign name that resolves to this machine reaches nothing (S2)."""
    answer = await client.get(path, headers={"Host": host})
    assert answer.status == 421
    assert answer.content_type == "application/problem+json"
    assert "--allow-host" in (await answer.json())["hint"]


async def raw(client, text):
    """The status of an answer to bytes that no client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(text.encode())
    status = (await reader.readline()).split()[1]
    writer.close()
    await writer.wait_closed()
    return int(status)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("GET http://evil.example/token HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
        ("GET http://localhost:80/token HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("GET http://localhost:80/token HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("GET //evil.example/token HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /token HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 421),
        ("GET /token HTTP/1.0\r\n\r\n", 421),
    ],
)
async def test_every_name_in_a_request_counts(client, text, status):
    assert await raw(client, text) in (status, 400)


async def test_every_answer_carries_the_security_headers(client):
    for path in ("/token", "/nothing", "/fails", "/_gateway/static/console.css"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"], path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Server"] == "gateway"
        assert "Access-Control-Allow-Origin" not in headers
    assert (await client.get("/token")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"}, {"Origin": "http://localhost:4200"}, {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"},
    ],
)  # fmt: skip
async def test_another_site_changes_nothing(client, headers):
    answer = await client.post("/change", json={}, headers=headers)
    assert answer.status == 403


@pytest.mark.parametrize(
    "body", [{"data": b"x"}, {"data": {"a": "b"}}, {"data": b"{}", "headers": {"Content-Type": "text/plain"}}]
)
async def test_a_write_without_token_must_be_json(client, body):
    assert (await client.post("/change", **body)).status == 403


async def test_json_from_an_api_client_or_our_own_page_changes(client):
    assert (await client.post("/change", json={})).status == 200
    origin = f"http://127.0.0.1:{client.port}"
    own = {"Origin": origin, "Sec-Fetch-Site": "same-origin", "Host": f"127.0.0.1:{client.port}"}
    assert (await client.post("/change", json={}, headers=own)).status == 200


async def test_a_form_needs_the_token_of_its_own_session(client):
    mine = await (await client.get("/token", headers={"Gateway-Session": "a"})).text()
    other = await (await client.get("/token", headers={"Gateway-Session": "b"})).text()
    assert mine != other
    for given, status in ((mine, 200), (other, 403), ("", 403), ("é", 403)):
        answer = await client.post("/change", data={CSRF_FIELD: given}, headers={"Gateway-Session": "a"})
        assert answer.status == status, given


async def test_a_form_of_a_page_without_referrer_says_origin_null_and_gets_in_by_its_token(client):
    mine = await (await client.get("/token")).text()
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/change", data={CSRF_FIELD: mine}, headers=headers)).status == 200
    assert (await client.post("/change", json={}, headers={"Origin": "null", CSRF_HEADER: mine})).status == 200


async def test_the_form_is_read_once_and_a_missing_field_is_named(client):
    mine = await (await client.get("/token")).text()
    assert await (await client.post("/echo", data={CSRF_FIELD: mine, "name": "Ada"})).text() == "Ada"
    answer = await client.post("/echo", data={CSRF_FIELD: mine})
    assert answer.status == 400
    assert "'name'" in (await answer.json())["detail"]


async def test_json_where_a_form_belongs_is_the_sender_s_mistake(client):
    for path in ("/_gateway/pin", "/_gateway/move", "/_gateway/session/recording"):
        answer = await client.post(path, json={"cluster": "orders"})
        assert answer.status < 500, path


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=y", b"--x"),
        ("multipart/form-data; boundary=y", b"--y\r\nbroken"),
        ("multipart/form-data; boundary=y", b"--y\r\nContent-Disposition: form-data; name=a\r\n\r\nno end"),
        ("multipart/form-data", b"--y--"),
        ("application/x-www-form-urlencoded; charset=nope", b"a=1"),
        ("application/x-www-form-urlencoded; charset=utf-8", b"a=\xff"),
    ],
)
async def test_a_form_that_cannot_be_read_is_a_400(client, content_type, body):
    answer = await client.post("/echo", data=body, headers={"Content-Type": content_type})
    assert answer.status == 400
    assert "the form cannot be read" in (await answer.json())["detail"]


async def test_other_sites_do_not_even_read_the_api(client):
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}):
        assert (await client.get("/_gateway/api/v1/thing", headers=headers)).status == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await client.get("/_gateway/api/v1/thing", headers=link)).status == 200


async def test_an_unknown_path_is_our_own_404_with_a_hint(client):
    answer = await client.get("/api/order/1")
    assert answer.status == 404
    assert answer.headers["Proxy-Status"] == "gateway; error=destination_not_found"
    assert "did you mean /api/orders?" in (await answer.json())["hint"]
    page = await (await client.get("/api/order/1", headers={"Accept": "text/html"})).text()
    assert "no upstream did" in page
    assert "did you mean /api/orders?" in page


async def test_an_unknown_path_is_a_404_for_every_method(client):
    assert (await client.post("/api/order/1", data=b"x")).status == 404


async def test_a_wrong_method_names_the_right_ones(client):
    answer = await client.delete("/change")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


async def test_an_unexpected_error_says_nothing_of_its_inside(client, caplog):
    answer = await client.get("/fails", headers={"Accept": "text/html"})
    text = await answer.text()
    assert answer.status == 500
    assert "swordfish" not in text
    assert "Traceback" not in text
    assert not re.search(r"\.py|/gateway/", text)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


async def test_log_lines_stay_one_line(client, caplog):
    await client.get("/fails?%0d%0aevil")
    assert all("\n" not in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "name", ["../console.css", "%2e%2e/guard.py", "..%2f..%2fguard.py", "%5c..", "vendor", "a%00b", "x" * 300]
)
async def test_static_files_do_not_leave_their_folder(client, name):
    answer = await client.get(f"/_gateway/static/{name}")
    assert answer.status in (403, 404)


async def test_static_files_are_asked_for_again_by_their_tag(client):
    first = await client.get("/_gateway/static/console.css")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get("/_gateway/static/console.css", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304
