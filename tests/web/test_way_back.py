"""The page that refuses a form leads back to the page of the form, and never anywhere else."""

import re

import pytest

RECORDING = "/_gateway/recordings/01KRECORDING00000000000001"
EXCHANGE = "01KEXCHANGE000000000000002"
HTML = {"Accept": "text/html"}


async def refused(client, path, **fields):
    """The links of the page that refuses this form."""
    async with client.get("/_gateway/") as answer:
        token = re.search(r'name="csrf_token" value="(\w+)"', await answer.text())[1]
    answer = await client.post(path, data={"csrf_token": token, **fields}, headers=HTML, allow_redirects=False)
    text = await answer.text()
    assert 400 <= answer.status < 500, text
    return re.findall(r'<a href="([^"]*)">([^<]*)</a>', text)


@pytest.mark.parametrize(
    ("path", "fields", "page"),
    [
        ("/_gateway/move", {"cluster": "orders", "environment": "uat"}, "/_gateway/"),
        ("/_gateway/pin", {"cluster": "orders", "environment": "uat"}, "/_gateway/"),
        ("/_gateway/import", {}, "/_gateway/recordings"),
        (RECORDING, {"step": "77", "note": "x"}, RECORDING),
        (RECORDING, {"step": "77", "note": "x", "exchange": EXCHANGE}, f"/_gateway/exchanges/{EXCHANGE}"),
        (f"{RECORDING}/compare", {}, f"{RECORDING}/compare"),
        (f"{RECORDING}/correlations", {"accept": "nothing"}, RECORDING),
        (f"{RECORDING}/branch", {"step": "2", "edits": "nowhere"}, f"{RECORDING}/what-if/2"),
        (f"{RECORDING}/branch", {"step": "2", "edits": "nowhere", "alter": ""}, RECORDING),
        (f"/_gateway/exchanges/{EXCHANGE}/reveal", {}, f"/_gateway/exchanges/{EXCHANGE}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_a_refused_form_leads_back_to_its_page(client, path, fields, page):
    links = await refused(client, path, **fields)
    assert (page, "Back to the form") in links
    async with client.get(page) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example/", '"><a href=//evil.example>', "\\\\evil"])
async def test_no_field_leads_to_another_site(client, evil):
    for path in ("/_gateway/move", "/_gateway/move?next=" + evil, RECORDING, f"{RECORDING}/branch"):
        fields = dict.fromkeys(("next", "exchange", "slide", "step", "cluster", "environment", "edits"), evil)
        for href, _ in await refused(client, path, **fields):
            assert re.match(r"/(_gateway|demos)/|/$", href), href


async def test_what_another_site_sent_and_what_is_no_form_has_no_way_back(client):
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {}):
        answer = await client.post("/_gateway/move", headers=HTML | headers, json={})
        assert "Back to the form" not in await answer.text()
    async with client.get("/_gateway/nowhere", headers=HTML) as answer:
        assert "Back to the form" not in await answer.text()
