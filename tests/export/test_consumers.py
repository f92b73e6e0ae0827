"""Programs that people use read what we write."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from gateway.export import har
from gateway.export.runnable import curl, curl_script

READ = "async r => [r.status, [...new Uint8Array(await r.arrayBuffer())]]"


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_playwright_answers_from_our_har_with_every_server_down(bookshop, tmp_path):
    from playwright.sync_api import sync_playwright

    file = tmp_path / "bookshop.har"
    file.write_text(har.dump([bookshop], version="1"), "utf-8")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route_from_har(file, not_found="abort")
        page.route("http://127.0.0.1:8080/start", lambda route: route.fulfill(body=""))
        page.goto("http://127.0.0.1:8080/start")
        found = page.evaluate(f"fetch('/api/catalogue/books/978-1?lang=fr&q=caf%C3%A9+noir&empty=').then({READ})")
        missing = page.evaluate(f"fetch('/api/orders/orders/501').then({READ})")
        form = "{method: 'POST', body: 'isbn=978-1&gift=it%27s+yours'}"
        ordered = page.evaluate(f"fetch('/api/orders/orders', {form}).then({READ})")
        browser.close()
    assert (found[0], bytes(found[1])) == (200, '{"title": "Café Python"}'.encode())
    assert missing == [404, [0, 0xFE]]
    assert ordered[0] == 201


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="install shellcheck to let it judge the scripts")
@pytest.mark.parametrize("module", [curl, curl_script])
def test_shellcheck_finds_nothing(bookshop, module):
    script = module.dump([bookshop], version="1")
    run = subprocess.run(["shellcheck", "-"], input=script, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
