"""`gateway docs`: a site of several recordings, by our own pages or by somebody's templates.

Covers: cli/tls.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.model.capture import Capture
from gateway.store import open_recorder


def a_capture(step: int, *, recording: str, status: int = 200) -> Capture:
    capture = Capture()
    capture.id, capture.recording, capture.session = f"{recording}X{step}", recording, "chain"
    capture.step, capture.started_at = step, time.time() + step
    capture.method, capture.target, capture.origin = b"GET", b"/api/orders/step%d" % step, b"http://127.0.0.1:8080"
    capture.cluster, capture.environment = "orders", "qa"
    capture.status, capture.reason, capture.response_version = status, b"", "1.1"
    capture.response_headers = [(b"Content-Type", b"application/json")]
    capture.response_body, capture.response_size = [b'{"step": %d}' % step], 11
    capture.begun, capture.first_byte, capture.ended = 1.0, 1.010, 1.014
    return capture


@pytest.fixture
async def recordings(tmp_path: Path) -> Path:
    """Two recordings, and a what-if of the first."""
    file = tmp_path / "recordings" / "gateway.db"
    recorder = open_recorder(file, seal=lambda capture: capture)
    await recorder.start()
    for id, title, kind, parent in (
        ("01JAAA", "Order <a> book", "live", None), ("01JBBB", "Pay", "live", None), ("01JCCC", "too soon", "variant", "01JAAA"),
    ):  # fmt: skip
        recorder.describe_recording(id, id, kind=kind, parent=parent, branched_at=1 if parent else None)
        recorder.put(a_capture(1, recording=id, status=404 if parent else 200))
        recorder.annotate(id, title=title)
    recorder.add_build("orders", "qa", "1.9.3")
    await recorder.stop()
    return file


def docs(*words: object) -> int:
    return main(["docs", *map(str, words)])


def files(folder: Path) -> list[str]:
    """All but the facts by which `gateway docs --check` tells what is stale."""
    found = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return [name for name in found if name != "gateway-docs.json"]


async def test_a_site_of_two_recordings(recordings, tmp_path, capsys):
    site = tmp_path / "site"
    assert docs("01JAAA", "01JBBB", "-o", site, "-r", recordings) == 0
    assert files(site) == [
        "api/orders.openapi.json", "index.html", "order-a-book.html", "order-a-book.md", "pay.html", "pay.md",
    ]  # fmt: skip
    index = (site / "index.html").read_text("utf-8")
    assert '<a href="order-a-book.html">Order &lt;a&gt; book</a>' in index and "What if: too soon." in index
    assert "too soon" in (site / "order-a-book.html").read_text("utf-8")
    assert "<td>1.9.3</td>" in (site / "pay.html").read_text("utf-8"), "the version that ran then"
    assert json.loads((site / "api/orders.openapi.json").read_text("utf-8"))["info"]["version"] == "1.9.3"
    assert capsys.readouterr().err == f"{site}/index.html: the first of 7 files\n"


async def test_what_ifs_can_stay_out(recordings, tmp_path):
    assert docs("01JAAA", "-o", tmp_path / "site", "--without-variants", "-r", recordings) == 0
    assert "too soon" not in (tmp_path / "site" / "order-a-book.html").read_text("utf-8")


async def test_one_template_writes_every_document(recordings, tmp_path):
    template = tmp_path / "page.txt"
    template.write_text(
        "{{ title }}{% for one in chapters[0].steps %}\n{{ one.heading }} -> {{ one.status }}{% endfor %}\n"
    )
    assert docs("01JAAA", "01JBBB", "-o", tmp_path / "site", "--template", template, "-r", recordings) == 0
    assert (tmp_path / "site" / "order-a-book.txt").read_text() == "Order <a> book\nGET /api/orders/step1 -> 200\n"
    assert files(tmp_path / "site")[1:] == ["index.html", "order-a-book.txt", "pay.txt"]


async def test_a_folder_of_templates_with_an_index_and_parts(recordings, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "document.html").write_text("{% include 'part.html' %}<p>{{ chapters[0].what_ifs[0].sentence }}</p>")
    (folder / "part.html").write_text("<h1>{{ title }}</h1>{{ '*x*' | prose }}")
    (folder / "index.html").write_text(
        "{% for one in documents %}<a href='{{ one.files[0] }}'>{{ one.title }}</a>{% endfor %}"
    )
    assert docs("01JAAA", "-o", tmp_path / "site", "--template", folder, "-r", recordings) == 0
    text = (tmp_path / "site" / "order-a-book.html").read_text()
    assert text.startswith("<h1>Order &lt;a&gt; book</h1><p><em>x</em></p><p>404 ")
    assert (tmp_path / "site" / "index.html").read_text() == "<a href='order-a-book.html'>Order &lt;a&gt; book</a>"


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("{{ titel }}", "'titel' is undefined"),
        ("{% for %}", "page.html:1"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% include '../../etc/passwd' %}", "there is no template '../../etc/passwd'"),
    ],
    ids=["a name that is not there", "syntax", "a way out", "a path out"],
)
async def test_a_template_that_fails_says_where(template, complaint, recordings, tmp_path, capsys):
    (tmp_path / "page.html").write_text(template)
    assert docs("01JAAA", "-o", tmp_path / "site", "--template", tmp_path / "page.html", "-r", recordings) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


async def test_a_template_that_is_not_there(recordings, tmp_path, capsys):
    assert docs("01JAAA", "--template", tmp_path / "none.html", "-r", recordings) == 5
    (tmp_path / "empty").mkdir()
    assert docs("01JAAA", "--template", tmp_path / "empty", "-r", recordings) == 2
    assert "has no document.html or document.md" in capsys.readouterr().err
