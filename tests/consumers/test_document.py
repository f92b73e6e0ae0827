"""The HTML document under axe, in both themes: as it opens, while a value is followed, and while it presents itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.exports import recording
from gateway.export import FORMATS

SERIOUS = """async () => (await axe.run()).violations.filter(one => ['serious', 'critical'].includes(one.impact)).map(
    one => `${one.id}: ${one.nodes[0].html.slice(0, 200)} ${one.nodes[0].failureSummary}`)"""


@pytest.fixture(scope="session")
def documents(purchase, tmp_path_factory):
    """A purchase with its what-ifs, and a thousand calls."""
    recordings, beside = purchase
    folder = tmp_path_factory.mktemp("documents")
    texts = {
        "purchase": FORMATS["html"].dump(recordings, version="1", beside=beside),
        "overview": FORMATS["html"].dump([recording(1000)], version="1"),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["purchase", "overview"])
def test_axe_finds_nothing_serious_and_nothing_is_loaded(name, theme, tools, documents):
    from playwright.sync_api import sync_playwright

    axe, asked = Path(tools.package("axe-core"), "axe.min.js").read_text("utf-8"), []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=tools.system("chromium"), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(color_scheme=theme, offline=True)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((documents / f"{name}.html").as_uri())
        page.evaluate(axe)
        found = {"as it opens": page.evaluate(SERIOUS)}
        for key, what in (
            ("v", "following a value"),
            ("p", "presenting"),
            ("j", "the diagram"),
            ("j", "a step"),
            ("End", "the last slide"),
        ):
            page.keyboard.press(key)
            found[what] = page.evaluate(SERIOUS)
        browser.close()
    assert {what: faults for what, faults in found.items() if faults} == {}
    assert asked == [(documents / f"{name}.html").as_uri()]
