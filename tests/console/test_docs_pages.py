"""The documentation as pages of the console: each document, its links, its pictures."""

import re

import pytest

from gateway.console.docs_pages import address, documents
from gateway.paths import docs_dir

NAMES = ("console", "routes")


@pytest.mark.parametrize(
    ("target", "leads"),
    [
        ("routes.md#redact", "/_gateway/docs/routes#redact"),
        ("pictures/board.png", "/_gateway/docs/pictures/board.png"),
        ("#here", "#here"),
        ("https://example.org/", "https://example.org/"),
        ("../README.md", "#main"),
    ],
)
def test_links(target, leads):
    assert address(target, NAMES) == leads


async def test_every_document_and_picture_is_served_and_every_link_leads_somewhere(client):
    found = documents(docs_dir())
    assert next(iter(found)) == "console"
    for name in found:
        response = await client.get(f"/_gateway/docs/{name}")
        text = await response.text()
        assert response.status == 200
        assert 'aria-current="page">Docs' in re.sub(r"<svg.*?</svg>", "", text)
        for source in re.findall(r'<img src="(/_gateway/docs/[^"]+)"', text):
            assert (await client.get(source)).status == 200, source
        for there, anchor in re.findall(r'href="/_gateway/docs/(\w+)#([^"]+)"', text):
            assert f'id="{anchor}"' in found[there].html, anchor


async def test_unknown_names_are_404_and_reach_no_file(client):
    for name in ("nothing", "..%2f..%2fpyproject", "generate.py", "pictures/..%2fgenerate.py", "pictures/none.png"):
        assert (await client.get(f"/_gateway/docs/{name}")).status == 404, name
    assert (await client.get("/_gateway/docs")).status == 200
