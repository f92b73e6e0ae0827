"""A page that an upstream serves tries to use the console with the reader's rights, in a real browser."""

from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from browsing import chromium
from serving import serving

pytestmark = pytest.mark.browser

ROUTES = """\
version: 1
environments: [dev, qa]
clusters:
  shop:
    path: /shop
    environment: qa
    upstreams: {{dev: "http://127.0.0.1:{port}", qa: "http://127.0.0.1:{port}"}}
"""

# Reads the board, then moves a cluster; what came of it is the page's title.
ATTACK = """<!doctype html><title>waiting</title><script>
(async () => {
  const said = [];
  for (const base of ["", "%(console)s"]) {
    const read = await fetch(base + "/_gateway/api/v1/routes").then(r => r.ok ? r.text() : "" + r.status, () => "blocked");
    const move = await fetch(base + "/_gateway/api/v1/routes/shop/move", {method: "POST",
      headers: {"Content-Type": "application/json"}, body: '{"environment": "dev"}'}).then(r => "" + r.status, () => "blocked");
    said.push(read.includes("upstreams") ? "READ" : read, move);
  }
  let cookie = "none";
  try { cookie = document.cookie || "none"; } catch { cookie = "blocked"; }
  document.title = said.concat(cookie).join(" ");
})();
</script>"""


async def attacked(browser, folder, **options):
    """(what the page could do, where the cluster lives after it)."""
    folder.mkdir()
    console = []

    async def answer(request):
        return web.Response(text=ATTACK % {"console": console[0]}, content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        routes = ROUTES.format(port=runner.addresses[0][1])
        gateway = await stack.enter_async_context(serving(folder, routes, **options))
        console.append(gateway.console)
        page = await browser.new_page()
        stack.push_async_callback(page.close)
        await page.goto(f"{gateway.console}/_gateway/")  # a session of the console, as its reader has
        await page.goto(f"{gateway.url}/shop/")
        await page.wait_for_function("document.title !== 'waiting'")
        return await page.title(), gateway.services.routes.table.clusters["shop"].environment


async def test_a_proxied_page_has_the_reader_s_rights_only_where_nothing_keeps_it_apart(tmp_path):
    async with chromium() as browser:
        said, environment = await attacked(browser, tmp_path / "sandbox", sandbox_html=True)
        assert "READ" not in said
        assert "200" not in said
        assert said.endswith("blocked"), "not even its cookies"
        assert environment == "qa"

        said, environment = await attacked(browser, tmp_path / "port", console_port=0)
        assert "READ" not in said
        assert "200" not in said
        assert environment == "qa"

        said, environment = await attacked(browser, tmp_path / "neither")
        assert said.startswith("READ 200"), "as docs/security.md says"
        assert environment == "dev"
