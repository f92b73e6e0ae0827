"""A demo.yaml whose author, or whose copied texts, mean harm: every authored word is shown, and none of it runs."""

import json

import pytest
from aiohttp import web
from browsing import browsed
from relaying import orders_at
from serving import serving

pytestmark = pytest.mark.browser

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)><svg/onload=alert(3)>{{7*7}}${7*7}</textarea></title>"
DEMO = {
    "title": f"Title {EVIL}",
    "about": f"About {EVIL}",
    "steps": [
        {
            "title": f"Step {EVIL}",
            "about": f"Why {EVIL}",
            "call": "GET orders:/echo",
            "form": {
                "word": {"default": EVIL, "help": f"Help {EVIL}"},
                "choice": {"choices": [EVIL, "other"], "default": "other"},
            },
            "keep": {"said": "$.said"},
            "what_if": {f"What {EVIL}": {"set": {"word": EVIL}, "expect": 404, "why": f"Because {EVIL}"}},
        }
    ],
}


@pytest.fixture
async def gateway(tmp_path):
    async def echo(request):
        return web.json_response({"said": EVIL, "word": request.query.get("word", "")}, headers={"X-Said": EVIL})

    app = web.Application()
    app.router.add_get("/echo", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
    folder = tmp_path / "templates" / "demos" / "evil"
    folder.mkdir(parents=True)
    text = json.dumps(DEMO).replace("{{7*7}}", "{{ '{{7*7}}' }}")  # an author's expression would be worked out
    (folder / "demo.yaml").write_text(text)
    async with serving(tmp_path, orders_at(site.name), templates=tmp_path / "templates") as running:
        yield running
    await runner.cleanup()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_authored_word_runs(gateway, theme):
    async with browsed(gateway.url, color_scheme=theme) as watch:
        page = watch.page
        assert "<script>alert(1)</script>" in await watch.open("/")
        await watch.check()
        await page.get_by_role("link", name="Start").first.click()
        await watch.check()
        await page.locator("button[name=what_if][value='']").click()
        await page.wait_for_load_state()
        assert "<script>alert(1)</script>" in await page.inner_text("main")
        await watch.check()
        await page.get_by_role("button", name="What if: ").first.click()
        await page.wait_for_load_state()
        assert "Because" in await page.inner_text("main")
        await watch.check()
        await page.get_by_role("link", name="Open the story").first.click()
        await page.wait_for_load_state()
        await watch.check()
        recording = page.url.rpartition("/")[2].partition("?")[0]
        for path in (f"present/{recording}", f"present/{recording}/1", "live", f"recordings/{recording}/what-if/1"):
            await watch.open(f"/_gateway/{path}")
